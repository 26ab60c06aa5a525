//! What stands between, and the sentence that says so.

use super::*;

#[test]
fn no_nat_and_reached_is_public() {
    let nat = Seen::from(OWN)
        .maps(&[(A, OWN), (B, OWN)])
        .dial(Layer4::Udp, OWN, Method::Dialback, false, Outcome::Passed)
        .dial(Layer4::Tcp, OWN, Method::Dialback, false, timed_out())
        .nat();
    assert_eq!(nat.status, NatStatus::Public);
    assert!(nat.summary.contains("quic, not tcp"), "{}", nat.summary);
    assert_eq!(remedies(&nat), [RemedyCode::AnnounceAddress, RemedyCode::OpenFirewall]);
    assert!(nat.remedies[1].text.contains("for TCP too"), "{:?}", nat.remedies[1]);
    assert_eq!(nat.ipv4.unwrap().udp.hole_punch_predicted, Prediction::NotNeeded);
}

#[test]
fn reached_through_a_nat_is_mapped() {
    let nat = Seen::from(LAN).maps(&[(A, M), (B, M)]).dial(Layer4::Udp, M, Method::Dialback, false, Outcome::Passed).nat();
    assert_eq!(nat.status, NatStatus::Mapped);
    assert_eq!(nat.remedies[0].address.as_deref(), Some("/ip4/11.22.33.9/udp/4001/quic-v1"));
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
    let symmetric = blocked(Seen::from(LAN).maps(&[(A, M2), (A2, M3), (B, M), (B2, M4)])).nat();
    assert_eq!(symmetric.status, NatStatus::Nat);
    assert!(symmetric.summary.contains("maps per destination"), "{}", symmetric.summary);
    assert!(symmetric.summary.contains("hole punching is unlikely; a relay is needed"), "{}", symmetric.summary);
    assert_eq!(remedies(&symmetric), [RemedyCode::ForwardPort, RemedyCode::UseRelay, RemedyCode::DoNotAnnounce]);
}

#[test]
fn a_symmetric_nat_is_told_by_mapping_alone() {
    assert_eq!(Seen::from(LAN).maps(&[(A, M), (B, M2), (C, M3)]).nat().status, NatStatus::Nat);
}

/// Filtering is apart from mapping: it may let everybody in, at an address that one peer is told and nobody else learns of.
#[test]
fn an_address_that_one_peer_is_told_is_none_to_announce() {
    let told: Told = &[(A, M2), (A2, M3), (B, M4), (B2, M)];
    let open = |seen: Seen| {
        let seen = seen.packet_to(at(M2), Layer4::Udp, B, false, true).packet_to(at(M2), Layer4::Udp, A, true, true);
        seen.dial(Layer4::Udp, M2, Method::Dialback, false, Outcome::Passed)
    };
    let nat = open(Seen::from(LAN).maps(told)).nat();
    assert_eq!((nat.status, nat.inbound[0].outcome), (NatStatus::Nat, Tested::Passed));
    assert!(nat.summary.contains("peers have no address to dial"), "{}", nat.summary);
    assert_eq!(remedies(&nat), [RemedyCode::ForwardPort, RemedyCode::UseRelay, RemedyCode::DoNotAnnounce]);
    let udp = nat.ipv4.unwrap().udp;
    assert_eq!((udp.filtering, udp.hole_punch_predicted), (Filtering::EndpointIndependent, Prediction::Unknown));
    // Who was sent to comes in at another such address: that tells no more.
    let known = open(Seen::from(LAN).maps(told)).dial(Layer4::Udp, M4, Method::Dialback, true, Outcome::Passed).nat();
    assert_eq!(known.status, NatStatus::Nat);
    // A port that was forwarded lasts, and so does one of the other protocol.
    let forwarded = open(Seen::from(LAN).maps(told)).dial(Layer4::Udp, M, Method::Dialback, false, Outcome::Passed).nat();
    assert_eq!((forwarded.status, remedies(&forwarded)[0].clone()), (NatStatus::Mapped, RemedyCode::AnnounceAddress));
    assert!(forwarded.remedies[0].text.contains("/udp/4001/"), "{:?}", forwarded.remedies[0]);
    let tcp = open(Seen::from(LAN).maps(told)).dial(Layer4::Tcp, M, Method::Dialback, false, Outcome::Passed).nat();
    assert_eq!(tcp.status, NatStatus::Mapped);
    assert!(tcp.summary.contains("tcp, not quic"), "{}", tcp.summary);
    // Whether it is such an address one vantage point alone does not show.
    let unsure = open(Seen::from(LAN).maps(&[(A, M2), (B, M3)])).nat();
    assert_eq!((unsure.status, remedies(&unsure)[0].clone()), (NatStatus::Unknown, RemedyCode::AddVantage));
}

/// What was not tested does not fail.
#[test]
fn a_protocol_that_was_not_tested_is_named() {
    let shut = |seen: Seen| {
        seen.maps(&[(A, M), (B, M)]).packet(Layer4::Udp, B, false, false).dial(
            Layer4::Udp,
            M,
            Method::Datagrams,
            false,
            timed_out(),
        )
    };
    let limited = Outcome::unknown(WhyCode::OverLimit);
    let nat = shut(Seen::from(LAN)).dial(Layer4::Tcp, M, Method::Dialback, false, limited.clone()).nat();
    assert!(nat.summary.contains("direct inbound fails (over TCP it could not be told)"), "{}", nat.summary);
    let both = shut(Seen::from(LAN)).dial(Layer4::Tcp, M, Method::Dialback, false, timed_out()).nat();
    assert!(both.summary.contains("direct inbound fails, "), "{}", both.summary);
    let own = Seen::from(OWN).maps(&[(A, OWN), (B, OWN)]).dial(Layer4::Udp, OWN, Method::Datagrams, false, timed_out());
    assert!(own.nat().summary.contains("drops what comes in (over TCP it was not tested)"), "{}", own.nat().summary);
    let reached = own.dial(Layer4::Tcp, OWN, Method::Dialback, false, Outcome::Passed);
    assert!(reached.nat().summary.contains("tcp, not quic"), "{}", reached.nat().summary);
    let open = Seen::from(OWN).maps(&[(A, OWN)]).dial(Layer4::Udp, OWN, Method::Dialback, false, Outcome::Passed);
    let open = open.dial(Layer4::Tcp, OWN, Method::Dialback, false, limited).nat();
    assert!(open.summary.contains("quic, of tcp it could not be told"), "{}", open.summary);
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
    // Another line, or a NAT with public addresses: both are said.
    let other = blocked(LAN, M).gateway(Outcome::Passed, Some("11.22.33.77")).nat();
    assert_eq!((other.status, remedies(&other)[0].clone()), (NatStatus::Nat, RemedyCode::ForwardPort));
    for said in ["11.22.33.77", "11.22.33.9", "another line", "behind a NAT"] {
        assert!(other.remedies[0].text.contains(said), "{}", other.remedies[0].text);
    }
    assert_eq!(blocked(LAN, M).gateway(Outcome::Passed, Some("11.22.33.9")).nat().status, NatStatus::Nat);
    assert_eq!(remedies(&blocked(carrier, M).nat())[0], RemedyCode::AskProvider);
}

#[test]
fn udp_is_blocked_where_two_hosts_are_silent_and_tcp_is_not() {
    let silent =
        |hosts: &[&str]| hosts.iter().fold(Seen::from(LAN), |seen, host| seen.helper(host).told(Layer4::Udp, host, None));
    let tcp = |seen: Seen| seen.told(Layer4::Tcp, A, Some(M)).told(Layer4::Tcp, B, Some(M));
    let nat = tcp(silent(&[A, B])).packet(Layer4::Tcp, B, false, false).nat();
    assert_eq!(nat.status, NatStatus::UdpBlocked);
    assert!(remedies(&nat).contains(&RemedyCode::AllowUdp));
    let udp = nat.ipv4.unwrap().udp;
    assert_eq!((udp.mapping, udp.why.map(|why| why.code)), (Mapping::Unknown, Some(WhyCode::NotReached)));
    // One silent host may be to blame itself.
    assert_ne!(tcp(silent(&[A, A2])).nat().status, NatStatus::UdpBlocked);
    // Whoever answers, if only to turn the connection away, was sent to.
    for cause in [Cause::Closed, Cause::QuicFailed { alert: None }, Cause::Malformed, Cause::TimedOut] {
        let answers = silent(&[A, B]).answered(Layer4::Udp, C, None, Outcome::failed(cause.clone()));
        let nat = tcp(answers).packet(Layer4::Tcp, B, false, false).nat();
        assert_eq!(nat.status, NatStatus::Nat, "{cause:?}");
        assert!(!remedies(&nat).contains(&RemedyCode::AllowUdp), "{cause:?}");
        let answered = |seen: Seen, to| seen.answered(Layer4::Udp, to, None, Outcome::failed(cause.clone()));
        assert_ne!(tcp(answered(answered(Seen::from(LAN), A), B)).nat().status, NatStatus::UdpBlocked, "{cause:?}");
    }
    // A dial that came in was answered from here.
    let dialed = tcp(silent(&[A, B])).dial(Layer4::Udp, M, Method::Check, false, Outcome::Passed).nat();
    assert!(!remedies(&dialed).contains(&RemedyCode::AllowUdp));
    // Without TCP nothing shows that anything gets out.
    assert_ne!(silent(&[A, B]).nat().status, NatStatus::UdpBlocked);
    let reached = tcp(silent(&[A, B])).dial(Layer4::Tcp, M, Method::Dialback, false, Outcome::Passed).nat();
    assert_eq!(reached.status, NatStatus::Mapped);
    assert!(remedies(&reached).contains(&RemedyCode::AllowUdp));
}

#[test]
fn the_best_family_counts_and_each_stands_by_itself() {
    let mut seen = Seen::from(LAN).maps(&[(A, M), (B, M)]).packet(Layer4::Udp, B, false, false);
    let own = "2606:4700::50".to_owned();
    seen =
        seen.add(&NatFound::Local { addresses: vec![LocalAddress::new(at(LAN).ip()), LocalAddress::new(own.parse().unwrap())] });
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
fn nothing_seen_is_nothing_told() {
    let nat = Seen::from(LAN).nat();
    assert_eq!((nat.status, nat.ipv4, nat.ipv6), (NatStatus::Unknown, None, None));
    assert_eq!(nat.summary, "Whether peers can reach this machine was not tested.");
    assert!(nat.remedies.is_empty());
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
