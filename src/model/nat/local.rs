//! The own addresses and limits.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tested;
use crate::model::{Family, Scope};

/// The own addresses and limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Local {
    /// The address that each family sends from.
    pub addresses: Vec<LocalAddress>,
    /// Each family that has a way out by the system's routes: the address that it sends from, and whether anything came back.
    #[serde(default)]
    pub usable: Vec<Usable>,
    /// Whether the network translates IPv6 to IPv4 (RFC 7050).
    pub nat64: Nat64,
    /// The prefix that it translates under (RFC 6052): `64:ff9b::/96`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat64_prefix: Option<String>,
    /// The most that a UDP socket of this system may buffer, in bytes; null where the system does not tell.
    pub udp_receive_buffer: Option<u64>,
}

/// An address family of this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Usable {
    /// The family.
    pub family: Family,
    /// The address that the system sends from to the internet.
    pub source: String,
    /// Whether a vantage point answered over it; `failed` where those that have it did not.
    pub outcome: Tested,
}

/// An own address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LocalAddress {
    /// The IP address.
    pub address: String,
    /// How far it reaches.
    pub scope: Scope,
    /// How many bits it has in common with the others on its link; absent where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u8>,
    /// Whether it is one that the system replaces after a while (RFC 8981), so that it is none to announce.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub temporary: bool,
    /// Whether its interface is a tunnel, as of a VPN.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tunnel: bool,
}

impl LocalAddress {
    /// An address of which nothing more is known.
    #[must_use]
    pub fn new(ip: IpAddr) -> Self {
        Self { address: ip.to_string(), scope: Scope::of_ip(ip), prefix: None, temporary: false, tunnel: false }
    }
}

/// Whether the network translates IPv6 to IPv4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Nat64 {
    /// It does: `ipv4only.arpa` has IPv6 addresses here.
    Present,
    /// It does not.
    Absent,
    /// Not tested, or it could not be told.
    #[default]
    Unknown,
}
