//! `listen`: its memory before anyone came and after ten thousand connections.

use crate::{
    dialer, ours,
    table::{MEBIBYTE, Row, Target, Unit},
};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    thread,
};

const LISTEN: [&str; 3] = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/udp/0/quic-v1"];

/// Connections after which the listener has what it keeps: buffers, tables at their size, the pools of the allocator.
const FIRST: usize = 1_000;
const CONNECTIONS: usize = 10_000;
const IDLE: Target = Target::AtMost(40.0);
/// Flat: what is left of each connection would show ten times as large at the end.
const FLAT: Target = Target::Ratio(1.1);

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let listener = Listener::start(&LISTEN)?;
    let idle = listener.resident()?;
    dialer::connect(&listener.addresses, FIRST)?;
    let early = listener.resident()?;
    dialer::connect(&listener.addresses, CONNECTIONS - FIRST)?;
    let late = listener.resident()?;
    Ok(vec![
        Row::new("listen: memory when idle", idle, Unit::Mebibytes, IDLE),
        Row::new("listen: after 10,000 connections (beside: 1,000)", late, Unit::Mebibytes, FLAT).beside(early),
    ])
}

/// A listener that ends when this is dropped.
pub struct Listener {
    child: Child,
    pub addresses: Vec<String>,
}

impl Listener {
    /// One on these addresses.
    pub fn start(listen: &[&str]) -> anyhow::Result<Self> {
        let mut command = ours::command(["listen", "--ephemeral", "--format", "ndjson"]);
        command.args(listen.iter().flat_map(|address| ["--listen", address]));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot run p2p-probe")?;
        let stdout = child.stdout.take();
        let mut listener = Self { child, addresses: Vec::new() };
        let mut lines = BufReader::new(stdout.context("no output")?).lines();
        while listener.addresses.len() < listen.len() {
            let line = lines.next().context("p2p-probe listen ended early")??;
            let line: Value = serde_json::from_str(&line).context("p2p-probe listen wrote no event")?;
            listener.addresses.extend(line["address"].as_str().filter(|_| line["event"] == "listening").map(str::to_owned));
        }
        // It tells of each dialer; a full pipe would stop it.
        thread::spawn(move || lines.for_each(drop));
        Ok(listener)
    }

    /// The memory that it holds, in mebibytes.
    pub fn resident(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|number| number.parse::<f64>().ok());
        let mebibytes = kibibytes.context("the system tells no memory of p2p-probe listen")? * 1024.0 / MEBIBYTE;
        ensure!(mebibytes > 0.0, "p2p-probe listen has ended");
        Ok(mebibytes)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
