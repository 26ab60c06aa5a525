//! Dials from outside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tested;
use crate::model::{Cause, Outcome, Stage, Transport, Why};

/// Whether others can dial an address of this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inbound {
    /// The address as seen from outside, as a multiaddr.
    pub address: String,
    /// Its transport.
    pub transport: Transport,
    /// What the answers come to: `passed` by a vantage point that was not contacted before, or on an own public address.
    pub outcome: Tested,
    /// Why it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// The answers, side by side and not merged.
    pub by: Vec<InboundBy>,
}

impl Inbound {
    /// An address that the answers come to this about.
    #[must_use]
    pub fn new(address: String, transport: Transport, outcome: Outcome, by: Vec<InboundBy>) -> Self {
        let (outcome, cause, why) = match outcome {
            Outcome::Passed => (Tested::Passed, None, None),
            Outcome::Failed { cause } => (Tested::Failed, Some(cause), None),
            Outcome::Skipped { why } | Outcome::Unknown { why } => (Tested::Unknown, None, Some(why)),
        };
        Self { address, transport, outcome, cause, why, by }
    }
}

/// What one vantage point says about an address of this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InboundBy {
    /// How it was asked.
    pub method: Method,
    /// The peer ID of the vantage point.
    pub vantage: String,
    /// Where it dialed from, as a multiaddr of the IP address; null when it is not known.
    pub from: Option<String>,
    /// Whether the socket under test had sent to that IP address before: only one that it had not shows filtering.
    pub contacted_before: bool,
    /// What it says.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How far it came, where it tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// Words of the vantage point for a reader; nothing is decided by them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How a vantage point was asked to dial back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Method {
    /// `/libp2p/autonat/1.0.0`.
    AutonatV1,
    /// `/libp2p/autonat/2/dial-request`.
    AutonatV2,
    /// `/p2p-probe/dialback/1`, raw datagrams.
    Datagrams,
    /// `/p2p-probe/dialback/1`, a connection to the socket under test.
    Dialback,
    /// `/p2p-probe/dialback/1`, a dial of a running node (`--check`).
    Check,
}
