//! One address, one dial.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Micros, Outcome, Stage, StageName, Transport};

/// Who opens the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// We dial.
    #[default]
    Outbound,
    /// We are dialed.
    Inbound,
}

/// How an address came to be dialed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Source {
    /// The user named it, or a name that leads to it.
    #[default]
    Target,
    /// The peer announced it.
    Announced,
    /// A node of our own in the same process.
    #[serde(rename = "self")]
    #[strum(serialize = "self")]
    Own,
    /// Through a relay.
    Relay,
}

/// One concrete address and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Its number in this run, from 1, in the order planned.
    pub id: u32,
    /// Who opens the connection.
    pub direction: Direction,
    /// How the address came to be dialed.
    pub source: Source,
    /// The transport; null where the address has none that libp2p knows.
    pub transport: Option<Transport>,
    /// The address as it was offered.
    pub address: String,
    /// The concrete address that was dialed; null until it is known.
    pub remote: Option<String>,
    /// The names that led to it, outermost first.
    pub names: Vec<String>,
    /// The version of webrtc-direct.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How it ended; `unknown` with `not-reached` until then.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When it began, since the run began; null until it does.
    pub start_ms: Option<Micros>,
    /// How long it took; null until it ends.
    pub elapsed_ms: Option<Micros>,
    /// Its steps, in order.
    pub stages: Vec<Stage>,
}

impl Attempt {
    /// The step of this name, if it was begun.
    #[must_use]
    pub fn stage(&self, name: StageName) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.stage == name)
    }

    /// Whether it runs now.
    #[must_use]
    pub fn running(&self) -> bool {
        self.start_ms.is_some() && self.elapsed_ms.is_none()
    }

    /// The peer that was proved to be at the other end.
    #[must_use]
    pub fn peer(&self) -> Option<&str> {
        self.stages.iter().find_map(|stage| stage.found.peer.as_deref())
    }
}
