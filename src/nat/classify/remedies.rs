//! What would help, for the network that was measured.

use super::{
    family::{LAYERS, Measured},
    gateways::{self, Proven},
    mapping::is_symmetric,
    observed::{Observed, is_of_translator},
    reached::{announce, check_node, check_was_not_made, the_other_protocol},
    summary::family,
};
use crate::model::{
    Family, Layer4, Nat64, NatStatus, Prediction, Remedy, RemedyCode, Scope, Tested, UDP_RECEIVE_BUFFER, WhyCode,
};

pub(super) fn of(seen: &Observed, families: &[Option<Measured>; 2], best: Option<&Measured>) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    let Some(best) = best else {
        remedies.extend(limits(seen, &[]));
        return remedies;
    };
    let known: Vec<&Measured> = families.iter().flatten().collect();
    match best.stands(seen) {
        (NatStatus::Public | NatStatus::Mapped, _) => {
            remedies.extend(announce(seen, best));
            remedies.extend(known.iter().filter_map(|measured| the_other_protocol(seen, measured)));
            let others = known.iter().filter(|measured| !measured.is_reachable());
            remedies.extend(
                others
                    .filter(|measured| Proven::of(seen, measured.family).is_some())
                    .find_map(|measured| gateways::proven(seen, std::iter::once(*measured))),
            );
        }
        (NatStatus::Unknown, why) => {
            remedies.extend(gateways::proven(seen, known.iter().copied()));
            remedies.extend(why.as_ref().and_then(|why| unknown(best, why)));
        }
        _ => remedies.extend(mend(seen, families, best)),
    }
    remedies.extend(check_node(best));
    remedies.extend(known.iter().find_map(|measured| check_was_not_made(measured)));
    for measured in &known {
        remedies.extend(ephemeral(measured));
        remedies.extend(udp(measured));
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

fn unknown(measured: &Measured, why: &WhyCode) -> Option<Remedy> {
    let text = match why {
        WhyCode::PrivateScope => "Name a vantage point on the internet with --via: those asked are in the own network.",
        WhyCode::VantagesDisagree if !measured.several.is_empty() => {
            let text = "One and the same vantage point sees this machine at several outside addresses, so that others would not help: have the router send what this machine sends over one line, without a proxy, and ask again. Until then reserve slots at relays (circuit relay v2), so that peers come in through them.";
            return Some(Remedy::new(RemedyCode::UseRelay, text));
        }
        WhyCode::VantagesDisagree => {
            "Name another vantage point with --via, on another host: those asked contradict each other, and a third shows who is right."
        }
        WhyCode::OverLimit => "Ask again in a minute, or name other vantage points with --via: those asked do no more now.",
        WhyCode::TooFewVantages => {
            "Name another vantage point with --via, on another host, best one of `p2p-probe listen`: what was seen has more than one reading."
        }
        _ => return None,
    };
    Some(Remedy::new(RemedyCode::AddVantage, text))
}

/// What is to be done about what stands between, by family.
fn stands(seen: &Observed, measured: &Measured) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    match measured.stands(seen).0 {
        NatStatus::Firewalled => {
            remedies.extend(gateways::pinhole(seen).filter(|_| measured.family == Family::Ipv6));
            remedies.push(Remedy::new(
                RemedyCode::OpenFirewall,
                "The address is public and a firewall drops what comes in: open the node's ports in it, TCP and UDP each by itself.",
            ));
        }
        NatStatus::Nat | NatStatus::DoubleNat | NatStatus::Cgnat if Proven::of(seen, measured.family).is_some() => {}
        NatStatus::Nat | NatStatus::DoubleNat | NatStatus::Cgnat if seen.is_tunneled(measured.family) => {
            let text = "The default route is a tunnel, as of a VPN: a forward in the own router will not help. Forward the node's ports at the tunnel's other end, if it can, or send what the node sends past the tunnel.";
            remedies.push(Remedy::new(RemedyCode::LeaveTunnel, text));
        }
        NatStatus::Cgnat => {
            remedies.extend(other_family(seen, measured));
            let translator = seen.own(measured.family).into_iter().chain(seen.gateways()).any(is_of_translator);
            let text = if translator {
                "IPv4 goes through a translator of the carrier's (DS-Lite or 464XLAT), where no port can be forwarded: ask the provider for a public IPv4 address."
            } else {
                "The address is one of the carrier's NAT, where no port can be forwarded, and a forward in the own router will not help: ask the provider for a public address."
            };
            remedies.push(Remedy::new(RemedyCode::AskProvider, text));
        }
        NatStatus::DoubleNat => remedies.push(gateways::bridge(seen, measured)),
        NatStatus::Nat if measured.nat.nat64 => remedies.push(Remedy::new(
            RemedyCode::UseIpv6,
            "Peers of IPv4 see the network's translator, where no port can be forwarded: have the node listen on IPv6, for those who have it.",
        )),
        NatStatus::Nat => {
            let remedy = gateways::another_line(seen, measured).or_else(|| gateways::gateway(seen, measured));
            remedies.push(remedy.unwrap_or_else(|| forward(measured)));
        }
        NatStatus::Public | NatStatus::Mapped | NatStatus::UdpBlocked | NatStatus::Unknown => {}
    }
    remedies
}

/// IPv6, where this machine has a public address of it: the carrier's NAT is not in its way.
fn other_family(seen: &Observed, measured: &Measured) -> Option<Remedy> {
    let usable = seen.usable().into_iter().find(|usable| usable.family == Family::Ipv6 && usable.outcome != Tested::Failed)?;
    let public = usable.source.parse().is_ok_and(|ip| Scope::of_ip(ip) == Scope::Public);
    let text = format!(
        "This machine has a public IPv6 address, {}, which is not behind the carrier's NAT: have the node listen there, and open the firewall for it.",
        usable.source
    );
    (public && measured.family == Family::Ipv4).then(|| Remedy::new(RemedyCode::UseIpv6, text))
}

/// What would let peers in, the surest first.
fn mend(seen: &Observed, families: &[Option<Measured>; 2], best: &Measured) -> Vec<Remedy> {
    let known = || families.iter().flatten();
    let mut remedies: Vec<Remedy> = gateways::proven(seen, known()).into_iter().collect();
    remedies.extend(stands(seen, best));
    let others = known().filter(|measured| measured.family != best.family);
    remedies.extend(others.flat_map(|measured| stands(seen, measured)));
    let v6 = known().find(|measured| measured.family == Family::Ipv6);
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

/// A relay, by name where one of the vantage points gives slots.
fn relay(seen: &Observed) -> Remedy {
    let text = "Reserve slots at relays (circuit relay v2), so that peers come in through them";
    let text = match seen.relays.iter().find(|relay| relay.outcome.passed()) {
        Some(relay) => format!("{text}: {} gave one to this run.", relay.via),
        None => format!("{text}."),
    };
    Remedy::new(RemedyCode::UseRelay, text)
}

fn forward(best: &Measured) -> Remedy {
    let outside = best.outside.map_or_else(String::new, |ip| format!(" {ip}"));
    let text =
        format!("Forward the node's ports in the router, TCP and UDP each by itself, and announce the outside address{outside}.");
    Remedy::new(RemedyCode::ForwardPort, text)
}

/// What is to be done about UDP that does not get out, or may not.
fn udp(measured: &Measured) -> Option<Remedy> {
    let over = family(measured.family);
    let (code, text) = match () {
        () if measured.forbids_udp() => (
            RemedyCode::AllowUdp,
            format!("A firewall of this machine's own lets no UDP out over {over}: allow it for QUIC, or use TCP and WebSocket."),
        ),
        () if measured.udp_blocked => (
            RemedyCode::AllowUdp,
            format!("UDP does not get out of this network over {over}: allow it for QUIC, or use TCP and WebSocket."),
        ),
        () if measured.is_udp_unanswered() => (
            RemedyCode::AddVantage,
            format!(
                "Nobody answered over UDP ({over}), and too few were asked who are known to: name a STUN server with --stun, or another `p2p-probe listen`, to tell whether it gets out."
            ),
        ),
        () => return None,
    };
    Some(Remedy::new(code, text))
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
