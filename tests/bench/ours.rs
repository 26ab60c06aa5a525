//! The program under measurement.

use anyhow::{Context as _, ensure};
use std::{env, path::Path, process::Command};

pub const BINARY: &str = env!("CARGO_BIN_EXE_p2p-probe");

/// Builds the program as users have it, in the place where Cargo has put that of the tests: what the crates of tests ask of crates
/// that the program uses as well makes it larger, and slower to start.
pub fn build() -> anyhow::Result<()> {
    let target = Path::new(BINARY).ancestors().nth(2).context("a program that Cargo has put nowhere")?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--bin", "p2p-probe", "--target-dir"]).arg(target);
    // What Cargo tells this program of its package would have some crates built anew.
    let told = env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    });
    told.for_each(|name| _ = command.env_remove(name));
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().context("cannot run cargo")?;
    ensure!(status.success(), "p2p-probe could not be built");
    Ok(())
}

pub fn command<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(Path::new(BINARY));
    command.args(arguments);
    command
}

/// Dials what the Go program dials: one address, identify, one ping.
pub fn dial(address: &str) -> Command {
    command(["dial", address, "--no-announced", "--ping", "1", "--format", "json"])
}
