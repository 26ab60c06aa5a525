//! One address family.

use std::net::{IpAddr, SocketAddr};

use super::{
    filtering::filtering,
    inbound::inbound,
    mapping::{Mapped, mapping},
    observed::{Observed, of, socket},
};
use crate::model::{
    Behaviour, Family, FamilyNat, Filtering, FilteringSeen, Inbound, Layer4, Mapping, MappingSeen, Method, NatStatus, Prediction,
    Scope, Tested, WhyCode,
};

/// How many hosts have to be silent over UDP before it is this network that is silent.
const SILENT_HOSTS: usize = 2;

/// What was measured of a family, and what the remedies need beside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) family: Family,
    pub(super) nat: FamilyNat,
    pub(super) inbound: Vec<Inbound>,
    /// The outside IP address.
    pub(super) outside: Option<IpAddr>,
    pub(super) contradicted: bool,
    pub(super) udp_blocked: bool,
}

impl Measured {
    /// What was seen of a family; none where nothing was.
    pub(super) fn of(seen: &Observed, family: Family) -> Option<Self> {
        let layers = [Layer4::Udp, Layer4::Tcp].map(|layer| Mapped::of(seen, family, layer));
        let dials: Vec<_> =
            seen.inbounds.iter().filter(|dial| socket(&dial.address).is_some_and(|(_, to)| of(to.ip()) == family)).collect();
        let tested = seen.mappings.iter().any(|mapping| of(mapping.to.ip()) == family)
            || seen.filterings.iter().any(|filtering| of(filtering.to.ip()) == family);
        if layers.iter().all(|layer| layer.told.is_empty()) && dials.is_empty() && !tested {
            return None;
        }
        let [udp, tcp] = &layers;
        let outside = udp.outside.or(tcp.outside);
        let is_own = |address: &str| {
            socket(address).is_some_and(|(_, to)| seen.owns(to.ip()) && outside.is_none_or(|outside| outside == to.ip()))
        };
        let inbound = inbound(&dials, is_own);
        let udp_blocked = udp.silent_hosts >= SILENT_HOSTS && udp.told.is_empty() && !tcp.told.is_empty();
        let mut measured = Self {
            nat: FamilyNat {
                udp: behaviour(seen, family, Layer4::Udp, udp, &inbound),
                tcp: behaviour(seen, family, Layer4::Tcp, tcp, &inbound),
                ..FamilyNat::default()
            },
            contradicted: layers.iter().any(|layer| layer.contradicted),
            family,
            inbound,
            outside,
            udp_blocked,
        };
        if udp_blocked {
            measured.nat.udp.hole_punch_predicted = Prediction::Unlikely;
        }
        measured.nat.nat64 =
            seen.mappings.iter().any(|mapping| of(mapping.to.ip()) == family && of(mapping.local.ip()) != family);
        let (status, why) = measured.status(seen, &layers);
        (measured.nat.status, measured.nat.why) = (status, why.map(Into::into));
        Some(measured)
    }

    /// What stands between, and why that is not known.
    fn status(&self, seen: &Observed, layers: &[Mapped; 2]) -> (NatStatus, Option<WhyCode>) {
        let passed = self.inbound.iter().find(|dial| dial.outcome == Tested::Passed);
        let nearby = self.outside.is_some_and(|ip| seen.owns(ip) && is_local(ip));
        match passed.and_then(|dial| socket(&dial.address)) {
            // Whoever is on the own network reaches this machine; of the internet that tells nothing.
            Some((_, to)) if is_local(to.ip()) => return (NatStatus::Unknown, Some(WhyCode::PrivateScope)),
            Some((_, to)) if seen.owns(to.ip()) => return (NatStatus::Public, None),
            Some(_) => return (NatStatus::Mapped, None),
            None if nearby => return (NatStatus::Unknown, Some(WhyCode::PrivateScope)),
            None if self.udp_blocked => return (NatStatus::UdpBlocked, None),
            None => {}
        }
        let Some(outside) = self.outside else {
            let why = if self.contradicted { WhyCode::VantagesDisagree } else { WhyCode::TooFewVantages };
            return (NatStatus::Unknown, Some(why));
        };
        if !self.keeps_out(layers) {
            let disagree = layers.iter().any(|layer| layer.why == Some(WhyCode::VantagesDisagree));
            // There were enough of them, and they would not.
            let refused = self.inbound.iter().any(|dial| dial.why.as_ref().is_some_and(|why| why.code == WhyCode::OverLimit));
            return (
                NatStatus::Unknown,
                Some(match (disagree, refused) {
                    (true, _) => WhyCode::VantagesDisagree,
                    (false, true) => WhyCode::OverLimit,
                    (false, false) => WhyCode::TooFewVantages,
                }),
            );
        }
        (if seen.owns(outside) { NatStatus::Firewalled } else { behind(seen, self.family, outside) }, None)
    }

    /// Whether dials from strangers were shown to fail, on every protocol of which anything was shown: not that they may pass.
    fn keeps_out(&self, layers: &[Mapped; 2]) -> bool {
        // A node that is not running is no filter.
        let of_socket = |dial: &Inbound| dial.by.iter().any(|by| by.method != Method::Check);
        let failed = self.inbound.iter().any(|dial| dial.outcome == Tested::Failed && of_socket(dial));
        let undecided =
            self.inbound.iter().any(|dial| dial.outcome == Tested::Unknown && dial.by.iter().any(|by| by.outcome.passed()));
        let filters = [&self.nat.udp, &self.nat.tcp].iter().any(|layer| filters(layer.filtering));
        let symmetric = layers.iter().any(|layer| is_symmetric(layer.mapping));
        !undecided && (failed || filters || symmetric)
    }
}

impl Mapped {
    fn of(seen: &Observed, family: Family, layer: Layer4) -> Self {
        let of_family = |mapping: &&MappingSeen| mapping.layer == layer && of(mapping.to.ip()) == family;
        let mappings: Vec<&MappingSeen> = seen.mappings.iter().filter(of_family).collect();
        if mappings.is_empty() { Self::glimpsed(seen, family, layer) } else { mapping(&mappings) }
    }

    /// What dials show by the way: each has a socket of its own, so that they show an address and no behaviour.
    fn glimpsed(seen: &Observed, family: Family, layer: Layer4) -> Self {
        let glimpses: Vec<_> =
            seen.glimpses.iter().filter(|glimpse| glimpse.layer == layer && of(glimpse.mapped.ip()) == family).collect();
        let mut mapped = Self { why: Some(WhyCode::TooFewVantages), ..Self::default() };
        let Some(first) = glimpses.first() else { return mapped };
        for glimpse in &glimpses {
            if !mapped.told.contains(&glimpse.mapped) {
                mapped.told.push(glimpse.mapped);
            }
        }
        let vantages = crate::order::set(glimpses.iter().map(|glimpse| glimpse.vantage.as_str()));
        mapped.vantages = u32::try_from(vantages.len()).unwrap_or(u32::MAX);
        mapped.contradicted = glimpses.iter().any(|glimpse| glimpse.mapped.ip() != first.mapped.ip());
        if mapped.contradicted {
            mapped.why = Some(WhyCode::VantagesDisagree);
            return mapped;
        }
        mapped.outside = Some(first.mapped.ip());
        mapped.preserved = Some(glimpses.iter().all(|glimpse| glimpse.mapped.port() == glimpse.local.port()));
        if glimpses.iter().all(|glimpse| glimpse.mapped == glimpse.local) {
            (mapped.mapping, mapped.why) = (Mapping::None, None);
        }
        mapped
    }
}

fn behaviour(seen: &Observed, family: Family, layer: Layer4, mapped: &Mapped, inbound: &[Inbound]) -> Behaviour {
    // A port that was forwarded by hand lets everybody in, whatever the NAT does with the others.
    let mapped_to = |to: &SocketAddr| mapped.told.is_empty() || mapped.told.contains(to);
    let of_mapping = |packet: &&FilteringSeen| packet.layer == layer && of(packet.to.ip()) == family && mapped_to(&packet.to);
    let packets: Vec<_> = seen.filterings.iter().filter(of_mapping).collect();
    let silent = |vantage: &str| {
        let asked = || seen.mappings.iter().filter(|seen| seen.layer == layer && seen.vantage == vantage);
        asked().next().is_some() && asked().all(|seen| seen.mapped.is_none())
    };
    let (filtering, untold) = filtering(&packets, mapped.mapping, |vantage| !silent(vantage));
    let hairpin = seen.hairpins.iter().rev().find(|(other, to, _)| *other == layer && of(to.ip()) == family);
    let reached = inbound.iter().any(|dial| dial.transport == layer.transport() && dial.outcome == Tested::Passed);
    Behaviour {
        mapping: mapped.mapping,
        filtering,
        why: if mapped.mapping == Mapping::Unknown { mapped.why.clone() } else { untold }.map(Into::into),
        port_preserved: mapped.preserved,
        hairpin: hairpin.map_or(Tested::Unknown, |(_, _, result)| *result),
        mapped: mapped.told.iter().map(ToString::to_string).collect(),
        vantages: mapped.vantages,
        hole_punch_predicted: predicted(mapped.mapping, filtering, reached),
    }
}

/// Both sides of a punch have to know where to send: a mapping that depends on the destination has no such place. How a peer
/// filters decides little, since both sides send.
fn predicted(mapping: Mapping, filtering: Filtering, reached: bool) -> Prediction {
    match (mapping, filtering) {
        _ if reached => Prediction::NotNeeded,
        (Mapping::None | Mapping::EndpointIndependent, Filtering::None | Filtering::EndpointIndependent) => Prediction::NotNeeded,
        (Mapping::None | Mapping::EndpointIndependent, _) => Prediction::Likely,
        (mapping, _) if is_symmetric(mapping) => Prediction::Unlikely,
        (_, _) => Prediction::Unknown,
    }
}

/// Whether the outside address differs from peer to peer.
pub(super) fn is_symmetric(mapping: Mapping) -> bool {
    matches!(mapping, Mapping::AddressDependent | Mapping::AddressAndPortDependent | Mapping::EndpointDependent)
}

fn filters(filtering: Filtering) -> bool {
    matches!(filtering, Filtering::AddressDependent | Filtering::AddressAndPortDependent | Filtering::EndpointDependent)
}

/// Which NAT it is: a carrier's, two, or one.
fn behind(seen: &Observed, family: Family, outside: IpAddr) -> NatStatus {
    let carriers = |ip: IpAddr| Scope::of_ip(ip) == Scope::Cgnat;
    let gateways: Vec<IpAddr> = seen.gateways().filter(|ip| ip.is_ipv4() == outside.is_ipv4()).collect();
    if seen.own(family).is_some_and(carriers) || carriers(outside) || gateways.iter().copied().any(carriers) {
        NatStatus::Cgnat
    } else if gateways.iter().any(|ip| *ip != outside) {
        NatStatus::DoubleNat
    } else {
        NatStatus::Nat
    }
}

/// Whether an address means something on the own network, or the carrier's, alone.
fn is_local(ip: IpAddr) -> bool {
    matches!(Scope::of_ip(ip), Scope::Private | Scope::Cgnat | Scope::Loopback | Scope::LinkLocal)
}
