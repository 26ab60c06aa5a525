//! The whole process of a dial, identify and one ping, beside the Go program that does the same.

use crate::{
    go::{self, Serving},
    measure::{median, peak, run, wall},
    ours,
    table::{Row, Target, Unit},
};
use anyhow::{Context as _, ensure};
use serde_json::Value;

pub const TRANSPORTS: [&str; 3] = ["tcp", "quic", "ws"];
const WEBRTC: &str = "webrtc";

/// Runs before the measured ones: both programs and the server are in memory then.
const WARM_UP: usize = 3;
/// Runs of each program, one after the other in turn, so that what else the machine does meets both.
const RUNS: usize = 101;
/// Memory hardly varies.
const MEMORY_RUNS: usize = 5;

const TIME: Target = Target::Ratio(0.5);
const MEMORY: Target = Target::Ratio(0.7);

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let serving = Serving::start(&[])?;
    let mut rows = Vec::new();
    for transport in TRANSPORTS.into_iter().chain([WEBRTC]) {
        let address = serving.address(transport)?;
        let (time, go_time) = times(address)?;
        rows.push(Row::new(format!("{transport}: whole process"), time, Unit::Milliseconds, TIME).beside(go_time));
        let (memory, go_memory) = memories(address)?;
        rows.push(Row::new(format!("{transport}: peak memory"), memory, Unit::Mebibytes, MEMORY).beside(go_memory));
    }
    rows.push(to_first_ping(serving.address(WEBRTC)?)?);
    Ok(rows)
}

/// Connect to first ping, without the start of the process.
fn to_first_ping(address: &str) -> anyhow::Result<Row> {
    let (mut times, mut go_times) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let output = run(ours::dial(address))?;
        let report: Value = serde_json::from_slice(&output.stdout).context("p2p-probe wrote no report")?;
        let stages = report["attempts"][0]["stages"].as_array().context("a report without stages")?;
        let last = stages.iter().find(|stage| stage["stage"] == "ping").context("no ping was answered")?;
        ensure!(last["outcome"] == "passed", "no ping was answered: {last}");
        times.push(stages.iter().filter_map(|stage| stage["elapsed_ms"].as_f64()).sum());
        let output = run(go::dial(address)?)?;
        let dialed: go::Dialed = serde_json::from_slice(&output.stdout).context("go-peer told nothing")?;
        go_times.push(dialed.connect + dialed.identify + dialed.pings.iter().sum::<f64>());
    }
    let row = Row::new("webrtc: connect to first ping", median(times)?, Unit::Milliseconds, Target::Ratio(1.0));
    Ok(row.beside(median(go_times)?))
}

/// Medians of ours and Go's.
fn times(address: &str) -> anyhow::Result<(f64, f64)> {
    let (mut times, mut go_times) = (Vec::new(), Vec::new());
    for run in 0..WARM_UP + RUNS {
        let (time, go_time) = (wall(ours::dial(address))?, wall(go::dial(address)?)?);
        if run >= WARM_UP {
            times.push(time);
            go_times.push(go_time);
        }
    }
    Ok((median(times)?, median(go_times)?))
}

fn memories(address: &str) -> anyhow::Result<(f64, f64)> {
    let (mut peaks, mut go_peaks) = (Vec::new(), Vec::new());
    for _ in 0..MEMORY_RUNS {
        peaks.push(peak(&ours::dial(address))?);
        go_peaks.push(peak(&go::dial(address)?)?);
    }
    Ok((median(peaks)?, median(go_peaks)?))
}
