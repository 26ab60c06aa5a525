//! What would help.

use super::*;

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

#[test]
fn limits_of_the_machine_are_told() {
    let mut seen = Seen::from("[2606:4700::50]:4001").add(&NatFound::Nat64 { nat64: Nat64::Present, prefix: None });
    assert_eq!(remedies(&seen.nat()), [RemedyCode::UseNames]);
    let own = LocalAddress::new(at(LAN).ip());
    seen.observed.local_network(&[own], Some(212_992));
    let nat = seen.maps(&[(A, M)]).nat();
    assert_eq!(nat.remedies.last().unwrap().command.as_deref(), Some("sysctl -w net.core.rmem_max=7500000"));
}

/// A stranger that comes in and breaks off.
fn half_of(seen: Seen, layer: Layer4, outside: &str) -> Seen {
    let seen = seen.packet_to(at(outside), layer, C, false, true);
    seen.dial(layer, outside, Method::Dialback, false, Outcome::failed(Cause::Closed))
}

#[test]
fn the_protocol_that_is_kept_out_is_opened_by_itself() {
    let table = [
        (OWN, OWN, Layer4::Tcp, Layer4::Udp, RemedyCode::OpenFirewall),
        (OWN, OWN, Layer4::Udp, Layer4::Tcp, RemedyCode::OpenFirewall),
        (LAN, M, Layer4::Tcp, Layer4::Udp, RemedyCode::ForwardPort),
        (LAN, M, Layer4::Udp, Layer4::Tcp, RemedyCode::ForwardPort),
    ];
    for (local, outside, open, closed, code) in table {
        let seen =
            Seen::from(local).maps_over(open, &[(A, outside), (B, outside)]).maps_over(closed, &[(A, outside), (B, outside)]);
        let seen = seen.dial(open, outside, Method::Dialback, false, Outcome::Passed);
        let half = seen.clone().dial(closed, outside, Method::Dialback, false, timed_out()).nat();
        assert_eq!(remedies(&half), [RemedyCode::AnnounceAddress, code], "{local} {closed}");
        assert!(half.remedies[1].text.contains(&format!("for {closed} too")), "{}", half.remedies[1].text);
        // Who was let in and failed later was kept out by no firewall.
        let broken = half_of(seen.clone(), closed, outside).nat();
        assert_eq!(remedies(&broken), [RemedyCode::AnnounceAddress], "{local} {closed}");
        // What was not tested is not told to be shut.
        assert_eq!(remedies(&seen.clone().nat()), [RemedyCode::AnnounceAddress]);
        let both = seen.dial(closed, outside, Method::Dialback, false, Outcome::Passed).nat();
        assert_eq!(remedies(&both), [RemedyCode::AnnounceAddress]);
    }
}

#[test]
fn an_address_that_is_replaced_is_none_to_announce() {
    let own = "[2606:4700::aaaa]:4001";
    let address =
        |ip: &str, prefix, temporary| LocalAddress { prefix: Some(prefix), temporary, ..LocalAddress::new(ip.parse().unwrap()) };
    let announced = |addresses: Vec<LocalAddress>| {
        let seen = Seen::from(own).maps(&[("[2606:4700:1::1]:4011", own)]).add(&NatFound::Local { addresses });
        let dialed = "/ip6/2606:4700::aaaa/udp/4001/quic-v1";
        let nat = seen.inbound(dialed, "v", Method::Dialback, false, Outcome::Passed).nat();
        assert_eq!((nat.status, remedies(&nat)), (NatStatus::Public, vec![RemedyCode::AnnounceAddress]));
        nat.remedies.into_iter().next().unwrap()
    };
    let (temporary, lasting) = (address("2606:4700::aaaa", 64, true), address("2606:4700::50", 64, false));
    let told = announced(vec![temporary.clone(), lasting]);
    assert!(told.address.is_none() && told.text.contains("announce 2606:4700::50 "), "{told:?}");
    let elsewhere = announced(vec![temporary, address("2606:4700:2::50", 64, false), address("fd00::50", 64, false)]);
    assert!(elsewhere.address.is_none() && elsewhere.text.contains("announce one that stays"), "{elsewhere:?}");
    assert!(announced(vec![address("2606:4700::aaaa", 64, false)]).address.is_some());
}

#[test]
fn a_node_that_nobody_could_dial_is_named() {
    let untold = Outcome::unknown(WhyCode::TooFewVantages);
    let seen = Seen::from(OWN).maps(&[(A, OWN)]).dial(Layer4::Udp, OWN, Method::Dialback, false, Outcome::Passed);
    let nat = seen.inbound("/ip6/::/tcp/4001", "nobody", Method::Check, false, untold).nat();
    assert_eq!((nat.status, remedies(&nat)), (NatStatus::Public, vec![RemedyCode::AnnounceAddress, RemedyCode::AddVantage]));
    assert!(nat.remedies[1].text.contains("/ip6/::/tcp/4001") && nat.remedies[1].text.contains("IPv6"), "{:?}", nat.remedies[1]);
}
