//! Ports that gateways map, and whether anybody came in through them.

use super::*;

const SIX: &str = "[2606:4700::50]:4001";

/// A port that a gateway mapped, of which `blocked` let nobody in.
fn mapped(external: &str, blocked: &[Layer4]) -> NatFound {
    let address = |layer: &Layer4| match layer {
        Layer4::Udp => format!("/ip4/{external}/udp/20001/quic-v1"),
        Layer4::Tcp => format!("/ip4/{external}/tcp/20001"),
    };
    NatFound::PortMapping(PortMapping {
        external: Some(external.into()),
        mapped: [Layer4::Udp, Layer4::Tcp].iter().map(address).collect(),
        blocked: blocked.iter().map(address).collect(),
        verified: Some(blocked.len() < 2),
        ..PortMapping::new(Gateway::Upnp, Outcome::Passed)
    })
}

fn shut(local: &str) -> Seen {
    Seen::from(local).maps(&[(A, M), (B, M)]).packet(Layer4::Udp, B, false, false)
}

/// A firewall before IPv6, beside whatever IPv4 is.
fn with_six(mut seen: Seen) -> Seen {
    let four = LocalAddress::new(at(LAN).ip());
    let six = LocalAddress::new(at(SIX).ip());
    seen = seen.add(&NatFound::Local { addresses: vec![four, six] });
    seen.local = at(SIX);
    seen.maps(&[("[2606:4700::1]:4011", SIX)]).packet_to(at(SIX), Layer4::Udp, "[2606:4700::2]:9", false, false)
}

#[test]
fn a_port_that_somebody_came_through_comes_first_whatever_the_network_is() {
    let blocked = [A, B].iter().fold(Seen::from(LAN), |seen, host| seen.helper(host).told(Layer4::Udp, host, None));
    let blocked = blocked.maps_over(Layer4::Tcp, &[(A, M), (B, M)]).packet(Layer4::Tcp, B, false, false);
    let cone = Seen::from(LAN).maps(&[(A, M), (B, M)]);
    let table = [
        ("a NAT", shut(LAN), "11.22.33.9", NatStatus::Nat),
        ("a carrier's NAT that speaks PCP", shut("100.64.1.5:4001"), "11.22.33.9", NatStatus::Cgnat),
        ("two NATs, the outer one forwards all", shut(LAN), "10.0.0.5", NatStatus::DoubleNat),
        ("two NATs with public addresses, the outer one forwards all", shut(LAN), "11.22.40.5", NatStatus::Nat),
        ("IPv6 behind a firewall", with_six(shut(LAN)), "11.22.33.9", NatStatus::Firewalled),
        ("no UDP", blocked, "11.22.33.9", NatStatus::UdpBlocked),
        ("too few vantage points", cone, "11.22.33.9", NatStatus::Unknown),
    ];
    for (name, seen, external, status) in table {
        let nat = seen.add(&mapped(external, &[])).nat();
        assert_eq!((nat.status, remedies(&nat)[0].clone()), (status, RemedyCode::UseUpnp), "{name}");
        // What was said to be of no help would be a contradiction.
        for code in [RemedyCode::AskProvider, RemedyCode::BridgeRouter, RemedyCode::ForwardPort] {
            assert!(!remedies(&nat).contains(&code), "{name}: {code:?}");
        }
        let other = external != "11.22.33.9";
        assert_eq!(nat.remedies[0].text.contains("announce 11.22.33.9"), other, "{name}: {}", nat.remedies[0].text);
        // Nor may the sentence be one.
        let denied = ["a relay is needed", "inbound fails"].iter().any(|words| nat.summary.contains(words));
        assert!(!denied, "{name}: {}", nat.summary);
    }
}

#[test]
fn one_protocol_that_comes_through_is_enough_and_the_other_is_named() {
    for (closed, open) in [(Layer4::Tcp, "UDP"), (Layer4::Udp, "TCP")] {
        let nat = shut(LAN).add(&mapped("11.22.33.9", &[closed])).nat();
        assert_eq!(remedies(&nat)[0], RemedyCode::UseUpnp);
        let said = format!("came through over {open}, but none over {closed}");
        assert!(nat.remedies[0].text.contains(&said), "{}", nat.remedies[0].text);
        assert!(nat.summary.contains(&format!("over {closed} not even so")), "{}", nat.summary);
    }
    let none = shut(LAN).add(&mapped("11.22.33.9", &[Layer4::Udp, Layer4::Tcp])).nat();
    assert_eq!(remedies(&none)[0], RemedyCode::AskProvider);
}

/// Peers of IPv4 alone are as many as ever.
#[test]
fn the_family_that_is_not_reached_has_its_own_remedy() {
    let nat = with_six(shut(LAN)).nat();
    assert_eq!(remedies(&nat)[..3], [RemedyCode::OpenFirewall, RemedyCode::ForwardPort, RemedyCode::UseRelay]);
    let six = with_six(Seen::from(LAN).maps(&[(A, M), (B, M)])).nat();
    assert_eq!(remedies(&six)[..2], [RemedyCode::OpenFirewall, RemedyCode::UseRelay]);
    let open = Seen::from(SIX).maps(&[("[2606:4700::1]:4011", SIX)]);
    let mut open = open.inbound("/ip6/2606:4700::50/udp/4001/quic-v1", "v", Method::Dialback, false, Outcome::Passed);
    open.local = at(LAN);
    let both = open.maps(&[(A, M), (B, M)]).packet_to(at(M), Layer4::Udp, B, false, false).add(&mapped("11.22.33.9", &[])).nat();
    assert_eq!(remedies(&both)[..2], [RemedyCode::AnnounceAddress, RemedyCode::UseUpnp]);
}
