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
const RUNS: usize = 13;
/// Servers, each for so many runs: of a dial over webrtc-direct go-libp2p keeps the question in the other version for 10 s, and works
/// on it.
const SERVERS: usize = 5;
/// Memory hardly varies.
const MEMORY_RUNS: usize = 5;

const TIME: Target = Target::Ratio(0.5);
const MEMORY: Target = Target::Ratio(0.7);

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for transport in TRANSPORTS.into_iter().chain([WEBRTC]) {
        let (time, go_time) = on_fresh(transport, times)?;
        rows.push(Row::new(format!("{transport}: whole process"), time, Unit::Milliseconds, TIME).beside(go_time));
        let serving = Serving::start(&[])?;
        let (memory, go_memory) = memories(serving.address(transport)?)?;
        rows.push(Row::new(format!("{transport}: peak memory"), memory, Unit::Mebibytes, MEMORY).beside(go_memory));
    }
    let (time, go_time) = on_fresh(WEBRTC, to_first_ping)?;
    rows.push(Row::new("webrtc: connect to first ping", time, Unit::Milliseconds, Target::Ratio(1.0)).beside(go_time));
    Ok(rows)
}

/// Times of ours and Go's, in turn.
type Times = Vec<(f64, f64)>;

/// Medians of ours and Go's over all servers.
fn on_fresh(transport: &str, times: fn(&str) -> anyhow::Result<Times>) -> anyhow::Result<(f64, f64)> {
    let (mut ours, mut of_go) = (Vec::new(), Vec::new());
    for _ in 0..SERVERS {
        let serving = Serving::start(&[])?;
        for (time, go_time) in times(serving.address(transport)?)?.split_off(WARM_UP) {
            ours.push(time);
            of_go.push(go_time);
        }
    }
    Ok((median(ours)?, median(of_go)?))
}

/// Connect to first ping, without the start of the process.
fn to_first_ping(address: &str) -> anyhow::Result<Times> {
    let each = |_| {
        let output = run(ours::dial(address))?;
        let report: Value = serde_json::from_slice(&output.stdout).context("p2p-probe wrote no report")?;
        let stages = report["attempts"][0]["stages"].as_array().context("a report without stages")?;
        let last = stages.iter().find(|stage| stage["stage"] == "ping").context("no ping was answered")?;
        ensure!(last["outcome"] == "passed", "no ping was answered: {last}");
        let time = stages.iter().filter_map(|stage| stage["elapsed_ms"].as_f64()).sum();
        let output = run(go::dial(address)?)?;
        let dialed: go::Dialed = serde_json::from_slice(&output.stdout).context("go-peer told nothing")?;
        Ok((time, dialed.connect + dialed.identify + dialed.pings.iter().sum::<f64>()))
    };
    (0..WARM_UP + RUNS).map(each).collect()
}

/// The whole processes.
fn times(address: &str) -> anyhow::Result<Times> {
    (0..WARM_UP + RUNS).map(|_| Ok((wall(ours::dial(address))?, wall(go::dial(address)?)?))).collect()
}

fn memories(address: &str) -> anyhow::Result<(f64, f64)> {
    let (mut peaks, mut go_peaks) = (Vec::new(), Vec::new());
    for _ in 0..MEMORY_RUNS {
        peaks.push(peak(&ours::dial(address))?);
        go_peaks.push(peak(&go::dial(address)?)?);
    }
    Ok((median(peaks)?, median(go_peaks)?))
}
