//! Lines that are not a router with one NAT: a carrier's, a tunnel, several at a time.

use super::*;

fn shut(local: &str) -> Seen {
    Seen::from(local).maps(&[(A, M), (B, M)]).packet(Layer4::Udp, B, false, false)
}

fn with(seen: Seen, addresses: Vec<LocalAddress>) -> Seen {
    seen.add(&NatFound::Local { addresses })
}

/// DS-Lite and 464XLAT: own addresses of the translator, or a gateway's.
#[test]
fn a_translator_of_the_carriers_is_a_carriers_nat() {
    for local in ["192.0.0.1:4001", "192.0.0.2:4001", "192.0.0.7:4001"] {
        let nat = shut(local).nat();
        assert_eq!((nat.status, remedies(&nat)[0].clone()), (NatStatus::Cgnat, RemedyCode::AskProvider), "{local}");
        assert!(nat.remedies[0].text.contains("DS-Lite"), "{}", nat.remedies[0].text);
    }
    let gateway = shut(LAN).gateway(Outcome::Passed, Some("192.0.0.2"));
    assert_eq!(gateway.nat().status, NatStatus::Cgnat);
    // Another use of that block.
    assert_eq!(shut("192.0.0.9:4001").nat().status, NatStatus::Nat);
    // Its interface may be a tunnel, and IPv6 leads past it.
    let own = LocalAddress { tunnel: true, ..LocalAddress::new(at("192.0.0.4:1").ip()) };
    let six = LocalAddress::new("2606:4700::50".parse().unwrap());
    let nat = with(shut("192.0.0.4:4001"), vec![own, six]).nat();
    assert_eq!(nat.status, NatStatus::Cgnat);
    assert_eq!(remedies(&nat)[..2], [RemedyCode::UseIpv6, RemedyCode::AskProvider]);
}

#[test]
fn a_carriers_nat_is_none_of_ipv6() {
    let carrier = "100.64.1.5:4001";
    let own = |six: &str| vec![LocalAddress::new(at(carrier).ip()), LocalAddress::new(six.parse().unwrap())];
    let nat = with(shut(carrier), own("2606:4700::50"));
    assert_eq!(remedies(&nat.nat())[..2], [RemedyCode::UseIpv6, RemedyCode::AskProvider]);
    let dead = nat.add(&NatFound::Family { family: Family::Ipv6, usable: Tested::Failed }).nat();
    assert_eq!(remedies(&dead)[0], RemedyCode::AskProvider);
    assert_eq!(remedies(&with(shut(carrier), own("fd00::5")).nat())[0], RemedyCode::AskProvider);
}

#[test]
fn what_stands_at_a_tunnels_other_end_is_not_the_router() {
    for local in ["10.8.0.5:4001", "100.100.1.5:4001"] {
        let own = |tunnel| vec![LocalAddress { tunnel, ..LocalAddress::new(at(local).ip()) }];
        // The gateway is that of the network which the tunnel leads past.
        for gateway in [None, Some("11.22.33.77"), Some("10.0.0.5"), Some("100.64.1.5")] {
            let nat = with(shut(local), own(true)).gateway(Outcome::Passed, gateway).nat();
            assert_eq!((nat.status, remedies(&nat)[0].clone()), (NatStatus::Nat, RemedyCode::LeaveTunnel), "{local} {gateway:?}");
            assert!(nat.summary.contains("The default route is a tunnel"), "{}", nat.summary);
            for code in [RemedyCode::ForwardPort, RemedyCode::AskProvider, RemedyCode::UseUpnp] {
                assert!(!remedies(&nat).contains(&code), "{local} {gateway:?}");
            }
        }
        assert!(!remedies(&with(shut(local), own(false)).nat()).contains(&RemedyCode::LeaveTunnel));
    }
    // A carrier's address outside is one all the same.
    let own = vec![LocalAddress { tunnel: true, ..LocalAddress::new(at("10.8.0.5:1").ip()) }];
    let told = Seen::from("10.8.0.5:4001").maps(&[(A, "100.64.1.5:4001")]).packet(Layer4::Udp, B, false, false);
    let nat = with(told, own).nat();
    assert_eq!((nat.status, remedies(&nat)[0].clone()), (NatStatus::Cgnat, RemedyCode::LeaveTunnel));
}

#[test]
fn several_lines_at_a_time_are_no_lack_of_vantage_points() {
    let refuses = |seen: Seen, method| seen.dial(Layer4::Udp, M, method, false, Outcome::unknown(WhyCode::VantagesDisagree));
    let why = |nat: &Nat| nat.why.as_ref().map(|why| why.code.clone());
    // Its connection is seen elsewhere than the socket under test.
    let one = || Seen::from(LAN).vantage(VantageKind::Helper, A, Some("11.22.33.77")).maps(&[(A, M), (B, M)]);
    for seen in [one(), refuses(one(), Method::Datagrams)] {
        let nat = seen.nat();
        assert_eq!((nat.status, why(&nat)), (NatStatus::Unknown, Some(WhyCode::VantagesDisagree)));
        assert_eq!(remedies(&nat), [RemedyCode::UseRelay]);
        assert!(nat.summary.contains("11.22.33.9 and 11.22.33.77"), "{}", nat.summary);
    }
    // A refusal alone says as much, but that a server says it came and did not.
    let cone = || Seen::from(LAN).maps(&[(A, M), (B, M)]);
    assert_eq!(why(&refuses(cone(), Method::Datagrams).nat()), Some(WhyCode::VantagesDisagree));
    assert_eq!(why(&refuses(cone(), Method::AutonatV2).nat()), Some(WhyCode::TooFewVantages));
    // A proxy takes TCP elsewhere than UDP goes.
    let proxy = cone().maps_over(Layer4::Tcp, &[(C, LIE)]);
    assert_eq!(why(&proxy.nat()), Some(WhyCode::VantagesDisagree));
    // What keeps strangers out is known however many lines there are.
    assert_eq!(one().packet(Layer4::Udp, B, false, false).nat().status, NatStatus::Nat);
}
