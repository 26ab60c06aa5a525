//! UDP that does not get out, or may not.

use super::*;

fn silent(seen: Seen, hosts: &[&str]) -> Seen {
    hosts.iter().fold(seen, |seen, host| seen.told(Layer4::Udp, host, None))
}

/// A NAT that lets nobody in over TCP.
fn tcp_shut(seen: Seen) -> Seen {
    seen.maps_over(Layer4::Tcp, &[(A, M), (B, M)]).packet_to(at(M), Layer4::Tcp, B, false, false)
}

/// A port that is announced may be shut at the other end.
#[test]
fn who_is_not_known_to_serve_udp_shows_nothing_by_silence() {
    let nat = tcp_shut(silent(Seen::from(LAN), &[A, B])).nat();
    assert_eq!(nat.status, NatStatus::Nat);
    assert!(nat.summary.contains("direct inbound fails (over UDP no vantage point answered)"), "{}", nat.summary);
    assert_eq!(nat.ipv4.as_ref().unwrap().udp.why, Some(WhyCode::NotReached.into()));
    assert!(!remedies(&nat).contains(&RemedyCode::AllowUdp) && remedies(&nat).contains(&RemedyCode::AddVantage));
    let by_stun = |seen: Seen, server: &str| {
        let (layer, local, to) = (Layer4::Udp, seen.local, at(server));
        let outcome = Outcome::failed(Cause::UdpSilent);
        seen.add(&NatFound::Mapping(MappingSeen { layer, local, vantage: server.into(), to, mapped: None, outcome }))
    };
    let table = [
        ("two announced, one STUN server", by_stun(silent(Seen::from(LAN), &[A, B]), C), NatStatus::Nat),
        ("one helper, one STUN server", by_stun(silent(Seen::from(LAN).helper(A), &[A]), C), NatStatus::UdpBlocked),
        ("two STUN servers", by_stun(by_stun(Seen::from(LAN), B), C), NatStatus::UdpBlocked),
        ("two helpers", silent(Seen::from(LAN).helper(A).helper(B), &[A, B]), NatStatus::UdpBlocked),
    ];
    for (name, seen, status) in table {
        assert_eq!(tcp_shut(seen).nat().status, status, "{name}");
    }
    // A connection over UDP from another port stood.
    let mut stood = tcp_shut(silent(Seen::from(LAN).helper(A).helper(B), &[A, B]));
    assert!(stood.observed.glimpse("/ip4/192.168.1.5/udp/1111/quic-v1", "/ip4/11.22.33.9/udp/1111/quic-v1", "v"));
    assert_eq!(stood.nat().status, NatStatus::Nat);
}

#[test]
fn what_is_blocked_says_nothing_of_what_is_not() {
    let blocked = || silent(Seen::from(LAN).helper(A).helper(B), &[A, B]).maps_over(Layer4::Tcp, &[(A, M), (B, M)]);
    let known = blocked().dial(Layer4::Tcp, M, Method::Dialback, true, Outcome::Passed);
    for untold in [blocked(), known] {
        let nat = untold.nat();
        assert_eq!((nat.status, remedies(&nat)), (NatStatus::UdpBlocked, vec![RemedyCode::AddVantage, RemedyCode::AllowUdp]));
        assert!(nat.summary.contains("could not be told") && !nat.summary.contains("fails"), "{}", nat.summary);
    }
    let shut = blocked().packet_to(at(M), Layer4::Tcp, B, false, false).nat();
    assert_eq!(remedies(&shut)[..2], [RemedyCode::ForwardPort, RemedyCode::UseRelay]);
    assert!(shut.summary.contains("direct inbound fails"), "{}", shut.summary);
}

#[test]
fn what_this_machine_forbids_is_told_to_be_its_own() {
    let forbids = |seen: Seen, to| seen.answered(Layer4::Udp, to, None, Outcome::failed(Cause::ForbiddenLocally));
    let nat = tcp_shut(forbids(Seen::from(LAN), A)).nat();
    assert_eq!(nat.status, NatStatus::UdpBlocked);
    assert!(nat.summary.contains("This machine itself lets no UDP out"), "{}", nat.summary);
    let remedy = nat.remedies.iter().find(|remedy| remedy.code == RemedyCode::AllowUdp).unwrap();
    assert!(remedy.text.contains("this machine's own"), "{}", remedy.text);
    // Who is only announced may be silent too; who answers, or is known to, was sent to.
    assert_eq!(tcp_shut(silent(forbids(Seen::from(LAN), A), &[B])).nat().status, NatStatus::UdpBlocked);
    assert_eq!(tcp_shut(silent(forbids(Seen::from(LAN).helper(B), A), &[B])).nat().status, NatStatus::Nat);
    assert_ne!(tcp_shut(forbids(Seen::from(LAN), A).maps(&[(B, M)])).nat().status, NatStatus::UdpBlocked);
    let open = forbids(Seen::from(OWN), A).maps_over(Layer4::Tcp, &[(A, OWN)]);
    let open = open.dial(Layer4::Tcp, OWN, Method::Dialback, false, Outcome::Passed).nat();
    assert_eq!((open.status, remedies(&open)), (NatStatus::Public, vec![RemedyCode::AnnounceAddress, RemedyCode::AllowUdp]));
    assert!(open.summary.contains("this machine itself lets no UDP out"), "{}", open.summary);
}
