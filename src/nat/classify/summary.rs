//! The sentence.

use super::{
    family::{LAYERS, Measured},
    gateways::Proven,
    mapping::is_symmetric,
    observed::Observed,
};
use crate::model::{Behaviour, Family, Filtering, Inbound, Layer4, Mapping, NatStatus, Prediction, Tested, WhyCode};

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
        NatStatus::Firewalled => {
            let untested = untested(best);
            let by_address = |layer: &Layer4| best.behaviour(*layer).filtering == Filtering::AddressDependent;
            let whom = if LAYERS.iter().any(by_address) { ", but from hosts that were sent to" } else { "" };
            format!("The address is public, and a firewall drops what comes in{whom}{untested}")
        }
        NatStatus::Nat if best.nat.nat64 => {
            format!("Peers of IPv4 see the network's translator (NAT64), a NAT {}", nat(seen, best))
        }
        NatStatus::Nat if seen.is_tunneled(best.family) => {
            format!("The default route is a tunnel, and at its other end is a NAT {}", nat(seen, best))
        }
        NatStatus::Nat => format!("Behind a NAT {}", nat(seen, best)),
        NatStatus::Cgnat => format!("Behind a carrier's NAT {}", nat(seen, best)),
        NatStatus::DoubleNat => format!("Behind two NATs, to peers like one {}", nat(seen, best)),
        NatStatus::UdpBlocked => {
            let who =
                if best.forbids_udp() { "This machine itself lets no UDP out" } else { "UDP does not get out of this network" };
            let direct = through_a_port(seen, best).unwrap_or_else(|| inbound(best));
            format!("{who}, so only TCP and WebSocket work; {direct}")
        }
        NatStatus::Unknown => return unknown(best),
    };
    let blocked = best.udp_blocked && best.nat.status != NatStatus::UdpBlocked;
    let blocked = match () {
        () if !blocked => "",
        () if best.forbids_udp() => "; this machine itself lets no UDP out",
        () => "; UDP does not get out",
    };
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

/// Which transports work, which do not, and which nobody could tell of.
fn over(best: &Measured) -> String {
    let names = |wanted: Tested| {
        let outcome = |dial: &Inbound| if best.lasts(dial) { dial.outcome } else { Tested::Failed };
        let dials = best.inbound.iter().filter(|dial| outcome(dial) == wanted);
        dials.map(|dial| dial.transport.to_string()).collect::<Vec<_>>()
    };
    let (mut works, mut fails, mut untold) = (names(Tested::Passed), names(Tested::Failed), names(Tested::Unknown));
    works.dedup();
    fails.retain(|name| !works.contains(name));
    fails.dedup();
    untold.retain(|name| !works.contains(name) && !fails.contains(name));
    untold.dedup();
    if works.is_empty() {
        return String::new();
    }
    let fails = if fails.is_empty() { String::new() } else { format!(", not {}", fails.join(" and ")) };
    let untold = if untold.is_empty() { String::new() } else { format!(", of {} it could not be told", untold.join(" and ")) };
    format!(": {}{fails}{untold}", works.join(" and "))
}

/// What a NAT does and what follows from it, by the protocol of which more is known, UDP first.
fn nat(seen: &Observed, best: &Measured) -> String {
    let told = |layer: &Layer4| {
        let behaviour = best.behaviour(*layer);
        behaviour.mapping != Mapping::Unknown || behaviour.filtering != Filtering::Unknown
    };
    let layer = LAYERS.into_iter().find(told).unwrap_or(Layer4::Udp);
    let behaviour = best.behaviour(layer);
    let maps = match behaviour.mapping {
        mapping if is_symmetric(mapping) && behaviour.one_witness => {
            "that maps per destination, unless one vantage point tells a wrong port,"
        }
        mapping if is_symmetric(mapping) => "that maps per destination",
        Mapping::EndpointIndependent => "that maps each port alike for all peers",
        _ => "that maps in a way not known",
    };
    let filters = match behaviour.filtering {
        Filtering::AddressDependent => " and lets in only hosts that were sent to",
        Filtering::AddressAndPortDependent => " and lets in only answers",
        Filtering::EndpointDependent => " and lets in no strangers",
        // Of a mapping that others learn of it would be another status.
        Filtering::EndpointIndependent if is_symmetric(behaviour.mapping) => {
            " and lets everybody in, at an address that one peer alone is told, while the node sends to that"
        }
        Filtering::None | Filtering::EndpointIndependent | Filtering::Unknown => "",
    };
    let direct = through_a_port(seen, best).unwrap_or_else(|| format!("{}, {}", inbound(best), punching(best)));
    format!("{maps}{filters}: {direct}")
}

/// What somebody came in through, where a router maps ports.
fn through_a_port(seen: &Observed, best: &Measured) -> Option<String> {
    let proven = Proven::of(seen, best.family)?;
    let shut = proven.shut().into_iter().find(|layer| !(best.udp_blocked && *layer == Layer4::Udp));
    let shut = shut.map_or_else(String::new, |layer| format!(", over {layer} not even so"));
    let names = proven.names();
    Some(format!("direct inbound works only through a port that the router maps when it is asked ({names}){shut}"))
}

fn punching(best: &Measured) -> &'static str {
    let predictions = [&best.nat.udp, &best.nat.tcp].map(|layer: &Behaviour| layer.hole_punch_predicted);
    match () {
        () if predictions.contains(&Prediction::Likely) => "hole punching through a relay is likely to work",
        () if predictions.contains(&Prediction::Unlikely) => "hole punching is unlikely; a relay is needed",
        () => "a relay is needed",
    }
}

/// That dials fail, as far as anybody tried, and over what nobody did.
fn inbound(best: &Measured) -> String {
    let fails = match () {
        () if LAYERS.iter().any(|layer| best.is_open_in_vain(*layer)) => "peers have no address to dial",
        () if !best.keeps_out() => return "whether peers come in over these could not be told".into(),
        () => "direct inbound fails",
    };
    format!("{fails}{}", untested(best))
}

/// The protocol of which nothing shows whether strangers are let in, where the other one keeps them out.
fn untested(best: &Measured) -> String {
    let blocked = |layer: Layer4| layer == Layer4::Udp && best.udp_blocked;
    let asked = |layer: Layer4| best.inbound.iter().any(|dial| dial.transport == layer.transport() && !dial.by.is_empty());
    match LAYERS.into_iter().find(|layer| !best.is_shut(*layer) && !blocked(*layer)) {
        Some(Layer4::Udp) if best.is_udp_unanswered() => " (over UDP no vantage point answered)".into(),
        Some(layer) if asked(layer) => format!(" (over {layer} it could not be told)"),
        Some(layer) => format!(" (over {layer} it was not tested)"),
        None => String::new(),
    }
}

fn unknown(best: &Measured) -> String {
    let why = best.nat.why.as_ref().map(|why| &why.code);
    match why {
        Some(WhyCode::PrivateScope) => {
            "The vantage points are in the own network: what they reach tells nothing about the internet.".into()
        }
        Some(WhyCode::VantagesDisagree) if !best.several.is_empty() => {
            let several = best.several.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
            format!("What this machine sends leaves from several outside addresses, {several}, so that whether peers can reach it could not be told.")
        }
        Some(WhyCode::VantagesDisagree) => {
            "The vantage points contradict each other about this machine's outside address, so nothing can be told: one of them may be wrong, or a NAT gives this machine several addresses or ports."
                .into()
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
