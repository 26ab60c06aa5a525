//! What is to be said where peers can dial: what to announce, and what they cannot dial all the same.

use std::net::IpAddr;

use super::{
    family::{LAYERS, Measured},
    gateways::Proven,
    mapping::is_symmetric,
    observed::{Observed, socket},
    summary::family,
};
use crate::model::{Filtering, Inbound, Layer4, Method, NatStatus, Remedy, RemedyCode, Tested, WhyCode};

/// What peers can dial: the node itself, where that was asked for.
pub(super) fn announce(seen: &Observed, best: &Measured) -> Option<Remedy> {
    let passed = || best.inbound.iter().filter(|dial| dial.outcome == Tested::Passed && best.lasts(dial));
    let dial = passed().find(|dial| is_of_node(dial)).or(passed().next())?;
    if let Some((_, to)) = socket(&dial.address).filter(|(_, to)| seen.is_temporary(to.ip())) {
        return Some(announce_what_lasts(seen, dial, to.ip()));
    }
    let text = format!("Peers can dial {}: {}.", dial.address, to_announce(best, dial));
    Some(Remedy::new(RemedyCode::AnnounceAddress, text).address(&dial.address))
}

/// An address of IPv6 that serves for what a machine dials itself, and is gone after a day or a week.
fn announce_what_lasts(seen: &Observed, dial: &Inbound, ip: IpAddr) -> Remedy {
    let lasting = seen.lasting_beside(ip).map_or_else(|| "one that stays".into(), |ip| ip.to_string());
    let text = format!(
        "Peers can dial {}, but {ip} is a temporary address of this machine (RFC 8981), which is replaced after a while: announce {lasting} with the port that the node listens on.",
        dial.address
    );
    Remedy::new(RemedyCode::AnnounceAddress, text)
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

/// Where strangers come in over one protocol and are kept out over the other: each is opened by itself.
pub(super) fn the_other_protocol(seen: &Observed, measured: &Measured) -> Option<Remedy> {
    let blocked = |layer: Layer4| layer == Layer4::Udp && measured.udp_blocked;
    // Who came so far and no farther was kept out by no NAT or firewall.
    let let_in = |layer: Layer4| {
        let behaviour = measured.behaviour(layer);
        let open = matches!(behaviour.filtering, Filtering::None | Filtering::EndpointIndependent);
        open && !is_symmetric(behaviour.mapping)
    };
    let kept_out =
        |layer: &Layer4| measured.is_shut(*layer) && !measured.is_reached(*layer) && !blocked(*layer) && !let_in(*layer);
    let layer = LAYERS.into_iter().find(kept_out)?;
    Some(match measured.nat.status {
        NatStatus::Public => {
            let text = format!("Over {layer} a firewall lets nobody in: open the node's port in it for {layer} too.");
            Remedy::new(RemedyCode::OpenFirewall, text)
        }
        NatStatus::Mapped if Proven::of(seen, measured.family).is_none() && !measured.nat.nat64 => {
            let text = format!(
                "Over {layer} nobody comes in: forward the node's port for {layer} too, and let it in by this machine's own firewall."
            );
            Remedy::new(RemedyCode::ForwardPort, text)
        }
        _ => return None,
    })
}

/// A machine that can be reached, and a node on it that cannot.
pub(super) fn check_node(best: &Measured) -> Option<Remedy> {
    let reached = matches!(best.nat.status, NatStatus::Public | NatStatus::Mapped);
    let checked = |dial: &&Inbound| dial.outcome == Tested::Failed && is_of_node(dial);
    let failed = best.inbound.iter().find(checked).filter(|_| reached)?;
    let text =
        format!("Vantage points reach this machine, but not the node at {}: see that it runs and listens there.", failed.address);
    Some(Remedy::new(RemedyCode::CheckNode, text))
}

/// A node that nobody could be asked to dial.
pub(super) fn check_was_not_made(measured: &Measured) -> Option<Remedy> {
    let untold = |dial: &&Inbound| is_of_node(dial) && dial.why.as_ref().is_some_and(|why| why.code == WhyCode::TooFewVantages);
    let dial = measured.inbound.iter().find(untold)?;
    let text = format!(
        "Nobody could be asked to dial the node at {}: name a `p2p-probe listen` with --via that this machine reaches over {}.",
        dial.address,
        family(measured.family)
    );
    Some(Remedy::new(RemedyCode::AddVantage, text))
}

fn is_of_node(dial: &Inbound) -> bool {
    dial.by.iter().any(|by| by.method == Method::Check)
}
