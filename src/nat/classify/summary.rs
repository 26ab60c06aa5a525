//! The sentence.

use super::{
    family::{Measured, is_symmetric},
    observed::Observed,
};
use crate::model::{Behaviour, Family, Filtering, Mapping, NatStatus, Prediction, Tested, WhyCode};

pub(super) fn of(seen: &Observed, best: Option<&Measured>) -> String {
    let Some(best) = best else {
        let told = "Whether peers can reach this machine";
        return if seen.vantages.is_empty() {
            format!("{told} was not tested.")
        } else {
            format!("{told} could not be told: no vantage point saw the socket under test.")
        };
    };
    let sentence = match best.nat.status {
        NatStatus::Public => format!("Peers can reach this machine on its own address{}", over(best)),
        NatStatus::Mapped => format!("Peers can reach this machine through the NAT{}{}", at(best), over(best)),
        NatStatus::Firewalled => "The address is public, and a firewall drops what comes in".into(),
        NatStatus::Nat if best.nat.nat64 => {
            format!("Peers of IPv4 see the network's translator (NAT64), a NAT {}", nat(best))
        }
        NatStatus::Nat => format!("Behind a NAT {}", nat(best)),
        NatStatus::Cgnat => format!("Behind a carrier's NAT {}", nat(best)),
        NatStatus::DoubleNat => format!("Behind two NATs, to peers like one {}", nat(best)),
        NatStatus::UdpBlocked => {
            "UDP does not get out of this network, so only TCP and WebSocket work; direct inbound fails".into()
        }
        NatStatus::Unknown => return unknown(best),
    };
    let blocked = best.udp_blocked && best.nat.status != NatStatus::UdpBlocked;
    let blocked = if blocked { "; UDP does not get out" } else { "" };
    format!("{sentence}{blocked} ({}).", family(best.family))
}

/// As people write it.
pub(super) fn family(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    }
}

/// The outside address, where there is one to name.
fn at(best: &Measured) -> String {
    best.outside.map_or_else(String::new, |ip| format!(" at {ip}"))
}

/// Which transports work, and which do not.
fn over(best: &Measured) -> String {
    let mut works: Vec<String> = Vec::new();
    let mut fails: Vec<String> = Vec::new();
    for dial in &best.inbound {
        let name = dial.transport.to_string();
        let list = if dial.outcome == Tested::Passed { &mut works } else { &mut fails };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    fails.retain(|name| !works.contains(name));
    match (works.is_empty(), fails.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!(": {}", works.join(" and ")),
        (false, false) => format!(": {}, not {}", works.join(" and "), fails.join(" and ")),
    }
}

/// What a NAT does and what follows from it, by the protocol of which more is known, UDP first.
fn nat(best: &Measured) -> String {
    let (udp, tcp) = (&best.nat.udp, &best.nat.tcp);
    let told = |layer: &Behaviour| layer.mapping != Mapping::Unknown || layer.filtering != Filtering::Unknown;
    let layer = if told(udp) || !told(tcp) { udp } else { tcp };
    let maps = match layer.mapping {
        mapping if is_symmetric(mapping) => "that maps per destination",
        Mapping::EndpointIndependent => "that maps each port alike for all peers",
        _ => "that maps in a way not known",
    };
    let filters = match layer.filtering {
        Filtering::AddressDependent => " and lets in only hosts that were sent to",
        Filtering::AddressAndPortDependent => " and lets in only answers",
        Filtering::EndpointDependent => " and lets in no strangers",
        Filtering::None | Filtering::EndpointIndependent | Filtering::Unknown => "",
    };
    let predictions = [udp.hole_punch_predicted, tcp.hole_punch_predicted];
    let punching = match () {
        () if predictions.contains(&Prediction::Likely) => "hole punching through a relay is likely to work",
        () if predictions.contains(&Prediction::Unlikely) => "hole punching is unlikely; a relay is needed",
        () => "a relay is needed",
    };
    format!("{maps}{filters}: direct inbound fails, {punching}")
}

fn unknown(best: &Measured) -> String {
    let why = best.nat.why.as_ref().map(|why| &why.code);
    match why {
        Some(WhyCode::PrivateScope) => {
            "The vantage points are in the own private network: what they reach tells nothing about the internet.".into()
        }
        Some(WhyCode::VantagesDisagree) => {
            "The vantage points contradict each other about this machine's outside address, so nothing can be told.".into()
        }
        Some(WhyCode::OverLimit) => {
            "The vantage points have done as much for this address as they do in a minute: ask again later, or name others."
                .into()
        }
        _ => {
            let outside = best.outside.map_or_else(String::new, |ip| format!(", seen from outside as {ip},"));
            format!("Whether peers can reach this machine{outside} could not be told: too few vantage points.")
        }
    }
}
