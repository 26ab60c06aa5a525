//! Every combination that the tables of the module tell apart.

mod filtering;
mod gateways;
mod inbound;
mod lines;
mod local;
mod mapping;
mod near;
mod remedies;
mod status;
mod udp;

use std::net::SocketAddr;

use super::*;
use crate::model::{
    Cause, Family, Filtering, FilteringSeen, Gateway, InboundBy, InboundSeen, Layer4, LocalAddress, Mapping, MappingSeen, Method,
    Nat64, NatFound, NatStatus, Outcome, PortMapping, Prediction, RemedyCode, Tested, Transport, VantageKind, VantageSeen,
};

const LAN: &str = "192.168.1.5:4001";
const OWN: &str = "11.22.33.50:4001";
/// Two hosts with two ports each, and a third.
const A: &str = "11.22.33.1:4011";
const A2: &str = "11.22.33.1:4012";
const B: &str = "11.22.33.2:4011";
const B2: &str = "11.22.33.2:4012";
const C: &str = "11.22.33.3:4011";
/// Outside addresses.
const M: &str = "11.22.33.9:4001";
const M2: &str = "11.22.33.9:40002";
const M3: &str = "11.22.33.9:40003";
const M4: &str = "11.22.33.9:40004";
/// Who told which outside address.
type Told = &'static [(&'static str, &'static str)];

const LIE: &str = "5.6.7.8:4001";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn host(address: &str) -> String {
    at(address).ip().to_string()
}

/// What is seen, piece by piece.
#[derive(Clone)]
struct Seen {
    local: SocketAddr,
    observed: Observed,
}

impl Seen {
    fn from(local: &str) -> Self {
        let mut observed = Observed::default();
        let local = at(local);
        observed.local_network(&[LocalAddress::new(local.ip())], None);
        Self { local, observed }
    }

    fn add(mut self, found: &NatFound) -> Self {
        self.observed.add(found);
        self
    }

    fn told(self, layer: Layer4, to: &str, mapped: Option<&str>) -> Self {
        let silent = if layer == Layer4::Udp { Cause::UdpSilent } else { Cause::TimedOut };
        let outcome = if mapped.is_some() { Outcome::Passed } else { Outcome::failed(silent) };
        self.answered(layer, to, mapped, outcome)
    }

    fn answered(self, layer: Layer4, to: &str, mapped: Option<&str>, outcome: Outcome) -> Self {
        let local = self.local;
        self.add(&NatFound::Mapping(MappingSeen { layer, local, vantage: host(to), to: at(to), mapped: mapped.map(at), outcome }))
    }

    fn maps(self, told: &[(&str, &str)]) -> Self {
        self.maps_over(Layer4::Udp, told)
    }

    fn maps_over(self, layer: Layer4, told: &[(&str, &str)]) -> Self {
        told.iter().fold(self, |seen, (to, mapped)| seen.told(layer, to, Some(mapped)))
    }

    /// To the outside address that was told first.
    fn packet(self, layer: Layer4, from: &str, contacted_before: bool, arrives: bool) -> Self {
        let told = self.observed.mappings.iter().find_map(|seen| seen.mapped.filter(|_| seen.layer == layer));
        self.packet_to(told.unwrap_or(at(M)), layer, from, contacted_before, arrives)
    }

    fn packet_to(self, to: SocketAddr, layer: Layer4, from: &str, contacted_before: bool, arrives: bool) -> Self {
        let outcome = if arrives { Outcome::Passed } else { Outcome::failed(Cause::TimedOut) };
        let (vantage, from, message) = (host(from), Some(at(from)), None);
        self.add(&NatFound::Filtering(FilteringSeen { layer, vantage, from, to, contacted_before, outcome, message }))
    }

    fn dial(self, layer: Layer4, to: &str, method: Method, contacted_before: bool, outcome: Outcome) -> Self {
        let to = at(to);
        let (name, transport) = match layer {
            Layer4::Udp => (format!("/ip4/{}/udp/{}/quic-v1", to.ip(), to.port()), Transport::Quic),
            Layer4::Tcp => (format!("/ip4/{}/tcp/{}", to.ip(), to.port()), Transport::Tcp),
        };
        let by =
            InboundBy { method, vantage: "v".into(), from: None, contacted_before, outcome, stages: Vec::new(), message: None };
        self.add(&NatFound::Inbound(InboundSeen { address: name, transport, by }))
    }

    /// The answer of one vantage point, by name.
    fn inbound(self, address: &str, vantage: &str, method: Method, contacted_before: bool, outcome: Outcome) -> Self {
        let transport = if address.contains("/udp/") { Transport::Quic } else { Transport::Tcp };
        let (vantage, stages) = (vantage.into(), Vec::new());
        let by = InboundBy { method, vantage, from: None, contacted_before, outcome, stages, message: None };
        self.add(&NatFound::Inbound(InboundSeen { address: address.into(), transport, by }))
    }

    /// Somebody who is known to serve UDP.
    fn helper(self, address: &str) -> Self {
        self.vantage(VantageKind::Helper, address, None)
    }

    /// A vantage point, and the address at which it sees the connection that it is asked over.
    fn vantage(self, kind: VantageKind, address: &str, observed: Option<&str>) -> Self {
        let name = |ip: std::net::IpAddr| if ip.is_ipv4() { "ip4" } else { "ip6" };
        let (ip, port) = (at(address).ip(), at(address).port());
        self.add(&NatFound::Vantage(VantageSeen {
            vantage: host(address),
            kind,
            address: format!("/{}/{ip}/tcp/{port}", name(ip)),
            observed: observed.map(|seen| format!("/{}/{seen}", name(seen.parse().unwrap()))),
            offers: Vec::new(),
            cause: None,
        }))
    }

    fn mapped(self, protocol: Gateway, outcome: Outcome, verified: Option<bool>) -> Self {
        self.add(&NatFound::PortMapping(PortMapping { verified, ..PortMapping::new(protocol, outcome) }))
    }

    fn gateway(self, outcome: Outcome, external: Option<&str>) -> Self {
        let external = external.map(Into::into);
        self.add(&NatFound::PortMapping(PortMapping { external, ..PortMapping::new(Gateway::Upnp, outcome) }))
    }

    fn nat(&self) -> Nat {
        classify(&self.observed)
    }
}

fn timed_out() -> Outcome {
    Outcome::failed(Cause::TimedOut)
}

fn remedies(nat: &Nat) -> Vec<RemedyCode> {
    nat.remedies.iter().map(|remedy| remedy.code.clone()).collect()
}
