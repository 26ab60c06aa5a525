//! What a host sends and gets, recorded below everything that knows of sockets.

use super::super::network::Network;
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::process::{Child, ChildStdout, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/record.py");

/// Records until it is asked what it saw.
pub struct Recorder {
    child: Child,
    output: BufReader<ChildStdout>,
}

/// All that was seen.
#[derive(Debug, Deserialize)]
pub struct Record {
    /// Packets that came too fast to be recorded.
    lost: u32,
    flows: Vec<Flow>,
}

/// Between an own port and a place elsewhere.
#[derive(Debug, Deserialize)]
pub struct Flow {
    pub protocol: String,
    pub port: u16,
    pub other: IpAddr,
    pub at: u16,
    began: String,
    /// Bytes of payload.
    pub sent: u64,
    pub came: u64,
    /// Packets sent.
    pub packets: u64,
    /// The first datagrams.
    pub kept: Vec<Kept>,
}

#[derive(Debug, Deserialize)]
pub struct Kept {
    pub out: bool,
    /// In hex.
    pub bytes: String,
}

impl Recorder {
    pub fn start(network: &Network, host: &str) -> Self {
        let mut command = network.command(host, "python3");
        let mut child = command.arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut recorder = Self { child, output };
        assert_eq!(recorder.line().trim(), "ready");
        recorder
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        line
    }

    /// # Panics
    /// Where it missed anything.
    pub fn end(mut self) -> Vec<Flow> {
        drop(self.child.stdin.take());
        let line = self.line();
        let record: Record = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(record.lost, 0, "packets were lost by who records them");
        record.flows
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Flow {
    /// Whether it began with a packet of this host's.
    pub fn began_here(&self) -> bool {
        self.began == "here"
    }

    /// The datagrams that were sent.
    pub fn datagrams(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().filter(|kept| kept.out).map(|kept| kept.bytes.as_str())
    }
}
