//! What a peer tells of itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Scope;

/// A peer that answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Peer {
    /// Its peer ID.
    pub id: String,
    /// Whether it is the one named, or none was named.
    pub expected: bool,
    /// The attempts at whose other end it was.
    pub attempts: Vec<u32>,
    /// Its agent version; null until it identified itself.
    pub agent: Option<String>,
    /// Its protocol version.
    pub protocol_version: Option<String>,
    /// The protocols it offers, sorted.
    pub protocols: Vec<String>,
    /// The addresses it announces, in its order, at most 100.
    pub announced: Vec<Announced>,
    /// How many addresses it announces in all.
    pub announced_total: u32,
}

impl Peer {
    /// Whether it identified itself.
    #[must_use]
    pub fn identified(&self) -> bool {
        self.agent.is_some() || self.protocol_version.is_some() || !self.protocols.is_empty()
    }
}

/// An address that a peer announces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Announced {
    /// The address.
    pub address: String,
    /// How far it reaches.
    pub scope: Scope,
    /// The attempt that dialed it; null when none did.
    pub attempt: Option<u32>,
}
