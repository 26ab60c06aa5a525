//! What a run may be asked for, however it is asked: on a command line, in a page, in Node.

use std::time::Duration;

/// The shortest time that a run or an attempt may be given.
pub const SHORTEST: Duration = Duration::from_millis(1);
/// The longest time that a run may be given: longer is a slip of the keyboard.
pub const LONGEST: Duration = Duration::from_secs(3600);
/// The most pings of an attempt: more would hold up a peer for its answers.
pub const MOST_PINGS: u32 = 100;
/// The longest wait between two pings: idle connections are closed after it.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The most attempts at once.
pub const MOST_AT_ONCE: u32 = 64;

/// What is said of a time before zero.
const NEGATIVE: &str = "a time is not negative";

/// Reads the wait between two pings with its unit; `0s` is none. The error says what is wrong with it.
pub fn pause(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(pause) if pause <= LONGEST_PAUSE => Ok(pause),
        Ok(_) => Err("at most 1m".into()),
        Err(_) if is_negative(text) => Err(NEGATIVE.into()),
        Err(_) => Err("a time has a unit: 500ms, 1s".into()),
    }
}

/// Reads a time with its unit, within the bounds. The error says what is wrong with it.
pub fn time(text: &str) -> Result<Duration, String> {
    let wrong = || if is_negative(text) { NEGATIVE } else { "a time has a unit: 500ms, 10s, 2m" }.to_owned();
    let time = humantime::parse_duration(text).map_err(|_| wrong())?;
    match time {
        time if time < SHORTEST => Err("at least 1ms".into()),
        time if time > LONGEST => Err("at most 1h".into()),
        time => Ok(time),
    }
}

fn is_negative(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}
