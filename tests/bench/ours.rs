//! The program under measurement.

use std::{path::Path, process::Command};

pub const BINARY: &str = env!("CARGO_BIN_EXE_p2p-probe");

pub fn command<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(Path::new(BINARY));
    command.args(arguments);
    command
}

/// Dials what the Go program dials: one address, identify, one ping.
pub fn dial(address: &str) -> Command {
    command(["dial", address, "--no-announced", "--ping", "1", "--format", "json"])
}
