//! What was tried to be reached all the same: port mappings, relays, hole punches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Micros, Outcome, Stamp, Transport};

/// What a gateway was asked to map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PortMapping {
    /// The protocol that it was asked in.
    pub protocol: Gateway,
    /// How it went: `passed` when it mapped a port.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The gateway's address.
    #[serde(default)]
    pub gateway: Option<String>,
    /// The gateway's own address on its other side; a private or carrier's address there is a second NAT.
    #[serde(default)]
    pub external: Option<String>,
    /// What it mapped, as multiaddrs seen from outside.
    #[serde(default)]
    pub mapped: Vec<String>,
    /// Whether a dial from outside came through the mapping; null when that was not tested.
    #[serde(default)]
    pub verified: Option<bool>,
}

/// A protocol that gateways map ports by.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, strum::Display, strum::EnumIter,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Gateway {
    /// UPnP IGD.
    Upnp,
    /// NAT-PMP (RFC 6886).
    NatPmp,
    /// PCP (RFC 6887).
    Pcp,
}

/// A reservation at a relay (circuit relay v2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Relay {
    /// The relay's peer ID.
    pub via: String,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When the reservation ends.
    pub expires: Option<Stamp>,
    /// How long a relayed connection may last, in milliseconds; null for no limit.
    pub limit_ms: Option<u64>,
    /// How much a relayed connection may carry each way, in bytes; null for no limit.
    pub limit_bytes: Option<u64>,
    /// Where peers reach this machine through the relay, as the relay tells.
    #[serde(default)]
    pub addresses: Vec<String>,
}

/// A hole punch (DCUtR).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HolePunch {
    /// The relay's peer ID.
    pub via: String,
    /// What was punched for; null where it did not come so far.
    pub transport: Option<Transport>,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The attempt with its stages.
    pub attempt: Option<u32>,
    /// The peer punched to.
    #[serde(default)]
    pub peer: Option<String>,
    /// Rounds of the protocol.
    #[serde(default)]
    pub rounds: Option<u32>,
    /// Round trip through the relay.
    #[serde(default)]
    pub rtt_ms: Option<Micros>,
    /// Whether the direct dial left from the listen port, as it must; null when it is not known.
    #[serde(default)]
    pub from_listen_port: Option<bool>,
}
