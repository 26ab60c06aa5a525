//! Every combination that the tables of the module tell apart.

use std::net::SocketAddr;

use super::*;
use crate::model::{
    Cause, Family, Filtering, FilteringSeen, Gateway, InboundBy, InboundSeen, Layer4, LocalAddress, Mapping, MappingSeen, Method,
    Nat64, NatFound, Outcome, PortMapping, Prediction, RemedyCode, Scope, Tested, Transport,
};

const LAN: &str = "192.168.1.5:4001";
const OWN: &str = "11.22.33.50:4001";
/// Two hosts with two ports each, and a third.
const A: &str = "11.22.33.1:4011";
const A2: &str = "11.22.33.1:4012";
const B: &str = "11.22.33.2:4011";
const C: &str = "11.22.33.3:4011";
/// Outside addresses.
const M: &str = "11.22.33.9:4001";
const M2: &str = "11.22.33.9:40002";
const M3: &str = "11.22.33.9:40003";
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
        observed.local_network(&[LocalAddress { address: local.ip().to_string(), scope: Scope::of_ip(local.ip()) }], None);
        Self { local, observed }
    }

    fn add(mut self, found: &NatFound) -> Self {
        self.observed.add(found);
        self
    }

    fn told(self, layer: Layer4, to: &str, mapped: Option<&str>) -> Self {
        let local = self.local;
        let outcome = if mapped.is_some() { Outcome::Passed } else { Outcome::failed(Cause::UdpSilent) };
        self.add(&NatFound::Mapping(MappingSeen { layer, local, vantage: host(to), to: at(to), mapped: mapped.map(at), outcome }))
    }

    fn maps(self, told: &[(&str, &str)]) -> Self {
        told.iter().fold(self, |seen, (to, mapped)| seen.told(Layer4::Udp, to, Some(mapped)))
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

#[test]
fn mapping_by_what_hosts_tell() {
    let table: [(Told, Mapping, Option<WhyCode>); 14] = [
        (&[], Mapping::Unknown, Some(WhyCode::TooFewVantages)),
        (&[(A, M)], Mapping::Unknown, Some(WhyCode::TooFewVantages)),
        (&[(A, M), (A2, M)], Mapping::Unknown, Some(WhyCode::TooFewVantages)),
        (&[(A, M), (B, M)], Mapping::EndpointIndependent, None),
        (&[(A, M), (A2, M), (B, M)], Mapping::EndpointIndependent, None),
        (&[(A, M), (A2, M2)], Mapping::AddressAndPortDependent, None),
        (&[(A, M), (A2, M2), (B, M3)], Mapping::AddressAndPortDependent, None),
        (&[(A, M), (A2, M), (B, M2)], Mapping::AddressDependent, None),
        (&[(A, M), (B, M2)], Mapping::EndpointDependent, None),
        (&[(A, M), (B, M2), (C, M3)], Mapping::EndpointDependent, None),
        // Two agree and one does not: no NAT does that.
        (&[(A, M), (B, M), (C, M2)], Mapping::Unknown, Some(WhyCode::VantagesDisagree)),
        (&[(A, M), (B, LIE)], Mapping::Unknown, Some(WhyCode::VantagesDisagree)),
        // A majority outweighs one that tells another IP address.
        (&[(A, M), (B, M), (C, LIE)], Mapping::EndpointIndependent, None),
        (&[(A, M), (A2, M), (B, LIE)], Mapping::Unknown, Some(WhyCode::VantagesDisagree)),
    ];
    for (told, mapping, why) in table {
        let nat = Seen::from(LAN).maps(told).packet(Layer4::Udp, C, false, false).nat();
        let udp = nat.ipv4.expect("measured").udp;
        assert_eq!((udp.mapping, udp.why.map(|why| why.code)), (mapping, why), "{told:?}");
    }
}

#[test]
fn without_a_nat_one_vantage_point_is_enough() {
    let nat = Seen::from(OWN).maps(&[(A, OWN)]).nat();
    let udp = nat.ipv4.unwrap().udp;
    assert_eq!((udp.mapping, udp.port_preserved, udp.vantages), (Mapping::None, Some(true), 1));
    assert_eq!(udp.mapped, [OWN]);
}

#[test]
fn a_translated_port_of_the_own_address_is_a_nat() {
    let nat = Seen::from(OWN).maps(&[(A, "11.22.33.50:9999"), (B, "11.22.33.50:9999")]).nat();
    let udp = nat.ipv4.unwrap().udp;
    assert_eq!((udp.mapping, udp.port_preserved), (Mapping::EndpointIndependent, Some(false)));
}

#[test]
fn filtering_by_who_gets_through() {
    use Filtering as F;
    // From a stranger, and from another port of a host that was sent to: blocked, arrived, or not tested.
    let table = [
        (Some(true), Some(true), F::EndpointIndependent),
        (Some(true), Some(false), F::EndpointIndependent),
        (Some(true), None, F::EndpointIndependent),
        (Some(false), Some(true), F::AddressDependent),
        (Some(false), Some(false), F::AddressAndPortDependent),
        (Some(false), None, F::EndpointDependent),
        (None, Some(false), F::AddressAndPortDependent),
        (None, Some(true), F::Unknown),
        (None, None, F::Unknown),
    ];
    for (stranger, known, expected) in table {
        let mut seen = Seen::from(LAN).maps(&[(A, M), (B, M)]);
        seen = stranger.into_iter().fold(seen, |seen, arrives| seen.packet(Layer4::Udp, "11.22.33.2:50000", false, arrives));
        seen = known.into_iter().fold(seen, |seen, arrives| seen.packet(Layer4::Udp, "11.22.33.1:50000", true, arrives));
        let udp = seen.nat().ipv4.unwrap().udp;
        assert_eq!(udp.filtering, expected, "{stranger:?} {known:?}");
        let why = (expected == F::Unknown).then_some(WhyCode::TooFewVantages);
        assert_eq!(udp.why.map(|why| why.code), why, "{stranger:?} {known:?}");
    }
    let open = Seen::from(OWN).maps(&[(A, OWN)]).packet(Layer4::Udp, B, false, true).nat();
    assert_eq!(open.ipv4.unwrap().udp.filtering, F::None);
}

#[test]
fn a_vantage_point_that_answers_nothing_shows_no_filter() {
    let seen = Seen::from(LAN).maps(&[(A, M)]).told(Layer4::Udp, B, None).packet(Layer4::Udp, B, false, false);
    assert_eq!(seen.nat().ipv4.unwrap().udp.filtering, Filtering::Unknown);
}

#[test]
fn no_nat_and_reached_is_public() {
    let nat = Seen::from(OWN)
        .maps(&[(A, OWN), (B, OWN)])
        .dial(Layer4::Udp, OWN, Method::Dialback, false, Outcome::Passed)
        .dial(Layer4::Tcp, OWN, Method::Dialback, false, timed_out())
        .nat();
    assert_eq!(nat.status, NatStatus::Public);
    assert!(nat.summary.contains("quic, not tcp"), "{}", nat.summary);
    assert_eq!(remedies(&nat), [RemedyCode::AnnounceAddress]);
    assert_eq!(nat.ipv4.unwrap().udp.hole_punch_predicted, Prediction::NotNeeded);
}

#[test]
fn on_an_own_address_a_vantage_point_that_was_sent_to_counts() {
    let nat = Seen::from(OWN).maps(&[(A, OWN)]).dial(Layer4::Udp, OWN, Method::AutonatV2, true, Outcome::Passed).nat();
    assert_eq!((nat.status, nat.inbound[0].outcome), (NatStatus::Public, Tested::Passed));
}

#[test]
fn behind_a_nat_it_does_not() {
    let nat = Seen::from(LAN).maps(&[(A, M), (B, M)]).dial(Layer4::Udp, M, Method::AutonatV2, true, Outcome::Passed).nat();
    assert_eq!((nat.inbound[0].outcome, nat.inbound[0].why.clone()), (Tested::Unknown, Some(WhyCode::TooFewVantages.into())));
    assert_eq!(nat.status, NatStatus::Unknown);
    assert_eq!(nat.why.as_ref().map(|why| &why.code), Some(&WhyCode::TooFewVantages));
    assert_eq!(remedies(&nat), [RemedyCode::AddVantage]);
}

#[test]
fn reached_through_a_nat_is_mapped() {
    let nat = Seen::from(LAN).maps(&[(A, M), (B, M)]).dial(Layer4::Udp, M, Method::Dialback, false, Outcome::Passed).nat();
    assert_eq!(nat.status, NatStatus::Mapped);
    assert_eq!(nat.remedies[0].address.as_deref(), Some("/ip4/11.22.33.9/udp/4001/quic-v1"));
}

#[test]
fn a_node_that_is_not_running_is_no_filter() {
    let refused = Outcome::failed(Cause::Refused);
    let open = Seen::from(OWN).maps(&[(A, OWN)]).dial(Layer4::Udp, OWN, Method::Dialback, false, Outcome::Passed);
    let nat = open.dial(Layer4::Tcp, "11.22.33.50:9000", Method::Check, false, refused.clone()).nat();
    assert_eq!(nat.status, NatStatus::Public);
    assert!(remedies(&nat).contains(&RemedyCode::CheckNode));
    let cone = Seen::from(LAN).maps(&[(A, M), (B, M)]).dial(Layer4::Tcp, "11.22.33.9:9000", Method::Check, false, refused).nat();
    assert_eq!(cone.status, NatStatus::Unknown);
    let passed =
        Seen::from(LAN).maps(&[(A, M)]).dial(Layer4::Tcp, "11.22.33.9:9000", Method::Check, false, Outcome::Passed).nat();
    assert_eq!(passed.status, NatStatus::Mapped);
}

/// The port under test is one of the run's own, unless the node itself was dialed.
#[test]
fn what_to_announce_is_not_the_port_of_a_test() {
    let text = |seen: Seen| {
        let remedy = seen.nat().remedies.into_iter().find(|remedy| remedy.code == RemedyCode::AnnounceAddress);
        remedy.expect("something to announce").text
    };
    let dialed =
        |own, to, method| Seen::from(own).maps(&[(A, to), (B, to)]).dial(Layer4::Udp, to, method, false, Outcome::Passed);
    let public = text(dialed(OWN, OWN, Method::Dialback));
    assert!(public.ends_with("announce 11.22.33.50 with the port that the node listens on."), "{public}");
    let mapped = text(dialed(LAN, M, Method::Dialback));
    assert!(mapped.contains("keeps it only while the node sends from it"), "{mapped}");
    let forwarded = Seen::from(LAN).maps(&[(A, M2), (B, M3)]).dial(Layer4::Udp, M, Method::Dialback, false, Outcome::Passed);
    assert!(text(forwarded).ends_with("announce 11.22.33.9 with the port that the node listens on."));
    assert!(text(dialed(OWN, OWN, Method::Check)).ends_with("that is the address to announce."));
}

#[test]
fn a_manual_port_forward_is_mapped_whatever_the_mapping_is() {
    let nat = Seen::from(LAN)
        .maps(&[(A, M2), (A2, M3)])
        .packet(Layer4::Udp, B, false, false)
        .dial(Layer4::Udp, M, Method::Dialback, false, Outcome::Passed)
        .nat();
    assert_eq!(nat.status, NatStatus::Mapped);
}

#[test]
fn a_public_address_that_is_not_reached_is_firewalled() {
    let nat = Seen::from(OWN)
        .maps(&[(A, OWN), (B, OWN)])
        .packet(Layer4::Udp, B, false, false)
        .dial(Layer4::Udp, OWN, Method::Datagrams, false, timed_out())
        .nat();
    assert_eq!(nat.status, NatStatus::Firewalled);
    assert_eq!(remedies(&nat), [RemedyCode::OpenFirewall, RemedyCode::UseRelay, RemedyCode::UseHolePunching]);
}

#[test]
fn a_nat_says_why_and_what_helps() {
    let blocked = |seen: Seen| seen.packet(Layer4::Udp, B, false, false).packet(Layer4::Udp, A, true, false);
    let cone = blocked(Seen::from(LAN).maps(&[(A, M), (B, M)])).nat();
    assert_eq!(cone.status, NatStatus::Nat);
    assert!(cone.summary.contains("hole punching through a relay is likely"), "{}", cone.summary);
    assert_eq!(remedies(&cone), [RemedyCode::ForwardPort, RemedyCode::UseRelay, RemedyCode::UseHolePunching]);
    let symmetric = blocked(Seen::from(LAN).maps(&[(A, M2), (A2, M3), (B, M)])).nat();
    assert_eq!(symmetric.status, NatStatus::Nat);
    assert!(symmetric.summary.contains("maps per destination"), "{}", symmetric.summary);
    assert!(symmetric.summary.contains("hole punching is unlikely; a relay is needed"), "{}", symmetric.summary);
    assert_eq!(remedies(&symmetric), [RemedyCode::ForwardPort, RemedyCode::UseRelay, RemedyCode::DoNotAnnounce]);
}

#[test]
fn a_symmetric_nat_is_told_by_mapping_alone() {
    assert_eq!(Seen::from(LAN).maps(&[(A, M), (B, M2)]).nat().status, NatStatus::Nat);
}

#[test]
fn a_cone_without_a_word_on_filtering_is_unknown() {
    let nat = Seen::from(LAN).maps(&[(A, M), (B, M)]).nat();
    assert_eq!((nat.status, remedies(&nat)), (NatStatus::Unknown, vec![RemedyCode::AddVantage]));
}

#[test]
fn one_protocol_kept_out_and_the_other_perhaps_let_in_is_unknown() {
    let nat = Seen::from(LAN)
        .maps(&[(A, M)])
        .dial(Layer4::Udp, M, Method::Datagrams, true, Outcome::Passed)
        .dial(Layer4::Tcp, M, Method::Dialback, true, timed_out())
        .nat();
    assert_eq!(nat.status, NatStatus::Unknown);
}

#[test]
fn carriers_and_double_nats_show_at_the_gateway() {
    let blocked =
        |local: &str, outside: &str| Seen::from(local).maps(&[(A, outside), (B, outside)]).packet(Layer4::Udp, B, false, false);
    let carrier = "100.64.1.5:4001";
    assert_eq!(blocked(carrier, M).nat().status, NatStatus::Cgnat);
    assert_eq!(blocked(LAN, carrier).nat().status, NatStatus::Cgnat);
    assert_eq!(blocked(LAN, M).gateway(Outcome::Passed, Some("100.64.1.5")).nat().status, NatStatus::Cgnat);
    assert_eq!(blocked(LAN, M).gateway(Outcome::Passed, Some("10.0.0.5")).nat().status, NatStatus::DoubleNat);
    assert_eq!(blocked(LAN, M).gateway(Outcome::Passed, Some("11.22.33.77")).nat().status, NatStatus::DoubleNat);
    assert_eq!(blocked(LAN, M).gateway(Outcome::Passed, Some("11.22.33.9")).nat().status, NatStatus::Nat);
    assert_eq!(remedies(&blocked(carrier, M).nat())[0], RemedyCode::AskProvider);
}

#[test]
fn what_the_gateway_offers_decides_the_remedy() {
    let blocked = Seen::from(LAN).maps(&[(A, M), (B, M)]).packet(Layer4::Udp, B, false, false);
    let with = |outcome| remedies(&blocked.clone().gateway(outcome, None).nat())[0].clone();
    assert_eq!(with(Outcome::Passed), RemedyCode::UseUpnp);
    assert_eq!(with(Outcome::failed(Cause::GatewayRefused { error: 718 })), RemedyCode::AllowUpnp);
    assert_eq!(with(Outcome::failed(Cause::NoGateway)), RemedyCode::ForwardPort);
}

#[test]
fn a_mapping_that_nobody_comes_through_helps_nobody() {
    let blocked = Seen::from(LAN).maps(&[(A, M), (B, M)]).packet(Layer4::Udp, B, false, false);
    let with = |verified| blocked.clone().mapped(Gateway::Upnp, Outcome::Passed, verified);
    for (verified, code) in
        [(Some(true), RemedyCode::UseUpnp), (None, RemedyCode::UseUpnp), (Some(false), RemedyCode::AskProvider)]
    {
        assert_eq!(remedies(&with(verified).nat())[0], code);
    }
    // One protocol of the same gateway that works is enough, and all that do are named.
    let both = with(Some(true)).mapped(Gateway::Pcp, Outcome::Passed, Some(true)).nat();
    assert!(both.remedies[0].text.contains("UPnP, PCP"), "{}", both.remedies[0].text);
    // Refused for want of an address: no permission would help.
    for (protocol, error) in [(Gateway::Upnp, 501), (Gateway::NatPmp, 3), (Gateway::Pcp, 7), (Gateway::Pcp, 8)] {
        let unable = blocked.clone().mapped(protocol, Outcome::failed(Cause::GatewayRefused { error }), None).nat();
        assert_eq!(remedies(&unable)[0], RemedyCode::ForwardPort);
        assert!(unable.remedies[0].text.contains("11.22.33.9"), "{}", unable.remedies[0].text);
    }
    let denied = blocked.clone().mapped(Gateway::NatPmp, Outcome::failed(Cause::GatewayRefused { error: 2 }), None).nat();
    assert_eq!(remedies(&denied)[0], RemedyCode::AllowUpnp);
}

#[test]
fn what_is_told_of_a_gateway_last_counts() {
    let seen = Seen::from(LAN).mapped(Gateway::Pcp, Outcome::unknown(WhyCode::NotReached), None);
    let seen = seen.mapped(Gateway::Upnp, Outcome::failed(Cause::NoGateway), None);
    let told = seen.mapped(Gateway::Pcp, Outcome::Passed, Some(true)).nat().port_mapping;
    let told: Vec<_> = told.iter().map(|told| (told.protocol, told.outcome.passed(), told.verified)).collect();
    assert_eq!(told, [(Gateway::Upnp, false, None), (Gateway::Pcp, true, Some(true))]);
}

#[test]
fn a_port_forwarded_by_hand_says_nothing_of_the_others() {
    // What arrives went to the listen port, and not to the address that the NAT gave.
    let nat = Seen::from(LAN).maps(&[(A, M2), (B, M3)]).packet_to(at(M), Layer4::Udp, B, false, true).nat();
    assert_eq!(nat.ipv4.unwrap().udp.filtering, Filtering::Unknown);
}

#[test]
fn a_family_is_usable_when_something_came_back_over_it() {
    let local = |address: &str| LocalAddress { address: address.into(), scope: Scope::Private };
    let mut seen = Seen::from(LAN);
    seen.observed.local_network(&[local("192.168.1.5"), local("2606:4700::50")], None);
    let usable = |seen: &Seen| seen.nat().local.usable.iter().map(|usable| usable.outcome).collect::<Vec<_>>();
    assert_eq!(usable(&seen), [Tested::Unknown, Tested::Unknown]);
    let seen = seen.maps(&[(A, M)]);
    let tried = seen.clone().add(&NatFound::Family { family: Family::Ipv6, usable: Tested::Failed });
    assert_eq!(usable(&tried), [Tested::Passed, Tested::Failed]);
    let mut tried = tried;
    tried.local = at("[2606:4700::50]:4001");
    assert_eq!(usable(&tried.maps(&[("[2606:4700::1]:1", "[2606:4700::50]:4001")])), [Tested::Passed, Tested::Passed]);
}

#[test]
fn udp_is_blocked_where_two_hosts_are_silent_and_tcp_is_not() {
    let silent = |hosts: &[&str]| hosts.iter().fold(Seen::from(LAN), |seen, host| seen.told(Layer4::Udp, host, None));
    let tcp = |seen: Seen| seen.told(Layer4::Tcp, A, Some(M)).told(Layer4::Tcp, B, Some(M));
    let nat = tcp(silent(&[A, B])).packet(Layer4::Tcp, B, false, false).nat();
    assert_eq!(nat.status, NatStatus::UdpBlocked);
    assert!(remedies(&nat).contains(&RemedyCode::AllowUdp));
    let udp = nat.ipv4.unwrap().udp;
    assert_eq!((udp.mapping, udp.why.map(|why| why.code)), (Mapping::Unknown, Some(WhyCode::NotReached)));
    // One silent host may be to blame itself.
    assert_ne!(tcp(silent(&[A, A2])).nat().status, NatStatus::UdpBlocked);
    // Without TCP nothing shows that anything gets out.
    assert_ne!(silent(&[A, B]).nat().status, NatStatus::UdpBlocked);
    let reached = tcp(silent(&[A, B])).dial(Layer4::Tcp, M, Method::Dialback, false, Outcome::Passed).nat();
    assert_eq!(reached.status, NatStatus::Mapped);
    assert!(remedies(&reached).contains(&RemedyCode::AllowUdp));
}

#[test]
fn vantage_points_in_the_own_network_tell_nothing_of_the_internet() {
    let near = Seen::from(LAN).maps(&[("192.168.1.7:4011", LAN)]);
    let reached = near.clone().dial(Layer4::Udp, LAN, Method::Dialback, false, Outcome::Passed).nat();
    assert_eq!(reached.inbound[0].outcome, Tested::Passed);
    for nat in [near.nat(), reached] {
        assert_eq!(nat.status, NatStatus::Unknown);
        assert_eq!(nat.why.as_ref().map(|why| &why.code), Some(&WhyCode::PrivateScope));
    }
}

#[test]
fn contradicting_vantage_points_are_believed_neither() {
    let nat = Seen::from(LAN).maps(&[(A, M), (B, LIE)]).packet(Layer4::Udp, B, false, false).nat();
    assert_eq!(nat.status, NatStatus::Unknown);
    assert_eq!(nat.why.as_ref().map(|why| &why.code), Some(&WhyCode::VantagesDisagree));
}

#[test]
fn the_answers_about_an_address_stand_side_by_side() {
    let refused = Outcome::unknown(WhyCode::NotOffered);
    let nat = Seen::from(LAN)
        .maps(&[(A, M), (B, M)])
        .dial(Layer4::Tcp, M, Method::AutonatV2, false, refused.clone())
        .dial(Layer4::Tcp, M, Method::AutonatV1, true, Outcome::Passed)
        .dial(Layer4::Tcp, M, Method::Dialback, false, timed_out())
        .nat();
    assert_eq!(nat.inbound.len(), 1);
    assert_eq!(nat.inbound[0].by.len(), 3);
    assert_eq!((nat.inbound[0].outcome, nat.inbound[0].cause.clone()), (Tested::Failed, Some(Cause::TimedOut)));
    let asked = Seen::from(LAN).maps(&[(A, M)]).dial(Layer4::Tcp, M, Method::AutonatV2, false, refused.clone()).nat();
    assert_eq!((asked.inbound[0].outcome, asked.inbound[0].why.clone()), (Tested::Unknown, Some(WhyCode::NotOffered.into())));
}

#[test]
fn datagrams_that_arrive_promise_no_handshake() {
    let nat = Seen::from(LAN).maps(&[(A, M)]).dial(Layer4::Udp, M, Method::Datagrams, false, Outcome::Passed).nat();
    assert_eq!(nat.inbound[0].outcome, Tested::Unknown);
    let ours = Outcome::failed(Cause::LocalFault { errno: None });
    let nat = Seen::from(LAN).maps(&[(A, M)]).dial(Layer4::Udp, M, Method::Dialback, false, ours).nat();
    assert_eq!(nat.inbound[0].outcome, Tested::Unknown);
}

#[test]
fn the_best_family_counts_and_each_stands_by_itself() {
    let mut seen = Seen::from(LAN).maps(&[(A, M), (B, M)]).packet(Layer4::Udp, B, false, false);
    let own = "2606:4700::50".to_owned();
    seen = seen.add(&NatFound::Local {
        addresses: vec![
            LocalAddress { address: "192.168.1.5".into(), scope: Scope::Private },
            LocalAddress { address: own, scope: Scope::Public },
        ],
    });
    seen.local = at("[2606:4700::50]:4001");
    let v6 = seen.maps(&[("[2606:4700::1]:4011", "[2606:4700::50]:4001")]);
    let by = InboundBy {
        method: Method::Dialback,
        vantage: "v".into(),
        from: None,
        contacted_before: false,
        outcome: Outcome::Passed,
        stages: Vec::new(),
        message: None,
    };
    let dial = |outcome| {
        let by = InboundBy { outcome, ..by.clone() };
        NatFound::Inbound(InboundSeen { address: "/ip6/2606:4700::50/udp/4001/quic-v1".into(), transport: Transport::Quic, by })
    };
    let open = v6.clone().add(&dial(Outcome::Passed)).nat();
    assert_eq!(open.status, NatStatus::Public);
    assert_eq!(open.ipv4.unwrap().status, NatStatus::Nat);
    let shut = v6.add(&dial(timed_out())).nat();
    assert_eq!(shut.status, NatStatus::Firewalled);
    assert_eq!(shut.ipv6.unwrap().status, NatStatus::Firewalled);
}

#[test]
fn the_latest_hairpin_counts() {
    let seen = Seen::from(LAN).maps(&[(A, M)]);
    let hairpin = |result| NatFound::Hairpin { layer: Layer4::Udp, to: at(M), result };
    assert_eq!(seen.nat().ipv4.unwrap().udp.hairpin, Tested::Unknown);
    let nat = seen.add(&hairpin(Tested::Failed)).add(&hairpin(Tested::Passed)).nat();
    assert_eq!(nat.ipv4.unwrap().udp.hairpin, Tested::Passed);
}

#[test]
fn limits_of_the_machine_are_told() {
    let mut seen = Seen::from("[2606:4700::50]:4001").add(&NatFound::Nat64 { nat64: Nat64::Present, prefix: None });
    assert_eq!(remedies(&seen.nat()), [RemedyCode::UseNames]);
    let own = LocalAddress { address: "192.168.1.5".into(), scope: Scope::Private };
    seen.observed.local_network(&[own], Some(212_992));
    let nat = seen.maps(&[(A, M)]).nat();
    assert_eq!(nat.remedies.last().unwrap().command.as_deref(), Some("sysctl -w net.core.rmem_max=7500000"));
}

#[test]
fn a_dial_shows_an_address_and_no_behaviour() {
    let glimpsed = |own: &str, observed: &str| {
        let mut seen = Seen::from(own);
        let local = at(own);
        let told = seen.observed.glimpse(&format!("/ip4/{}/tcp/{}", local.ip(), local.port()), observed, "v");
        (told, seen.nat())
    };
    let (_, nat) = glimpsed(LAN, "/ip4/11.22.33.9/tcp/4001");
    let tcp = nat.ipv4.unwrap().tcp;
    assert_eq!((tcp.mapping, tcp.port_preserved, tcp.vantages), (Mapping::Unknown, Some(true), 1));
    assert_eq!(nat.status, NatStatus::Unknown);
    let (_, nat) = glimpsed(OWN, "/ip4/11.22.33.50/tcp/4001");
    assert_eq!((nat.status, nat.ipv4.unwrap().tcp.mapping), (NatStatus::Unknown, Mapping::None));
    // Peers on the own network show nothing, nor does one that tells nonsense.
    for observed in ["/ip4/192.168.1.5/tcp/4001", "/ip4/127.0.0.1/tcp/1", "/ip6/2606::1/tcp/1", "/ip4/11.22.33.9/udp/1", "x", ""]
    {
        let (told, nat) = glimpsed(LAN, observed);
        assert!(!told && nat.ipv4.is_none(), "{observed}");
    }
}

#[test]
fn nothing_seen_is_nothing_told() {
    let nat = Seen::from(LAN).nat();
    assert_eq!((nat.status, nat.ipv4, nat.ipv6), (NatStatus::Unknown, None, None));
    assert_eq!(nat.summary, "Whether peers can reach this machine was not tested.");
    assert!(nat.remedies.is_empty());
}

/// How somebody was asked, whether it had been sent to, and what it said.
type Answers<'a> = &'a [(Method, bool, Outcome)];

#[test]
fn autonat_counts_as_far_as_it_was_a_strangers() {
    use Method::{AutonatV1, AutonatV2};
    let cone = || Seen::from(LAN).maps(&[(A, M), (B, M)]);
    let dial_failed = || Outcome::failed(Cause::DialFailed);
    let refuses = || Outcome::unknown(WhyCode::VantageRefuses);
    let told = |answers: Answers<'_>| {
        let seen = answers
            .iter()
            .cloned()
            .fold(cone(), |seen, (method, contacted, outcome)| seen.dial(Layer4::Udp, M, method, contacted, outcome));
        let nat = seen.nat();
        (nat.status, nat.inbound[0].outcome, nat.inbound[0].by.len())
    };
    let table: [(Answers<'_>, NatStatus, Tested); 9] = [
        (&[(AutonatV2, false, Outcome::Passed)], NatStatus::Mapped, Tested::Passed),
        (&[(AutonatV1, false, Outcome::Passed)], NatStatus::Mapped, Tested::Passed),
        (&[(AutonatV1, true, Outcome::Passed)], NatStatus::Unknown, Tested::Unknown),
        (&[(AutonatV2, true, dial_failed())], NatStatus::Nat, Tested::Failed),
        (&[(AutonatV2, false, dial_failed())], NatStatus::Nat, Tested::Failed),
        (&[(AutonatV2, false, refuses()), (AutonatV1, false, refuses())], NatStatus::Unknown, Tested::Unknown),
        // The versions disagree, and vantage points do: what came in came in. Both answers stand.
        (&[(AutonatV2, false, Outcome::Passed), (AutonatV1, false, dial_failed())], NatStatus::Mapped, Tested::Passed),
        (&[(AutonatV2, false, dial_failed()), (AutonatV2, true, Outcome::Passed)], NatStatus::Nat, Tested::Failed),
        (&[(AutonatV2, false, refuses()), (AutonatV1, true, Outcome::Passed)], NatStatus::Unknown, Tested::Unknown),
    ];
    for (answers, status, outcome) in table {
        assert_eq!(told(answers), (status, outcome, answers.len()), "{answers:?}");
    }
}

#[test]
fn a_relay_that_gave_a_slot_is_named() {
    let relay = |outcome| {
        let relay = crate::model::Relay {
            via: "somebody".into(),
            outcome,
            expires: None,
            limit_ms: None,
            limit_bytes: None,
            addresses: Vec::new(),
        };
        let blocked = Seen::from(LAN).maps(&[(A, M), (B, M)]).packet(Layer4::Udp, B, false, false);
        let nat = blocked.add(&NatFound::Relay(relay)).nat();
        nat.remedies.iter().any(|remedy| remedy.code == RemedyCode::UseRelay && remedy.text.contains("somebody"))
    };
    assert!(relay(Outcome::Passed));
    assert!(!relay(Outcome::failed(Cause::RelayLimit)));
}

/// IPv4 is seen through the network's translator from a socket of IPv6: a NAT, and none in which a port could be forwarded.
#[test]
fn a_translator_is_a_nat_to_peers_of_ipv4() {
    let seen = Seen::from("[2606:4700::50]:4001").add(&NatFound::Nat64 { nat64: Nat64::Present, prefix: None });
    let seen = seen.maps(&[(A, M), (B, M)]).packet(Layer4::Udp, B, false, false).packet(Layer4::Udp, A, true, false);
    let nat = seen.nat();
    let v4 = nat.ipv4.as_ref().unwrap();
    assert_eq!((v4.status, v4.nat64, v4.udp.mapping), (NatStatus::Nat, true, Mapping::EndpointIndependent));
    assert!(nat.ipv6.is_none() && nat.summary.contains("NAT64"), "{}", nat.summary);
    assert_eq!(remedies(&nat), [RemedyCode::UseIpv6, RemedyCode::UseRelay, RemedyCode::UseHolePunching, RemedyCode::UseNames]);
    assert_eq!(nat.local.usable[0].outcome, Tested::Passed);
    assert!(!Seen::from(LAN).maps(&[(A, M), (B, M)]).nat().ipv4.unwrap().nat64);
}

#[test]
fn a_firewall_that_its_router_opens_is_to_be_opened_by_it() {
    let own = "[2606:4700::50]:4001";
    let far = ("[2606:4700::1]:4011", own);
    let seen = Seen::from(own).maps(&[far]).packet(Layer4::Udp, "[2606:4700::2]:9", false, false);
    let opened = |outcome, verified| {
        let mapping = PortMapping { verified, family: Family::Ipv6, ..PortMapping::new(Gateway::Pcp, outcome) };
        remedies(&seen.clone().add(&NatFound::PortMapping(mapping)).nat())[0].clone()
    };
    assert_eq!(seen.nat().status, NatStatus::Firewalled);
    assert_eq!(opened(Outcome::Passed, Some(true)), RemedyCode::UseUpnp);
    assert_eq!(opened(Outcome::Passed, None), RemedyCode::UseUpnp);
    assert_eq!(opened(Outcome::Passed, Some(false)), RemedyCode::OpenFirewall);
    let six = PortMapping { verified: Some(true), family: Family::Ipv6, ..PortMapping::new(Gateway::Pcp, Outcome::Passed) };
    let with_four = seen.clone().mapped(Gateway::Upnp, Outcome::Passed, Some(true)).add(&NatFound::PortMapping(six));
    assert!(with_four.nat().remedies[0].text.ends_with("It maps ports of IPv4 by UPnP too."), "{:?}", with_four.nat().remedies);
    assert_eq!(opened(Outcome::failed(Cause::GatewayRefused { error: 2 }), None), RemedyCode::OpenFirewall);
    // One for each family.
    let both = seen.mapped(Gateway::Pcp, Outcome::Passed, None);
    let six = PortMapping { family: Family::Ipv6, ..PortMapping::new(Gateway::Pcp, Outcome::Passed) };
    let told: Vec<_> = both.add(&NatFound::PortMapping(six)).nat().port_mapping.iter().map(|mapping| mapping.family).collect();
    assert_eq!(told, [Family::Ipv4, Family::Ipv6]);
}
