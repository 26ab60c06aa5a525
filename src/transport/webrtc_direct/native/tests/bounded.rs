//! What many streams together may hold.

use std::collections::HashMap;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::super::super::framing::MAX_MESSAGE;
use super::super::config::{ALL_UNREAD, ALL_UNSENT, SCTP_RECEIVE};
use super::super::connection::Machine;
use super::super::credentials::Version;
use super::line::{Line, Weather};

const FAIR: Weather = Weather { lost: 0, doubled: 0, late: 0, round_trip: Duration::from_millis(50) };
const STREAMS: usize = 40;
/// Of each stream: all of them are more than may be under way and unread together.
const BYTES: usize = 100_000;

/// What is sent on a stream tells its id.
fn content(id: u16) -> Vec<u8> {
    vec![id.to_le_bytes()[0]; BYTES]
}

/// Writes what is left, stream by stream. How much that was.
fn write(machine: &mut Machine, left: &mut HashMap<u16, usize>) -> usize {
    let mut all = 0;
    for (id, left) in left {
        while *left > 0 {
            let data = content(*id);
            let written = machine.on_channels(|channels, sctp, _| channels.poll_write(*id, sctp, &data[..*left], Waker::noop()));
            let Some(Poll::Ready(count)) = written else { break };
            let count = count.unwrap();
            *left -= count;
            all += count;
        }
    }
    all
}

fn read(machine: &mut Machine, id: u16, into: &mut Vec<u8>) {
    let mut buffer = [0; 8192];
    while let Some(Poll::Ready(count)) =
        machine.on_channels(|channels, sctp, _| channels.poll_read(id, sctp, &mut buffer, Waker::noop()))
    {
        into.extend_from_slice(&buffer[..count.unwrap()]);
    }
}

#[test]
fn many_streams_hold_no_more_than_a_few_and_all_of_it_arrives() {
    let mut line = Line::new(Version::V2, FAIR, 1);
    line.connect();
    let mut left = HashMap::new();
    for _ in 0..STREAMS {
        let id = line.ends[0].on_channels(|channels, sctp, _| channels.open(sctp)).unwrap().unwrap();
        left.insert(id, BYTES);
    }
    let (mut written, mut quiet_since) = (0, line.now);
    line.until(|ends, now| {
        let count = write(&mut ends[0], &mut left);
        written += count;
        if count > 0 {
            quiet_since = now;
        }
        let unread = ends[1].channels.unread();
        assert!(unread <= ALL_UNREAD + MAX_MESSAGE, "{unread}");
        now - quiet_since > Duration::from_secs(10)
    });
    let most = ALL_UNREAD + ALL_UNSENT + usize::try_from(SCTP_RECEIVE).unwrap() + 4 * MAX_MESSAGE;
    assert!((ALL_UNSENT..=most).contains(&written), "{written} of at most {most}");

    let mut received: HashMap<u16, Vec<u8>> = HashMap::new();
    line.until(|ends, _| {
        write(&mut ends[0], &mut left);
        while let Poll::Ready(id) = ends[1].channels.poll_accept(Waker::noop()) {
            received.insert(id, Vec::new());
        }
        for (id, bytes) in &mut received {
            read(&mut ends[1], *id, bytes);
        }
        received.values().map(Vec::len).sum::<usize>() == STREAMS * BYTES
    });
    assert!(received.iter().all(|(id, bytes)| *bytes == content(*id)));
}
