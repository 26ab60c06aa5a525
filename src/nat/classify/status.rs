//! What stands between this machine and who dials it, as far as that was shown.

use std::net::IpAddr;

use super::{
    family::{LAYERS, Measured},
    mapping::{Mapped, is_symmetric},
    observed::{Observed, is_of_translator, socket},
};
use crate::model::{Family, Filtering, Inbound, InboundBy, Layer4, Method, NatStatus, Outcome, Scope, Tested, WhyCode};

impl Measured {
    /// Whether an address is one that peers can learn of, as far as is known.
    pub(super) fn lasts(&self, dial: &Inbound) -> bool {
        !socket(&dial.address).is_some_and(|(layer, to)| self.layer(layer).is_fleeting(to))
    }

    /// Whether strangers came in at such an address.
    pub(super) fn is_reached(&self, layer: Layer4) -> bool {
        self.passed(layer).any(|dial| self.lasts(dial))
    }

    /// Whether strangers came in at one that a single peer is told, and at no other.
    pub(super) fn is_open_in_vain(&self, layer: Layer4) -> bool {
        self.passed(layer).next().is_some() && !self.is_reached(layer)
    }

    fn passed(&self, layer: Layer4) -> impl Iterator<Item = &Inbound> {
        let of_layer = move |dial: &&Inbound| dial.outcome == Tested::Passed && dial.transport == layer.transport();
        self.inbound.iter().filter(of_layer)
    }

    /// Whether strangers were shown to be kept out, or that no port stays open to them.
    pub(super) fn is_shut(&self, layer: Layer4) -> bool {
        // A node that is not running is no filter.
        let of_socket = |dial: &Inbound| dial.by.iter().any(|by| by.method != Method::Check);
        let mapped = self.layer(layer);
        // What went to an address that others contradict went elsewhere.
        let agreed = |dial: &Inbound| {
            let to = socket(&dial.address).map(|(_, to)| to.ip());
            mapped.outside.is_none_or(|outside| to.is_none_or(|to| to == outside))
        };
        let failed = |dial: &Inbound| {
            dial.outcome == Tested::Failed && dial.transport == layer.transport() && of_socket(dial) && agreed(dial)
        };
        self.inbound.iter().any(failed)
            || filters(self.behaviour(layer).filtering)
            || is_symmetric(mapped.mapping) && !mapped.one_witness
    }

    /// Whether peers can reach this machine, what stands between, and why that is not known.
    pub(super) fn status(&self, seen: &Observed) -> (NatStatus, Option<WhyCode>) {
        match self.stands(seen) {
            told @ ((NatStatus::Public | NatStatus::Mapped, _) | (_, Some(WhyCode::PrivateScope))) => told,
            _ if self.udp_blocked => (NatStatus::UdpBlocked, None),
            told => told,
        }
    }

    /// Whether strangers came in.
    pub(super) fn is_reachable(&self) -> bool {
        matches!(self.nat.status, NatStatus::Public | NatStatus::Mapped)
    }

    /// What stands between, whether or not UDP gets out.
    pub(super) fn stands(&self, seen: &Observed) -> (NatStatus, Option<WhyCode>) {
        let reached = self.inbound.iter().find(|dial| dial.outcome == Tested::Passed && self.lasts(dial));
        let nearby = self.outside.is_some_and(|ip| seen.owns(ip) && is_local(ip));
        match reached.and_then(|dial| socket(&dial.address)) {
            // Whoever is on the own network reaches this machine; of the internet that tells nothing.
            Some((_, to)) if is_local(to.ip()) => return (NatStatus::Unknown, Some(WhyCode::PrivateScope)),
            Some((_, to)) if seen.owns(to.ip()) => return (NatStatus::Public, None),
            Some(_) => return (NatStatus::Mapped, None),
            None if nearby => return (NatStatus::Unknown, Some(WhyCode::PrivateScope)),
            None => {}
        }
        let Some(outside) = self.outside else {
            let why = match () {
                () if self.contradicted => WhyCode::VantagesDisagree,
                () if self.near => WhyCode::PrivateScope,
                () => WhyCode::TooFewVantages,
            };
            return (NatStatus::Unknown, Some(why));
        };
        if !self.keeps_out() {
            return (NatStatus::Unknown, Some(self.undecided()));
        }
        (if seen.owns(outside) { NatStatus::Firewalled } else { behind(seen, self.family, outside) }, None)
    }

    /// Why it is not known whether strangers are kept out.
    fn undecided(&self) -> WhyCode {
        let disagree = |layer: &Mapped| layer.why == Some(WhyCode::VantagesDisagree) || layer.one_witness && layer.vantages > 1;
        // There were enough of them, and they would not.
        let would_not = |by: &InboundBy| {
            let by_us = matches!(by.method, Method::Datagrams | Method::Dialback);
            by_us && matches!(&by.outcome, Outcome::Unknown { why } if why.code == WhyCode::VantagesDisagree)
        };
        let several =
            !self.several.is_empty() || self.layers.iter().filter_map(|layer| layer.outside).any(|ip| Some(ip) != self.outside);
        let refused = self.inbound.iter().any(|dial| dial.why.as_ref().is_some_and(|why| why.code == WhyCode::OverLimit));
        match () {
            () if several || self.layers.iter().any(disagree) => WhyCode::VantagesDisagree,
            // They send to where they see this machine on the connection that they are asked over, and the socket is elsewhere.
            () if self.inbound.iter().flat_map(|dial| &dial.by).any(would_not) => WhyCode::VantagesDisagree,
            () if refused => WhyCode::OverLimit,
            () => WhyCode::TooFewVantages,
        }
    }

    /// Whether dials from strangers were shown to fail, on every protocol of which anything was shown: not that they may pass.
    pub(super) fn keeps_out(&self) -> bool {
        let perhaps = |layer: &Layer4| {
            // A host that was sent to came in, and nothing shows that others would not, at an address that others may learn of.
            let known = |dial: &Inbound| {
                let passed = dial.by.iter().any(|by| by.outcome.passed());
                let matters = self.lasts(dial) || self.layer(*layer).one_witness;
                dial.outcome == Tested::Unknown && dial.transport == layer.transport() && passed && matters
            };
            let only_known = !filters(self.behaviour(*layer).filtering) && self.inbound.iter().any(known);
            // Whether the port is one that only a single peer is told is not known.
            only_known || self.is_open_in_vain(*layer) && self.layer(*layer).one_witness
        };
        LAYERS.iter().any(|layer| self.is_shut(*layer)) && !LAYERS.iter().any(perhaps)
    }
}

fn filters(filtering: Filtering) -> bool {
    matches!(filtering, Filtering::AddressDependent | Filtering::AddressAndPortDependent | Filtering::EndpointDependent)
}

/// Which NAT it is: a carrier's, two, or one. A gateway whose outside address is public, and not the one that peers see, may send
/// over another line as well as be behind a NAT: that is told as no more than one.
fn behind(seen: &Observed, family: Family, outside: IpAddr) -> NatStatus {
    let carriers = |ip: IpAddr| Scope::of_ip(ip) == Scope::Cgnat || is_of_translator(ip);
    let tunneled = seen.is_tunneled(family);
    // Those of the network that the tunnel leads past.
    let gateways = seen.gateways().filter(|ip| ip.is_ipv4() == outside.is_ipv4() && !tunneled);
    let gateways: Vec<IpAddr> = gateways.collect();
    if seen.own(family).is_some_and(|own| carriers(own) && !tunneled)
        || carriers(outside)
        || gateways.iter().copied().any(carriers)
    {
        NatStatus::Cgnat
    } else if gateways.iter().any(|ip| *ip != outside && is_local(*ip)) {
        NatStatus::DoubleNat
    } else {
        NatStatus::Nat
    }
}

/// Whether an address means something on the own network, or the carrier's, alone.
fn is_local(ip: IpAddr) -> bool {
    matches!(Scope::of_ip(ip), Scope::Private | Scope::Cgnat | Scope::Loopback | Scope::LinkLocal) || is_of_translator(ip)
}
