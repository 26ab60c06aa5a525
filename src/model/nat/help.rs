//! What was tried to be reached all the same: port mappings, relays, hole punches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Family, Micros, Outcome, Stamp, Transport};

/// What a gateway was asked to map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PortMapping {
    /// The protocol that it was asked in.
    pub protocol: Gateway,
    /// IPv4, whose ports are mapped, or IPv6, for which a firewall is opened.
    #[serde(default = "ipv4")]
    pub family: Family,
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
    /// Whether a dial from outside came through, at one of the ports mapped; null when that was not tested.
    #[serde(default)]
    pub verified: Option<bool>,
    /// Those of `mapped` that a dial from outside was made to, and that none came through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<String>,
    /// Words of the gateway, or of what was wrong with it, for a reader; nothing is decided by them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl PortMapping {
    /// What it was asked by, as people write it.
    #[must_use]
    pub fn name(&self) -> String {
        let family = if self.family == Family::Ipv6 { " for IPv6" } else { "" };
        format!("{}{family}", self.protocol.name())
    }

    /// A gateway of which nothing more is known.
    #[must_use]
    pub fn new(protocol: Gateway, outcome: Outcome) -> Self {
        Self {
            protocol,
            family: ipv4(),
            outcome,
            gateway: None,
            external: None,
            mapped: Vec::new(),
            verified: None,
            blocked: Vec::new(),
            message: None,
        }
    }
}

/// What reports say that know of no other.
fn ipv4() -> Family {
    Family::Ipv4
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

impl Gateway {
    /// As people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Upnp => "UPnP",
            Self::NatPmp => "NAT-PMP",
            Self::Pcp => "PCP",
        }
    }

    /// Whether a refusal with this code is for want of a usable outside address, rather than of permission: UPnP's
    /// `ActionFailed`, NAT-PMP's `Network Failure` (RFC 6886, section 3.5), PCP's `NETWORK_FAILURE` and `NO_RESOURCES`
    /// (RFC 6887, section 7.4).
    #[must_use]
    pub fn lacks_address(self, error: u32) -> bool {
        match self {
            Self::Upnp => error == 501,
            Self::NatPmp => error == 3,
            Self::Pcp => matches!(error, 7 | 8),
        }
    }
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
    /// How long the direct dial of the last round took; null where it came to none.
    #[serde(default)]
    pub elapsed_ms: Option<Micros>,
    /// Whether the direct dial left from the listen port, as it must; null when it is not known.
    #[serde(default)]
    pub from_listen_port: Option<bool>,
    /// Whether the peer's end is at a port that it told, as it must be; null when it is not known. Another port is that of a NAT
    /// that maps per destination, or of a node that dials from other ports than it listens on.
    #[serde(default)]
    pub from_told_port: Option<bool>,
}
