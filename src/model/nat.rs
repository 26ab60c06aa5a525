//! What is known about the own network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Scope, Why};

/// What QUIC implementations ask of the system for the receive buffer of a UDP socket, in bytes: with less, a fast line loses
/// packets before they are read.
pub const UDP_RECEIVE_BUFFER: u64 = 7_500_000;

/// What the own network does to peers. What was not tested is `unknown`, never false.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Nat {
    /// Whether peers can reach this machine, and what stands between.
    pub status: NatStatus,
    /// Why the status is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// One sentence.
    pub summary: String,
    /// IPv4 as measured; null when it was not.
    pub ipv4: Option<serde_json::Value>,
    /// IPv6 as measured; null when it was not.
    pub ipv6: Option<serde_json::Value>,
    /// Dials from outside.
    pub inbound: Vec<serde_json::Value>,
    /// The own addresses and limits.
    pub local: Local,
    /// What gateways were asked to map.
    pub port_mapping: Vec<serde_json::Value>,
    /// Reservations at relays.
    pub relays: Vec<serde_json::Value>,
    /// Hole punches tried.
    pub hole_punches: Vec<serde_json::Value>,
    /// What would help here.
    pub remedies: Vec<serde_json::Value>,
}

/// Whether peers can reach this machine, and what stands between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NatStatus {
    /// Inbound works on the own address.
    Public,
    /// Inbound works through a port mapping or a NAT that lets everybody in.
    Mapped,
    /// The own address is public, and what comes in is dropped.
    Firewalled,
    /// Behind a NAT.
    Nat,
    /// Behind a carrier's NAT.
    Cgnat,
    /// Behind two NATs.
    DoubleNat,
    /// UDP does not get out.
    UdpBlocked,
    /// Not tested, or it could not be told.
    #[default]
    Unknown,
}

/// Whether the network translates IPv6 to IPv4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Nat64 {
    /// Not tested, or it could not be told.
    #[default]
    Unknown,
}

/// The own addresses and limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Local {
    /// The address that each family sends from.
    pub addresses: Vec<LocalAddress>,
    /// Whether the network translates IPv6 to IPv4 (RFC 7050).
    pub nat64: Nat64,
    /// The most that a UDP socket of this system may buffer, in bytes; null where the system does not tell.
    pub udp_receive_buffer: Option<u64>,
}

/// An own address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LocalAddress {
    /// The IP address.
    pub address: String,
    /// How far it reaches.
    pub scope: Scope,
}
