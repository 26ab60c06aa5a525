//! One address family.

use std::net::{IpAddr, SocketAddr};

use super::{
    filtering::filtering,
    inbound::inbound,
    mapping::{Mapped, Silence, is_silence, mapping},
    observed::{Observed, of, socket},
};
use crate::model::{
    Behaviour, Family, FamilyNat, FilteringSeen, Inbound, Layer4, Mapping, MappingSeen, Prediction, Tested, WhyCode,
};

/// The protocols that are measured.
pub(super) const LAYERS: [Layer4; 2] = [Layer4::Udp, Layer4::Tcp];
/// How many hosts that serve UDP have to be silent over it before it is this network that is silent.
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
    /// Whether vantage points were asked that are in the own network: what they tell is left out.
    pub(super) near: bool,
    /// The outside addresses, where one and the same vantage point sees several: no other one would see it otherwise.
    pub(super) several: Vec<IpAddr>,
    pub(super) udp_blocked: bool,
    /// UDP and TCP.
    pub(super) layers: [Mapped; 2],
}

impl Measured {
    /// What was seen of a family; none where nothing was.
    pub(super) fn of(seen: &Observed, family: Family) -> Option<Self> {
        let tested = seen.mappings.iter().any(|mapping| of(mapping.to.ip()) == family)
            || seen.filterings.iter().any(|filtering| of(filtering.to.ip()) == family);
        let (seen, near) = seen.without_near(family);
        let seen = seen.as_ref();
        let layers = LAYERS.map(|layer| Mapped::of(seen, family, layer));
        let dials: Vec<_> =
            seen.inbounds.iter().filter(|dial| socket(&dial.address).is_some_and(|(_, to)| of(to.ip()) == family)).collect();
        if layers.iter().all(|layer| layer.told.is_empty()) && dials.is_empty() && !tested {
            return None;
        }
        let [udp, tcp] = &layers;
        let outside = udp.outside.or(tcp.outside);
        let sends = |vantage: &str, layer: Layer4| sends(seen, family, layer, vantage);
        let is_own = |address: &str| {
            socket(address).is_some_and(|(_, to)| seen.owns(to.ip()) && outside.is_none_or(|outside| outside == to.ip()))
        };
        let inbound = inbound(&dials, is_own, |vantage, transport| {
            let over = LAYERS.into_iter().find(|layer| layer.transport() == transport);
            over.is_none_or(|layer| sends(vantage, layer))
        });
        let told = |layer: Layer4, mapped: &Mapped| behaviour(seen, family, layer, mapped, |vantage| sends(vantage, layer));
        let mut measured = Self {
            nat: FamilyNat { udp: told(Layer4::Udp, udp), tcp: told(Layer4::Tcp, tcp), ..FamilyNat::default() },
            contradicted: layers.iter().any(|layer| layer.contradicted),
            udp_blocked: udp.silence == Silence::Forbidden || udp.silent_hosts >= SILENT_HOSTS && !tcp.told.is_empty(),
            several: seen.several(family),
            near,
            family,
            inbound,
            outside,
            layers,
        };
        measured.udp_blocked &= !measured.is_reached(Layer4::Udp);
        measured.predict();
        measured.nat.nat64 =
            seen.mappings.iter().any(|mapping| of(mapping.to.ip()) == family && of(mapping.local.ip()) != family);
        let (status, why) = measured.status(seen);
        (measured.nat.status, measured.nat.why) = (status, why.map(Into::into));
        Some(measured)
    }

    /// Whether this machine itself lets no UDP out.
    pub(super) fn forbids_udp(&self) -> bool {
        self.udp_blocked && self.layer(Layer4::Udp).silence == Silence::Forbidden
    }

    /// Whether nobody answered over UDP, for a reason that is not known.
    pub(super) fn is_udp_unanswered(&self) -> bool {
        self.layer(Layer4::Udp).silence != Silence::None && !self.udp_blocked && !self.is_reached(Layer4::Udp)
    }

    /// What was told of a protocol's mapping.
    pub(super) fn layer(&self, layer: Layer4) -> &Mapped {
        let [udp, tcp] = &self.layers;
        if layer == Layer4::Udp { udp } else { tcp }
    }

    /// What a NAT or firewall does to a protocol.
    pub(super) fn behaviour(&self, layer: Layer4) -> &Behaviour {
        if layer == Layer4::Udp { &self.nat.udp } else { &self.nat.tcp }
    }
}

impl Mapped {
    fn of(seen: &Observed, family: Family, layer: Layer4) -> Self {
        let of_family = |mapping: &&MappingSeen| mapping.layer == layer && of(mapping.to.ip()) == family;
        let mappings: Vec<&MappingSeen> = seen.mappings.iter().filter(of_family).collect();
        let glimpsed = Self::glimpsed(seen, family, layer);
        if mappings.is_empty() {
            return glimpsed;
        }
        let mut mapped = mapping(&mappings, |asked| layer == Layer4::Tcp || seen.serves_udp(asked));
        if !glimpsed.told.is_empty() {
            // A connection from another port stood: the protocol gets out.
            mapped.silent_hosts = 0;
        }
        mapped
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
        let others = glimpses.iter().filter(|glimpse| glimpse.mapped.port() != glimpse.local.port());
        mapped.other_ports = others.map(|glimpse| glimpse.mapped).collect();
        mapped.preserved = Some(mapped.other_ports.is_empty());
        if glimpses.iter().all(|glimpse| glimpse.mapped == glimpse.local) {
            (mapped.mapping, mapped.why) = (Mapping::None, None);
        }
        mapped
    }
}

/// Whether what a vantage point sent may be taken to have left it: not where it answers nothing, nor where others come in that were sent
/// to, and it does not though it was sent to as well.
fn sends(seen: &Observed, family: Family, layer: Layer4, vantage: &str) -> bool {
    let asked = || seen.mappings.iter().filter(|seen| seen.layer == layer && seen.vantage == vantage);
    let silent = asked().next().is_some() && asked().all(is_silence);
    let known = |packet: &&FilteringSeen| packet.layer == layer && of(packet.to.ip()) == family && packet.contacted_before;
    let (own, others): (Vec<_>, Vec<_>) = seen.filterings.iter().filter(known).partition(|packet| packet.vantage == vantage);
    let arrives = |packets: &[&FilteringSeen]| packets.iter().any(|packet| packet.outcome.passed());
    let kept_out = own.iter().any(|packet| packet.outcome.cause().is_some()) && !arrives(&own);
    !(silent || kept_out && arrives(&others))
}

fn behaviour(seen: &Observed, family: Family, layer: Layer4, mapped: &Mapped, sends: impl Fn(&str) -> bool) -> Behaviour {
    // A port that was forwarded by hand lets everybody in, whatever the NAT does with the others. What goes to an address that others
    // contradict goes elsewhere.
    let agreed = |to: &SocketAddr| mapped.outside.is_none_or(|outside| outside == to.ip());
    let untold = |to: &SocketAddr| mapped.told.is_empty() && seen.owns(to.ip());
    let mapped_to = |to: &SocketAddr| mapped.told.contains(to) && agreed(to) || untold(to);
    let of_mapping = |packet: &&FilteringSeen| packet.layer == layer && of(packet.to.ip()) == family && mapped_to(&packet.to);
    let mut packets: Vec<_> = seen.filterings.iter().filter(of_mapping).collect();
    // Where vantage points contradict each other, an address that something came in at is a true one, and others may not be.
    let arrived: Vec<SocketAddr> = packets.iter().filter(|packet| packet.outcome.passed()).map(|packet| packet.to).collect();
    packets.retain(|packet| !mapped.one_witness || arrived.is_empty() || arrived.contains(&packet.to));
    // What comes to an own address is translated by nobody.
    let straight = mapped.mapping == Mapping::None || packets.iter().any(|packet| packet.outcome.passed() && untold(&packet.to));
    let (filtering, missing) = filtering(&packets, straight, sends);
    let hairpin = seen.hairpins.iter().rev().find(|(other, to, _)| *other == layer && of(to.ip()) == family);
    Behaviour {
        mapping: mapped.mapping,
        one_witness: mapped.one_witness,
        filtering,
        why: if mapped.mapping == Mapping::Unknown { mapped.why.clone() } else { missing }.map(Into::into),
        port_preserved: mapped.preserved,
        hairpin: hairpin.map_or(Tested::Unknown, |(_, _, result)| *result),
        mapped: mapped.told.iter().map(ToString::to_string).collect(),
        vantages: mapped.vantages,
        hole_punch_predicted: Prediction::Unknown,
    }
}
