//! Throughput of one stream over webrtc-direct: over loopback, and over a line with a round trip of 50 ms that loses nothing
//! or 3 of 100 packets, each between two of ours and, beside it, between two Go programs.

use crate::{
    go::{self, Serving},
    line::{self, FAR, NEAR},
    measure::median,
    perf, reflector,
    table::{MEBIBYTE, Row, Target, Unit},
};
use anyhow::Context as _;
use std::{net::Ipv4Addr, time::Duration};

/// The part of this program that runs within the namespace.
pub const WITHIN: &str = "bulk";

/// Half of the round trip.
const DELAY: Duration = Duration::from_millis(25);
const RUNS: u64 = 3;
/// What is lost makes one run another than the next.
const LOSSY_RUNS: u64 = 9;
/// Long enough that the start does not count; each takes a few seconds.
const LOOPBACK: usize = 64 << 20;
const LINE: usize = 4 << 20;
const LOSSY_LINE: usize = 1 << 20;
/// Of a thousand packets.
const LOST: u32 = 30;

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let here = Ipv4Addr::LOCALHOST;
    let mut rows = compare("loopback", [here; 2], LOOPBACK, RUNS, Target::AtLeast(50.0), |_| ())?;
    rows.extend(line::within_namespace(WITHIN)?);
    Ok(rows)
}

/// What runs within the namespace.
pub fn rows() -> anyhow::Result<Vec<Row>> {
    let line = reflector::start(DELAY)?;
    let target = Target::AtLeastRatio(1.0);
    let mut rows = compare("50 ms", [NEAR, FAR], LINE, RUNS, target, |_| ())?;
    rows.extend(compare("50 ms, 3 % lost", [NEAR, FAR], LOSSY_LINE, LOSSY_RUNS, target, |run| line.lose(LOST, run))?);
    Ok(rows)
}

/// The sender and the receiver.
const WHO: [&str; 4] = ["ours", "go to go", "ours to go", "go to ours"];

/// Ours and Go's in turn, then each with the other.
fn compare(
    name: &str,
    [near, far]: [Ipv4Addr; 2],
    bytes: usize,
    runs: u64,
    target: Target,
    before: impl Fn(u64),
) -> anyhow::Result<Vec<Row>> {
    let over = |address: &str| address.replace(&near.to_string(), &far.to_string());
    let ours = over(&perf::serve(near.into())?);
    let serving = Serving::uploads(&format!("/ip4/{near}/udp/0/webrtc-direct"))?;
    let go = over(serving.address("webrtc")?);
    let mut rates: [Vec<f64>; 4] = Default::default();
    for run in 0..runs {
        let mut measure = |index: usize, upload: &dyn Fn() -> anyhow::Result<f64>| {
            // The same losses for each.
            before(run);
            // pion gives a handshake up that meets too many losses.
            let seconds = upload().or_else(|_| upload()).or_else(|_| upload());
            let seconds = seconds.with_context(|| format!("{}, over {name}", WHO[index]))?;
            rates[index].push(f64::from(u32::try_from(bytes)?) / MEBIBYTE / seconds);
            anyhow::Ok(())
        };
        measure(0, &|| perf::upload(&ours, bytes))?;
        measure(1, &|| go::upload(&go, bytes))?;
        measure(2, &|| perf::upload(&go, bytes))?;
        measure(3, &|| go::upload(&ours, bytes))?;
    }
    let [ours, go, to_go, from_go] = rates.map(median);
    let (ours, go) = (ours?, go?);
    let row = |what: &str, rate, target| Row::new(format!("webrtc, {name}: {what}"), rate, Unit::Rate, target).beside(go);
    Ok(vec![
        row("one stream (beside: go to go)", ours, target),
        row("ours to go", to_go?, Target::None),
        row("go to ours", from_go?, Target::None),
    ])
}
