//! The whole process of a dial, identify and one ping, beside the Go program that does the same.

use crate::{
    go::{self, Serving},
    measure::{median, peak, wall},
    ours,
    table::{Row, Target, Unit},
};

pub const TRANSPORTS: [&str; 3] = ["tcp", "quic", "ws"];

/// Runs before the measured ones: both programs and the server are in memory then.
const WARM_UP: usize = 3;
/// Runs of each program, one after the other in turn, so that what else the machine does meets both.
const RUNS: usize = 31;
/// Memory hardly varies.
const MEMORY_RUNS: usize = 5;

const TIME: Target = Target::Ratio(0.5);
const MEMORY: Target = Target::Ratio(0.7);

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let serving = Serving::start(&[])?;
    let mut rows = Vec::new();
    for transport in TRANSPORTS {
        let address = serving.address(transport)?;
        let (time, go_time) = times(address)?;
        rows.push(Row::new(format!("{transport}: whole process"), time, Unit::Milliseconds, TIME).beside(go_time));
        let (memory, go_memory) = memories(address)?;
        rows.push(Row::new(format!("{transport}: peak memory"), memory, Unit::Mebibytes, MEMORY).beside(go_memory));
    }
    Ok(rows)
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
