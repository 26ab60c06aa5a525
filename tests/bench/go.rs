//! The Go program that ours is measured beside: `tests/interop/go`.

use crate::measure::run;
use anyhow::{Context as _, ensure};
use serde::Deserialize;
use std::{
    env,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// Both dialers speak Noise: it is what ours offers first, and what costs Go the least round trips.
const SECURITY: [&str; 2] = ["--security", "noise"];

fn program() -> anyhow::Result<PathBuf> {
    let cache =
        env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    let cache = env::var_os("P2P_PROBE_CACHE").map(PathBuf::from).or_else(|| Some(cache?.join("p2p-probe")));
    let program = cache.context("neither HOME nor XDG_CACHE_HOME is set")?.join("interop/go-peer");
    ensure!(program.exists(), "{} is missing: run tests/interop/prepare", program.display());
    Ok(program)
}

/// The Go program dials, identifies, pings once.
pub fn dial(address: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(program()?);
    command.args(["dial", address, "--pings", "1"]).args(SECURITY);
    Ok(command)
}

/// What it tells of a dial, in milliseconds.
#[derive(Deserialize)]
pub struct Dialed {
    #[serde(rename = "connect_ms")]
    pub connect: f64,
    #[serde(rename = "identify_ms")]
    pub identify: f64,
    #[serde(rename = "ping_ms")]
    pub pings: Vec<f64>,
}

#[derive(Deserialize)]
struct Uploaded {
    seconds: f64,
}

/// The Go program sends so many bytes on one stream. The seconds until the other side had them all.
pub fn upload(address: &str, bytes: usize) -> anyhow::Result<f64> {
    let mut command = Command::new(program()?);
    command.args(["upload", address, &bytes.to_string()]).args(SECURITY);
    let output = run(command)?;
    let uploaded: Uploaded = serde_json::from_slice(&output.stdout).context("go-peer told nothing")?;
    Ok(uploaded.seconds)
}

/// A Go node that serves until this is dropped.
pub struct Serving {
    child: Child,
    addresses: Vec<String>,
}

#[derive(Deserialize)]
struct Ready {
    addrs: Vec<String>,
}

impl Serving {
    /// A node on these addresses, or on loopback over each transport.
    pub fn start(listen: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(program()?);
        command.arg("serve").args(SECURITY).args(listen.iter().flat_map(|address| ["--listen", address]));
        if listen.is_empty() {
            command.arg("--webrtc");
        }
        Self::spawn(command)
    }

    /// A node on this address that takes uploads.
    pub fn uploads(listen: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(program()?);
        command.args(["serve", "--perf", "--listen", listen]).args(SECURITY);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot run go-peer")?;
        let mut line = String::new();
        let read = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        let mut serving = Self { child, addresses: Vec::new() };
        read.transpose()?;
        let ready: Ready = serde_json::from_str(&line).context("go-peer serve did not start")?;
        serving.addresses = ready.addrs;
        Ok(serving)
    }

    /// Its address over `tcp`, `quic`, `ws` or `webrtc`.
    pub fn address(&self, transport: &str) -> anyhow::Result<&str> {
        let fits = |address: &&String| match transport {
            "quic" => address.contains("/quic-v1/"),
            "webrtc" => address.contains("/webrtc-direct/"),
            "ws" => address.contains("/ws/"),
            _ => address.contains("/tcp/") && !address.contains("/ws/"),
        };
        self.addresses.iter().find(fits).map(String::as_str).with_context(|| format!("go-peer does not serve {transport}"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
