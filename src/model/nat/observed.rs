//! What was seen of the own network, as it was seen. The report's `nat` is made of these by `nat::classify`, which is pure.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HolePunch, InboundBy, LocalAddress, Nat64, PortMapping, Relay, Tested};
use crate::model::{Cause, Family, Outcome, Transport};

/// A fact about the own network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "found", rename_all = "kebab-case")]
pub enum NatFound {
    /// The own addresses.
    Local {
        /// Every address that reaches further than this machine.
        addresses: Vec<LocalAddress>,
    },
    /// A vantage point was, or was not, reached over a family that it has in common with this machine.
    Family {
        /// The family.
        family: Family,
        /// Whether it leads there.
        usable: Tested,
    },
    /// Whether IPv6 is translated to IPv4.
    Nat64 {
        /// Whether it is.
        nat64: Nat64,
        /// The prefix, `64:ff9b::/96`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prefix: Option<String>,
    },
    /// A vantage point can be asked, or cannot.
    Vantage(VantageSeen),
    /// A vantage point tells the outside address of the socket under test, or stays silent.
    Mapping(MappingSeen),
    /// Packets were sent from outside to the socket under test.
    Filtering(FilteringSeen),
    /// A dial from outside.
    Inbound(InboundSeen),
    /// This machine sent to its own outside address.
    Hairpin {
        /// The protocol.
        layer: Layer4,
        /// The outside address.
        to: SocketAddr,
        /// Whether it arrived.
        result: Tested,
    },
    /// A gateway was asked to map a port.
    PortMapping(PortMapping),
    /// A relay was asked for a reservation.
    Relay(Relay),
    /// A hole punch was tried.
    HolePunch(HolePunch),
}

/// UDP or TCP.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, strum::Display, strum::EnumIter,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Layer4 {
    /// User Datagram Protocol.
    Udp,
    /// Transmission Control Protocol.
    Tcp,
}

impl Layer4 {
    /// The transport that a socket under test of this protocol listens for.
    #[must_use]
    pub fn transport(self) -> Transport {
        match self {
            Self::Udp => Transport::Quic,
            Self::Tcp => Transport::Tcp,
        }
    }
}

/// What a vantage point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum VantageKind {
    /// A libp2p node.
    Libp2p,
    /// A `p2p-probe listen`, which dials back in ways that show filtering.
    Helper,
    /// The partner of a helper, which was never contacted by this machine.
    Partner,
    /// A STUN server.
    Stun,
}

/// A vantage point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VantageSeen {
    /// Its peer ID; of a STUN server its address.
    pub vantage: String,
    /// What it is.
    pub kind: VantageKind,
    /// Where it was asked, as a multiaddr.
    pub address: String,
    /// The address of the connection that it is asked over, as it sees it, as a multiaddr: not that of the socket under test.
    pub observed: Option<String>,
    /// What it offers of use here: `autonat-v1`, `autonat-v2`, `dialback`, `relay`, sorted.
    pub offers: Vec<String>,
    /// Why it cannot be asked; absent where it can. A vantage point that is dialed has an attempt that tells this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// An answer about the outside address of the socket under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappingSeen {
    /// The protocol.
    pub layer: Layer4,
    /// The socket under test: its own address and port.
    pub local: SocketAddr,
    /// Who told: a peer ID, or the address of a STUN server.
    pub vantage: String,
    /// Where the socket sent to.
    pub to: SocketAddr,
    /// The outside address that was told; absent where nothing came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped: Option<SocketAddr>,
    /// Whether an answer came.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Packets from outside to the socket under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FilteringSeen {
    /// The protocol.
    pub layer: Layer4,
    /// Who sent.
    pub vantage: String,
    /// Where the packets came from as far as it is known: what was seen here, else what the vantage point said.
    pub from: Option<SocketAddr>,
    /// The outside address that they were sent to.
    pub to: SocketAddr,
    /// Whether the socket under test had sent to that IP address before.
    pub contacted_before: bool,
    /// Whether any arrived: `unknown` where the vantage point did not send.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Why the vantage point did not send, in its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A dial from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InboundSeen {
    /// The address that was dialed, as a multiaddr.
    pub address: String,
    /// Its transport.
    pub transport: Transport,
    /// What the vantage point says.
    pub by: InboundBy,
}
