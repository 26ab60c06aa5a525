//! The networks of the tests' lab, as far as two helpers are asked in them.

use serde::Deserialize;

#[path = "../it/lab/network.rs"]
#[allow(dead_code, clippy::expect_used, reason = "of the tests, which make more of it and may fail at once")]
mod network;

/// Nothing is measured that has a gateway.
mod gateway {
    pub const CHAINS: &str = "";
}

pub use network::{Network, Router};

/// The helpers and their addresses.
pub const HELPERS: [(&str, &str); 2] = [("a", "11.22.33.1/24"), ("b", "11.22.34.2/24")];
const CASES: &str = include_str!("../lab/nat.toml");

#[derive(Deserialize)]
struct File {
    case: Vec<Case>,
}

/// A network.
#[derive(Deserialize)]
pub struct Case {
    pub name: String,
    pub client: String,
    #[serde(default)]
    pub routers: Vec<Router>,
    #[serde(default)]
    pub input: Vec<String>,
    #[serde(default)]
    via: Option<Vec<String>>,
    #[serde(default)]
    pub args: Vec<String>,
}

/// Those in which both helpers are asked.
pub fn cases() -> anyhow::Result<Vec<Case>> {
    let file: File = toml::from_str(CASES)?;
    Ok(file.case.into_iter().filter(|case| case.via.is_none()).collect())
}
