//! What is known about the own network: what it does to peers that want to reach this machine, and what would help.

mod behaviour;
mod help;
mod inbound;
mod local;
mod observed;
mod remedy;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Why;

pub use behaviour::{Behaviour, FamilyNat, Filtering, Mapping, Prediction, Tested};
pub use help::{Gateway, HolePunch, PortMapping, Relay};
pub use inbound::{Inbound, InboundBy, Method};
pub use local::{Local, LocalAddress, Nat64, Usable};
pub use observed::{FilteringSeen, InboundSeen, Layer4, MappingSeen, NatFound, VantageKind, VantageSeen};
pub use remedy::{Remedy, RemedyCode};

/// What QUIC implementations ask of the system for the receive buffer of a UDP socket, in bytes: with less, a fast line loses
/// packets before they are read.
pub const UDP_RECEIVE_BUFFER: u64 = 7_500_000;

/// What the own network does to peers. What was not tested is `unknown`, never false.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Nat {
    /// Whether peers can reach this machine, and what stands between: the best of the families.
    pub status: NatStatus,
    /// Why the status is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// One sentence.
    pub summary: String,
    /// IPv4 as measured; null when it was not.
    pub ipv4: Option<FamilyNat>,
    /// IPv6 as measured; null when it was not.
    pub ipv6: Option<FamilyNat>,
    /// Dials from outside, each address by itself.
    pub inbound: Vec<Inbound>,
    /// The own addresses and limits.
    pub local: Local,
    /// What gateways were asked to map.
    pub port_mapping: Vec<PortMapping>,
    /// Reservations at relays.
    pub relays: Vec<Relay>,
    /// Hole punches tried.
    pub hole_punches: Vec<HolePunch>,
    /// What would help here, most useful first.
    pub remedies: Vec<Remedy>,
    /// The vantage points that were asked, in the order they answered.
    #[serde(default)]
    pub vantages: Vec<VantageSeen>,
}

/// Whether peers can reach this machine, and what stands between. The order is from best to worst.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
    strum::EnumIter,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum NatStatus {
    /// Inbound works on the own address.
    Public,
    /// Inbound works through a port mapping or a NAT that lets everybody in.
    Mapped,
    /// The own address is public, and what comes in is dropped.
    Firewalled,
    /// Behind a NAT.
    Nat,
    /// Behind two NATs.
    DoubleNat,
    /// Behind a carrier's NAT.
    Cgnat,
    /// UDP does not get out.
    UdpBlocked,
    /// Not tested, or it could not be told.
    #[default]
    Unknown,
}
