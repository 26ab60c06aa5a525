//! What stands between this machine and the outside, in the terms of RFC 4787 (UDP) and RFC 5382 (TCP).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NatStatus;
use crate::model::Why;

/// One address family as measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FamilyNat {
    /// Whether peers can reach this machine over this family, and what stands between.
    pub status: NatStatus,
    /// Why the status is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// Whether this is IPv4 as it is seen through the network's translator, from an own address of IPv6 (NAT64).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nat64: bool,
    /// UDP: QUIC and the other transports on it.
    pub udp: Behaviour,
    /// TCP.
    pub tcp: Behaviour,
}

/// What a NAT or firewall does to one transport protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Behaviour {
    /// How the outside address of one own port depends on who is sent to (RFC 4787, section 4.1).
    pub mapping: Mapping,
    /// Whether the mapping rests on what one vantage point says: it would not be told without that one, or without one of two that
    /// differ.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_witness: bool,
    /// Who may answer to that outside address (RFC 4787, section 5).
    pub filtering: Filtering,
    /// Why mapping, or else filtering, is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// Whether the outside port is the own one; null when it is not known.
    pub port_preserved: Option<bool>,
    /// Whether this machine reaches itself at its outside address (RFC 4787, section 6).
    pub hairpin: Tested,
    /// The outside addresses of the one own port, `ip:port`, in the order seen.
    pub mapped: Vec<String>,
    /// How many vantage points told one.
    pub vantages: u32,
    /// Whether a hole punch is to be expected to work with most peers: a prediction from mapping and filtering, not a test.
    #[serde(default)]
    pub hole_punch_predicted: Prediction,
}

/// How the outside address of one own port depends on who is sent to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display, strum::EnumIter)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Mapping {
    /// No NAT.
    None,
    /// The same for everybody.
    EndpointIndependent,
    /// One for each IP address.
    AddressDependent,
    /// One for each IP address and port: a symmetric NAT.
    AddressAndPortDependent,
    /// One of the last two: each vantage point has one port, so that they cannot be told apart.
    EndpointDependent,
    /// Not tested, or it could not be told.
    #[default]
    Unknown,
}

/// Who may answer to an outside address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display, strum::EnumIter)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Filtering {
    /// No NAT and nothing is filtered.
    None,
    /// Everybody, through a NAT.
    EndpointIndependent,
    /// Every port of an IP address that was sent to.
    AddressDependent,
    /// Only an IP address and port that was sent to.
    AddressAndPortDependent,
    /// One of the last two: it was tested from IP addresses alone that were not sent to.
    EndpointDependent,
    /// Not tested, or it could not be told.
    #[default]
    Unknown,
}

/// The end of a test that has no cause to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Tested {
    /// It works.
    Passed,
    /// It does not.
    Failed,
    /// Not tested, or it could not be told.
    #[default]
    Unknown,
}

/// What is to be expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Prediction {
    /// It should work with most peers.
    Likely,
    /// It should work with few peers only.
    Unlikely,
    /// It is not needed: peers can dial.
    NotNeeded,
    /// Too little is known.
    #[default]
    Unknown,
}
