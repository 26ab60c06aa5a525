//! Connect to identified over a line with a round trip of 100 ms, counted in round trips, beside the Go program.
//!
//! The line is made in a network namespace of its own, by this program started again within it.

use crate::{
    bulk,
    dials::TRANSPORTS,
    go::{self, Serving},
    measure::{median, milliseconds, run},
    ours, reflector,
    table::{Row, Target, Unit},
};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::{
    env,
    net::{Ipv4Addr, TcpStream},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

/// The argument with which this program starts itself in the namespace.
pub const WITHIN: &str = "--within-the-line";

/// The address of the listener, and the one that leads to it over the line. They look public: some peers treat others apart.
pub const NEAR: Ipv4Addr = Ipv4Addr::new(11, 22, 33, 1);
pub const FAR: Ipv4Addr = Ipv4Addr::new(11, 22, 33, 2);

const DELAY: Duration = Duration::from_millis(50);
const ROUND_TRIP_MS: f64 = 100.0;
/// What computing may add to the round trips, in round trips.
const COMPUTING: f64 = 0.2;
const RUNS: usize = 5;
/// The stages from connect to identified.
const STAGES: [&str; 5] = ["connect", "upgrade", "secure", "multiplex", "identify"];

pub fn measure() -> anyhow::Result<Vec<Row>> {
    within_namespace("line")
}

/// Has this program measure a part in a namespace of its own.
pub fn within_namespace(part: &str) -> anyhow::Result<Vec<Row>> {
    let mut command = Command::new("unshare");
    command.args(["--net", "--map-root-user"]).arg(env::current_exe()?).args([WITHIN, part]);
    let output =
        run(command).context("the delayed line needs root, or user namespaces that anyone may make, and Debian's util-linux")?;
    serde_json::from_slice(&output.stdout).context("the program within the namespace told no rows")
}

/// What runs within the namespace: prints its rows as JSON.
pub fn within(part: Option<&str>) -> ExitCode {
    let rows = if part == Some(bulk::WITHIN) { bulk::rows() } else { rows() };
    match rows {
        Ok(rows) => {
            println!("{}", serde_json::json!(rows));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn rows() -> anyhow::Result<Vec<Row>> {
    let _line = reflector::start(DELAY)?;
    let listen = ["tcp/0", "udp/0/quic-v1", "tcp/0/ws"].map(|rest| format!("/ip4/{NEAR}/{rest}"));
    let serving = Serving::start(&listen.each_ref().map(String::as_str))?;
    let mut rows = vec![Row::new("line: TCP handshake", handshake(&serving)?, Unit::Milliseconds, Target::None)];
    for transport in TRANSPORTS {
        let address = serving.address(transport)?.replace(&NEAR.to_string(), &FAR.to_string());
        rows.extend(transport_rows(transport, &address)?);
    }
    Ok(rows)
}

/// One round trip as the kernel sees it.
fn handshake(serving: &Serving) -> anyhow::Result<f64> {
    let port = serving.address("tcp")?.split('/').nth(4).and_then(|port| port.parse().ok()).context("no port")?;
    let times = (0..RUNS).map(|_| {
        let begin = Instant::now();
        TcpStream::connect((FAR, port)).context("nothing comes back over the line")?;
        Ok(milliseconds(begin.elapsed()))
    });
    median(times.collect::<anyhow::Result<_>>()?)
}

/// The sum beside Go's, then each stage.
fn transport_rows(transport: &str, address: &str) -> anyhow::Result<Vec<Row>> {
    let (mut stages, mut go) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        stages.push(our_stages(address)?);
        go.push(go_total(address)?);
    }
    let sum = |run: &[Option<f64>; STAGES.len()]| run.iter().flatten().sum();
    let (total, go) = (median(stages.iter().map(sum).collect())?, median(go)?);
    let trips = total / ROUND_TRIP_MS;
    let name = |what: &str| format!("line, {transport}: {what}");
    let mut rows = vec![
        Row::new(name("connect to identified"), total, Unit::Milliseconds, Target::Ratio(1.0)).beside(go),
        Row::new(name("the same in round trips"), trips, Unit::RoundTrips, Target::AtMost(floor(transport) + COMPUTING)),
    ];
    for (index, stage) in STAGES.iter().enumerate() {
        let times: Vec<f64> = stages.iter().filter_map(|run| run[index]).collect();
        if !times.is_empty() {
            rows.push(Row::new(name(stage), median(times)? / ROUND_TRIP_MS, Unit::RoundTrips, Target::None));
        }
    }
    Ok(rows)
}

/// The fewest round trips that the protocols allow.
fn floor(transport: &str) -> f64 {
    match transport {
        "quic" => 2.0,
        "ws" => 4.0,
        _ => 3.0,
    }
}

/// The times of the stages, in milliseconds; none where the transport has no such stage.
fn our_stages(address: &str) -> anyhow::Result<[Option<f64>; STAGES.len()]> {
    let output = run(ours::dial(address))?;
    let report: Value = serde_json::from_slice(&output.stdout).context("p2p-probe wrote no report")?;
    let stages = report["attempts"][0]["stages"].as_array().context("a report without stages")?;
    let time = |name: &str| stages.iter().find(|stage| stage["stage"] == name)?["elapsed_ms"].as_f64();
    let times = STAGES.map(time);
    ensure!(times[STAGES.len() - 1].is_some(), "{address} was not identified");
    Ok(times)
}

fn go_total(address: &str) -> anyhow::Result<f64> {
    let output = run(go::dial(address)?)?;
    let dialed: go::Dialed = serde_json::from_slice(&output.stdout).context("go-peer told nothing")?;
    Ok(dialed.connect + dialed.identify)
}
