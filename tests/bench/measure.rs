//! Time and memory of whole processes.

use anyhow::{Context as _, bail, ensure};
use std::{
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// Debian's package `time`; a shell's own `time` does not tell the memory.
const TIME: &str = "/usr/bin/time";

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The middle value: one disturbed run does not move it.
pub fn median(mut values: Vec<f64>) -> anyhow::Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("nothing was measured")
}

/// From before the program starts until it has been waited for, in milliseconds.
pub fn wall(mut command: Command) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let output = command.stdin(Stdio::null()).output();
    let time = begin.elapsed();
    good(&command, output)?;
    Ok(milliseconds(time))
}

/// The most memory that the program held at once, in mebibytes.
pub fn peak(command: &Command) -> anyhow::Result<f64> {
    let mut timed = Command::new(TIME);
    timed.args(["--quiet", "--format", "%M"]).arg(command.get_program()).args(command.get_args());
    ensure!(Path::new(TIME).exists(), "{TIME} is missing: install Debian's package time");
    let output = run(timed)?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let kibibytes: f64 = words.lines().last().and_then(|line| line.trim().parse().ok()).context("time told no memory")?;
    Ok(kibibytes / 1024.0)
}

/// Runs it to its end, for what it writes.
pub fn run(mut command: Command) -> anyhow::Result<Output> {
    let output = command.stdin(Stdio::null()).output();
    good(&command, output)
}

/// A run that failed measured something else.
fn good(command: &Command, output: std::io::Result<Output>) -> anyhow::Result<Output> {
    let program = command.get_program().display();
    let output = output.with_context(|| format!("cannot run {program}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let told = [&output.stderr[..], &output.stdout[..]].concat();
    bail!("{program} {} ended with {}: {}", words.join(" "), output.status, String::from_utf8_lossy(&told).trim())
}
