//! `nat` with two helpers, in the networks of the lab: when what is known, from the start of the process.

use crate::{
    lab::{self, Case, HELPERS, Network},
    measure::{median, milliseconds},
    ours,
    table::{Row, Target, Unit},
};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Stdio},
    time::Instant,
};

const RUNS: usize = 3;
const TARGET: Target = Target::AtMost(3000.0);
/// The phases, by the events of which the last one ends them.
const PHASES: [(&str, &str); 4] = [
    ("vantage", "vantage points known"),
    ("mapping", "mapping known"),
    ("filtering", "filtering known"),
    ("inbound", "inbound dials known"),
];

/// When what was known, in milliseconds.
struct Run {
    phases: [Option<f64>; PHASES.len()],
    whole: f64,
}

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut medians: [Vec<f64>; PHASES.len() + 1] = Default::default();
    for case in lab::cases()? {
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            // Who makes a network panics where it cannot be made.
            let run = std::panic::catch_unwind(|| in_network(&case));
            runs.push(run.map_err(|_| anyhow::anyhow!("no network for \"{}\"", case.name))??);
        }
        let whole = median(runs.iter().map(|run| run.whole).collect())?;
        medians[PHASES.len()].push(whole);
        rows.push(Row::new(format!("nat, {}", case.name), whole, Unit::Milliseconds, Target::None));
        for (place, known) in medians[..PHASES.len()].iter_mut().enumerate() {
            // Where UDP is blocked nobody tells of its mapping.
            known.extend(median(runs.iter().filter_map(|run| run.phases[place]).collect()).ok());
        }
    }
    let mut all = Vec::new();
    for ((_, name), known) in PHASES.iter().zip(&medians) {
        all.push(Row::new(format!("nat, median: {name}"), median(known.clone())?, Unit::Milliseconds, Target::None));
    }
    all.push(Row::new("nat, median: the whole process", median(medians[PHASES.len()].clone())?, Unit::Milliseconds, TARGET));
    rows.extend(all);
    Ok(rows)
}

/// One run with fresh helpers: they send to no more than a few ports of one address in a minute.
fn in_network(case: &Case) -> anyhow::Result<Run> {
    let network = Network::new(&case.client, &case.input, &case.routers, &HELPERS);
    let helpers = HELPERS.map(|(name, address)| Helper::start(&network, name, address));
    let [first, second] = helpers;
    let (first, second) = (first?, second?);
    let begin = Instant::now();
    let mut command = network.command("c", ours::BINARY);
    command.args(["nat", "--format", "ndjson", "--via", &first.address, "--via", &second.address]).args(&case.args);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.context("cannot run p2p-probe")?;
    let mut phases = [None; PHASES.len()];
    let mut told = false;
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        let line: Value = serde_json::from_str(&line?).context("p2p-probe nat wrote no event")?;
        if let Some(place) = PHASES.iter().position(|(found, _)| line["found"] == *found) {
            phases[place] = line["t_ms"].as_f64();
        }
        told = line["event"] == "report";
    }
    let whole = milliseconds(begin.elapsed());
    child.wait()?;
    ensure!(told, "p2p-probe nat told nothing in \"{}\"", case.name);
    Ok(Run { phases, whole })
}

/// A helper that ends when this is dropped.
struct Helper {
    child: Child,
    address: String,
    _output: BufReader<ChildStdout>,
}

impl Helper {
    fn start(network: &Network, host: &str, address: &str) -> anyhow::Result<Self> {
        let mut command = network.command(host, ours::BINARY);
        command.args(["listen", "--ephemeral", "--no-page", "--format", "ndjson"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.context("cannot run p2p-probe")?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let wanted = format!("/ip4/{}/tcp/4011/p2p/", address.split('/').next().unwrap_or_default());
        let mut line = String::new();
        let address = loop {
            line.clear();
            ensure!(output.read_line(&mut line)? > 0, "p2p-probe listen ended early");
            let event: Value = serde_json::from_str(&line).context("p2p-probe listen wrote no event")?;
            match event["address"].as_str() {
                Some(address) if address.starts_with(&wanted) => break address.to_owned(),
                _ => {}
            }
        };
        Ok(Self { child, address, _output: output })
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
