//! What a run is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of thing is probed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A peer, by its address.
    #[default]
    Peer,
    /// A node of our own in the same process.
    #[serde(rename = "self")]
    Own,
    /// The own network.
    Network,
}

/// What a run is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// What kind of thing is probed.
    pub kind: TargetKind,
    /// As the user wrote it.
    pub input: String,
    /// The peer that was named; null when none was.
    pub peer: Option<String>,
}
