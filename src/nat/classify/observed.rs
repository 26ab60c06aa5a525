//! Observations, gathered.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::model::{
    Family, FilteringSeen, HolePunch, InboundSeen, Layer4, Local, LocalAddress, MappingSeen, NatFound, PortMapping, Relay, Scope,
    Tested, Usable, VantageKind, VantageSeen, socket_of,
};

/// Everything that was seen of the own network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    pub(super) local: Local,
    /// Whether a family led to a vantage point.
    pub(super) families: Vec<(Family, Tested)>,
    pub(super) vantages: Vec<VantageSeen>,
    pub(super) mappings: Vec<MappingSeen>,
    pub(super) filterings: Vec<FilteringSeen>,
    pub(super) inbounds: Vec<InboundSeen>,
    pub(super) hairpins: Vec<(Layer4, SocketAddr, Tested)>,
    pub(super) port_mappings: Vec<PortMapping>,
    pub(super) relays: Vec<Relay>,
    pub(super) hole_punches: Vec<HolePunch>,
    pub(super) glimpses: Vec<Glimpse>,
}

/// What a dial shows by the way: the two ends of its connection as each side sees ours.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glimpse {
    pub(super) layer: Layer4,
    pub(super) local: SocketAddr,
    pub(super) mapped: SocketAddr,
    pub(super) vantage: String,
}

impl Observed {
    /// What the system tells before anything is sent.
    pub fn local_network(&mut self, sources: &[LocalAddress], udp_receive_buffer: Option<u64>) {
        self.local.addresses = sources.to_vec();
        self.local.udp_receive_buffer = udp_receive_buffer;
    }

    /// Adds an observation.
    pub fn add(&mut self, found: &NatFound) {
        match found {
            NatFound::Local { addresses } => self.local.addresses.clone_from(addresses),
            NatFound::Family { family, usable } => self.families.push((*family, *usable)),
            NatFound::Nat64 { nat64, prefix } => {
                self.local.nat64 = *nat64;
                self.local.nat64_prefix.clone_from(prefix);
            }
            NatFound::Vantage(seen) => self.vantages.push(seen.clone()),
            NatFound::Mapping(seen) => self.mappings.push(seen.clone()),
            NatFound::Filtering(seen) => self.filterings.push(seen.clone()),
            NatFound::Inbound(seen) => self.inbounds.push(seen.clone()),
            NatFound::Hairpin { layer, to, result } => self.hairpins.push((*layer, *to, *result)),
            NatFound::PortMapping(seen) => {
                // A gateway that was found is told again once it was asked.
                let order = |known: &PortMapping| (known.family == Family::Ipv6, known.protocol);
                self.port_mappings.retain(|known| order(known) != order(seen));
                let place = self.port_mappings.partition_point(|known| order(known) < order(seen));
                self.port_mappings.insert(place, seen.clone());
            }
            NatFound::Relay(seen) => self.relays.push(seen.clone()),
            NatFound::HolePunch(seen) => self.hole_punches.push(seen.clone()),
        }
    }

    /// Adds what a dial shows by the way: our end of its connection as we see it and as the peer does, as multiaddrs. True where
    /// that says something about the own network: peers on it say nothing.
    pub fn glimpse(&mut self, local: &str, observed: &str, vantage: &str) -> bool {
        let (Some((layer, local)), Some((other, mapped))) = (socket(local), socket(observed)) else { return false };
        let outside = matches!(Scope::of_ip(mapped.ip()), Scope::Public | Scope::Cgnat | Scope::Documentation);
        let sound = layer == other && outside && local.is_ipv4() == mapped.is_ipv4();
        if sound {
            self.glimpses.push(Glimpse { layer, local, mapped, vantage: vantage.to_owned() });
        }
        sound
    }

    /// The address that a family sends from.
    pub(super) fn own(&self, family: Family) -> Option<IpAddr> {
        let ips = self.local.addresses.iter().filter_map(|own| own.address.parse::<IpAddr>().ok());
        ips.into_iter().find(|ip| of(*ip) == family)
    }

    /// The families of this machine, and whether anything came back over them.
    pub(super) fn usable(&self) -> Vec<Usable> {
        let usable = |family| {
            let source = self.own(family)?.to_string();
            // Through a translator too.
            let over = |seen: &MappingSeen| of(seen.to.ip()) == family || of(seen.local.ip()) == family;
            let answered = self.mappings.iter().any(|seen| over(seen) && seen.mapped.is_some())
                || self.glimpses.iter().any(|glimpse| of(glimpse.mapped.ip()) == family)
                || self.vantages.iter().any(|seen| socket(&seen.address).is_some_and(|(_, at)| of(at.ip()) == family));
            let tried = self.families.iter().rev().find(|(other, _)| *other == family).map(|(_, usable)| *usable);
            let outcome = if answered { Tested::Passed } else { tried.unwrap_or_default() };
            Some(Usable { family, source, outcome })
        };
        [Family::Ipv4, Family::Ipv6].into_iter().filter_map(usable).collect()
    }

    /// Whether an address is one of this machine.
    pub(super) fn owns(&self, ip: IpAddr) -> bool {
        self.local.addresses.iter().any(|own| own.address.parse() == Ok(ip))
    }

    /// Whether an address is on a link of this machine.
    pub(super) fn is_on_link(&self, ip: IpAddr) -> bool {
        let links = self.local.addresses.iter().filter_map(|own| Some((own.address.parse().ok()?, own.prefix?)));
        links.into_iter().any(|(own, prefix)| is_within(ip, own, prefix))
    }

    /// Whether a family leaves through a tunnel. The carrier's translator of IPv4 may be one too, and is none that was chosen.
    pub(super) fn is_tunneled(&self, family: Family) -> bool {
        let Some(ip) = self.own(family) else { return false };
        let tunnel = |own: &LocalAddress| own.tunnel && own.address.parse() == Ok(ip);
        !is_of_translator(ip) && self.local.addresses.iter().any(tunnel)
    }

    /// Whether an own address is one that the system replaces after a while.
    pub(super) fn is_temporary(&self, ip: IpAddr) -> bool {
        self.local.addresses.iter().any(|own| own.temporary && own.address.parse() == Ok(ip))
    }

    /// The own address that stays, beside one that does not.
    pub(super) fn lasting_beside(&self, ip: IpAddr) -> Option<IpAddr> {
        let lasting = self.local.addresses.iter().filter(|own| !own.temporary && own.scope == Scope::Public);
        let all = lasting.filter_map(|own| Some((own.address.parse().ok()?, own.prefix?)));
        all.into_iter().find(|(own, prefix)| is_within(ip, *own, *prefix)).map(|(own, _)| own)
    }

    /// Whether somebody who was asked is known to serve UDP, beyond an announcement: a STUN server that the user named, or a helper.
    pub(super) fn serves_udp(&self, asked: &MappingSeen) -> bool {
        let helper = |seen: &VantageSeen| seen.kind == VantageKind::Helper && seen.vantage == asked.vantage;
        asked.vantage == asked.to.to_string() || self.vantages.iter().any(helper)
    }

    /// The outside addresses of gateways.
    pub(super) fn gateways(&self) -> impl Iterator<Item = IpAddr> {
        self.port_mappings.iter().filter_map(|mapping| mapping.external.as_ref()?.parse().ok())
    }
}

/// Whether an address is of the carrier's own translation of IPv4 over IPv6: DS-Lite (RFC 6333, section 5.7) and 464XLAT, for which
/// RFC 7335 sets 192.0.0.0/29 aside.
pub(super) fn is_of_translator(ip: IpAddr) -> bool {
    is_within(ip, Ipv4Addr::new(192, 0, 0, 0).into(), 29)
}

/// Whether an address begins with as many bits as another.
fn is_within(ip: IpAddr, other: IpAddr, prefix: u8) -> bool {
    let prefix = u32::from(prefix);
    match (ip, other) {
        // An address with all its bits has no link.
        (IpAddr::V4(ip), IpAddr::V4(other)) => prefix < u32::BITS && (ip.to_bits() ^ other.to_bits()).leading_zeros() >= prefix,
        (IpAddr::V6(ip), IpAddr::V6(other)) => prefix < u128::BITS && (ip.to_bits() ^ other.to_bits()).leading_zeros() >= prefix,
        _ => false,
    }
}

/// The family of an address.
pub(super) fn of(ip: IpAddr) -> Family {
    if ip.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
}

/// The protocol, IP address and port that a multiaddr begins with; none where it begins otherwise.
pub(super) fn socket(address: &str) -> Option<(Layer4, SocketAddr)> {
    socket_of(&address.parse().ok()?)
}
