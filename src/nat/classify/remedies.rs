//! What would help, for the network that was measured.

use super::{
    family::{LAYERS, Measured},
    mapping::is_symmetric,
    observed::{Observed, socket},
    summary::family,
};
use crate::model::{
    Cause, Family, Inbound, Layer4, Method, Nat64, NatStatus, PortMapping, Prediction, Remedy, RemedyCode, Tested,
    UDP_RECEIVE_BUFFER, WhyCode,
};

pub(super) fn of(seen: &Observed, families: &[Option<Measured>; 2], best: Option<&Measured>) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    let Some(best) = best else {
        remedies.extend(limits(seen, &[]));
        return remedies;
    };
    match best.nat.status {
        NatStatus::Public | NatStatus::Mapped => remedies.extend(announce(best)),
        NatStatus::Unknown => remedies.extend(unknown(best)),
        status => remedies.extend(mend(seen, families, best, status)),
    }
    let known: Vec<&Measured> = families.iter().flatten().collect();
    remedies.extend(check_node(best));
    for measured in &known {
        remedies.extend(ephemeral(measured));
        if measured.udp_blocked {
            let text = format!(
                "UDP does not get out of this network over {}: allow it for QUIC, or use TCP and WebSocket.",
                family(measured.family)
            );
            remedies.push(Remedy::new(RemedyCode::AllowUdp, text));
        }
    }
    remedies.extend(limits(seen, &known));
    let mut codes = Vec::new();
    remedies.retain(|remedy| {
        let new = !codes.contains(&remedy.code);
        codes.push(remedy.code.clone());
        new
    });
    remedies
}

/// What peers can dial: the node itself, where that was asked for.
fn announce(best: &Measured) -> Option<Remedy> {
    let passed = || best.inbound.iter().filter(|dial| dial.outcome == Tested::Passed && best.lasts(dial));
    let dial = passed().find(|dial| is_of_node(dial)).or(passed().next())?;
    let text = format!("Peers can dial {}: {}.", dial.address, to_announce(best, dial));
    Some(Remedy::new(RemedyCode::AnnounceAddress, text).address(&dial.address))
}

fn is_of_node(dial: &Inbound) -> bool {
    dial.by.iter().any(|by| by.method == Method::Check)
}

/// The port under test is the node's own only where the node itself was dialed, or where its port was named.
fn to_announce(best: &Measured, dial: &Inbound) -> String {
    let Some((layer, to)) = socket(&dial.address).filter(|_| !is_of_node(dial)) else {
        return "that is the address to announce".into();
    };
    let announce = format!("announce {} with the port that the node listens on", to.ip());
    let behaviour = if layer == Layer4::Udp { &best.nat.udp } else { &best.nat.tcp };
    if best.nat.status == NatStatus::Mapped && behaviour.mapped.contains(&to.to_string()) {
        // The NAT itself let strangers in, or a forward by hand to the port of the same number: they look alike.
        return format!(
            "{announce}, if it is forwarded; else the NAT gives each port an outside one, and keeps it only while the node sends from it"
        );
    }
    announce
}

/// A machine that can be reached, and a node on it that cannot.
fn check_node(best: &Measured) -> Option<Remedy> {
    let reached = matches!(best.nat.status, NatStatus::Public | NatStatus::Mapped);
    let checked = |dial: &&Inbound| dial.outcome == Tested::Failed && is_of_node(dial);
    let failed = best.inbound.iter().find(checked).filter(|_| reached)?;
    let text =
        format!("Vantage points reach this machine, but not the node at {}: see that it runs and listens there.", failed.address);
    Some(Remedy::new(RemedyCode::CheckNode, text))
}

fn unknown(best: &Measured) -> Option<Remedy> {
    let code = best.nat.why.as_ref().map(|why| &why.code);
    let text = match code {
        Some(WhyCode::PrivateScope) => {
            "Name a vantage point on the internet with --via: those asked are in the own private network."
        }
        Some(WhyCode::VantagesDisagree) => {
            "Name another vantage point with --via, on another host: those asked contradict each other, and a third shows who is right."
        }
        Some(WhyCode::OverLimit) => "Ask again in a minute, or name other vantage points with --via: those asked do no more now.",
        Some(WhyCode::TooFewVantages) => {
            "Name another vantage point with --via, on another host, best one of `p2p-probe listen`: what was seen has more than one reading."
        }
        _ => return None,
    };
    Some(Remedy::new(RemedyCode::AddVantage, text))
}

fn mend(seen: &Observed, families: &[Option<Measured>; 2], best: &Measured, status: NatStatus) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    match status {
        NatStatus::Firewalled => {
            remedies.extend(pinhole(seen).filter(|_| best.family == Family::Ipv6));
            remedies.push(Remedy::new(
                RemedyCode::OpenFirewall,
                "The address is public and a firewall drops what comes in: open the node's ports in it, TCP and UDP each by itself.",
            ));
        }
        NatStatus::Cgnat => remedies.push(Remedy::new(
            RemedyCode::AskProvider,
            "The address is one of the carrier's NAT, where no port can be forwarded, and a forward in the own router will not help: ask the provider for a public address.",
        )),
        NatStatus::DoubleNat => remedies.push(bridge(seen, best)),
        NatStatus::Nat if best.nat.nat64 => remedies.push(Remedy::new(
            RemedyCode::UseIpv6,
            "Peers of IPv4 see the network's translator, where no port can be forwarded: have the node listen on IPv6, for those who have it.",
        )),
        NatStatus::Nat => {
            let remedy = another_line(seen, best).or_else(|| gateway(seen, best));
            remedies.push(remedy.unwrap_or_else(|| forward(best)));
        }
        _ => {}
    }
    let v6 = families.iter().flatten().find(|measured| measured.family == Family::Ipv6);
    if best.family == Family::Ipv4 && v6.is_some_and(|v6| v6.nat.status == NatStatus::Firewalled) {
        let text = "This machine has a public IPv6 address: open the firewall for it and have the node listen there.";
        remedies.push(Remedy::new(RemedyCode::UseIpv6, text));
    }
    remedies.push(relay(seen));
    let likely = |measured: &Measured| {
        let layers = [(&measured.nat.udp, "QUIC"), (&measured.nat.tcp, "TCP")];
        let likely = layers.into_iter().find(|(layer, _)| layer.hole_punch_predicted == Prediction::Likely);
        likely.map(|(_, name)| name)
    };
    if let Some(name) = families.iter().flatten().find_map(likely) {
        let text = format!(
            "With a relay to begin with, hole punching (DCUtR) over {name} should work with most peers: a prediction, not a test."
        );
        remedies.push(Remedy::new(RemedyCode::UseHolePunching, text));
    }
    remedies
}

/// What the router says of holes in its IPv6 firewall; none where it opens none.
fn pinhole(seen: &Observed) -> Option<Remedy> {
    let by = |family: Family, verified: Option<bool>| {
        let fits = |mapping: &&PortMapping| mapping.outcome.passed() && mapping.verified == verified && mapping.family == family;
        let protocols = seen.port_mappings.iter().filter(fits).map(|mapping| mapping.protocol.name());
        Some(protocols.collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty())
    };
    if let Some(names) = by(Family::Ipv6, Some(true)) {
        let too =
            by(Family::Ipv4, Some(true)).map_or_else(String::new, |names| format!(" It maps ports of IPv4 by {names} too."));
        let text = format!(
            "The router opens its IPv6 firewall by {names}, and a dial from outside came through: turn that on in the node.{too}"
        );
        return Some(Remedy::new(RemedyCode::UseUpnp, text));
    }
    if let Some(names) = by(Family::Ipv6, None) {
        let text = format!(
            "The router opens its IPv6 firewall by {names}: turn that on in the node. No dial through an opening was tested."
        );
        return Some(Remedy::new(RemedyCode::UseUpnp, text));
    }
    let names = by(Family::Ipv6, Some(false))?;
    let text = format!(
        "The router says by {names} that it opened its IPv6 firewall, but no dial from outside came through: another firewall is in the way, on this machine or beyond the router."
    );
    Some(Remedy::new(RemedyCode::OpenFirewall, text))
}

/// A gateway that is itself behind a NAT.
fn bridge(seen: &Observed, best: &Measured) -> Remedy {
    let inner = seen.gateways().find(|ip| Some(*ip) != best.outside);
    let told = match (inner, best.outside) {
        (Some(inner), Some(outside)) => {
            format!("The router's outside address is {inner}, and peers see {outside}: it is itself behind a NAT")
        }
        _ => "The router is itself behind a NAT".into(),
    };
    let text = format!(
        "{told}. A forward or port mapping in it alone will not help: set it to be a bridge, or forward the port in both."
    );
    Remedy::new(RemedyCode::BridgeRouter, text)
}

/// A gateway with a public address that peers do not see.
fn another_line(seen: &Observed, best: &Measured) -> Option<Remedy> {
    let outside = best.outside?;
    let other = seen.gateways().find(|ip| ip.is_ipv4() == outside.is_ipv4() && *ip != outside)?;
    let text = format!(
        "The router says that its outside address is {other}, and peers see {outside}: it sends over another line than that, or is itself behind a NAT. Forward the port on the line that peers see, or have the router send over the other one and announce {other}; behind another NAT forward it in both."
    );
    Some(Remedy::new(RemedyCode::ForwardPort, text))
}

/// A relay, by name where one of the vantage points gives slots.
fn relay(seen: &Observed) -> Remedy {
    let text = "Reserve slots at relays (circuit relay v2), so that peers come in through them";
    let text = match seen.relays.iter().find(|relay| relay.outcome.passed()) {
        Some(relay) => format!("{text}: {} gave one to this run.", relay.via),
        None => format!("{text}."),
    };
    Remedy::new(RemedyCode::UseRelay, text)
}

/// What a gateway says about port mappings; none where none answers.
fn gateway(seen: &Observed, best: &Measured) -> Option<Remedy> {
    let by = |fits: &dyn Fn(&PortMapping) -> bool| {
        let mappings = seen.port_mappings.iter().filter(|mapping| mapping.family == Family::Ipv4);
        let protocols = mappings.filter(|mapping| fits(mapping)).map(|mapping| mapping.protocol.name());
        Some(protocols.collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty())
    };
    if let Some(names) = by(&|mapping| mapping.outcome.passed() && mapping.verified == Some(true)) {
        let text = format!("The router maps ports by {names}, and a dial from outside came through: turn that on in the node.");
        return Some(Remedy::new(RemedyCode::UseUpnp, text));
    }
    if let Some(names) = by(&|mapping| mapping.outcome.passed() && mapping.verified == Some(false)) {
        let text = format!(
            "The router maps ports by {names}, but no dial from outside came through: something beyond it keeps them out, so that a forward in it will not help. Ask the provider."
        );
        return Some(Remedy::new(RemedyCode::AskProvider, text));
    }
    if let Some(names) = by(&|mapping| mapping.outcome.passed()) {
        let text = format!("The router maps ports by {names}: turn that on in the node. No dial through a mapping was tested.");
        return Some(Remedy::new(RemedyCode::UseUpnp, text));
    }
    let refused = |mapping: &PortMapping| matches!(mapping.outcome.cause(), Some(Cause::GatewayRefused { .. }));
    // Not for lack of permission: it has no address of its own to map ports of.
    let unable = |mapping: &PortMapping| {
        mapping.external.is_none()
            && match mapping.outcome.cause() {
                Some(Cause::GatewayRefused { error }) => mapping.protocol.lacks_address(*error),
                _ => false,
            }
    };
    if let Some(names) = by(&|mapping| refused(mapping) && !unable(mapping)) {
        let text = format!("The router refuses to map a port by {names}: allow it there, or forward the port by hand.");
        return Some(Remedy::new(RemedyCode::AllowUpnp, text));
    }
    let names = by(&unable)?;
    let outside = best.outside.map_or_else(|| "that peers see".into(), |ip| ip.to_string());
    let text = format!(
        "The router answers by {names}, but has no outside address to map ports of. See there: only if its address is {outside} a port forwarded by hand will help, else it is itself behind a NAT."
    );
    Some(Remedy::new(RemedyCode::ForwardPort, text))
}

fn forward(best: &Measured) -> Remedy {
    let outside = best.outside.map_or_else(String::new, |ip| format!(" {ip}"));
    let text =
        format!("Forward the node's ports in the router, TCP and UDP each by itself, and announce the outside address{outside}.");
    Remedy::new(RemedyCode::ForwardPort, text)
}

/// An outside port that nobody but the one who saw it can use.
fn ephemeral(measured: &Measured) -> Option<Remedy> {
    let concerns = |layer: &Layer4| {
        let behaviour = measured.behaviour(*layer);
        let other = is_symmetric(behaviour.mapping) || behaviour.port_preserved == Some(false);
        other && !measured.is_reached(*layer)
    };
    let seen = |layer: Layer4| Some((layer, measured.layer(layer).other_ports.first()?));
    let (layer, observed) = LAYERS.into_iter().filter(concerns).find_map(seen)?;
    let text = format!(
        "The observed {layer} address {observed} does not have the port that is listened on: it is ephemeral, do not announce it."
    );
    Some(Remedy::new(RemedyCode::DoNotAnnounce, text))
}

fn limits(seen: &Observed, known: &[&Measured]) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    let v4 = seen.own(Family::Ipv4).is_some();
    if seen.local.nat64 == Nat64::Present && !v4 {
        let text = "This network has IPv6 alone and translates (NAT64): most nodes here can dial no literal IPv4 and no /dns4, names that the network makes up IPv6 addresses for (/dns, /dns6) they can. p2p-probe translates by itself.";
        remedies.push(Remedy::new(RemedyCode::UseNames, text));
    }
    let small = seen.local.udp_receive_buffer.filter(|buffer| *buffer < UDP_RECEIVE_BUFFER);
    if let Some(buffer) = small.filter(|_| !known.is_empty()) {
        let text = format!(
            "This system lets a UDP socket buffer {buffer} bytes, less than QUIC wants under load ({UDP_RECEIVE_BUFFER})."
        );
        let command = format!("sysctl -w net.core.rmem_max={UDP_RECEIVE_BUFFER}");
        remedies.push(Remedy::new(RemedyCode::RaiseUdpBuffer, text).command(command));
    }
    remedies
}
