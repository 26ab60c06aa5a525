//! Vantage points on this side of what stands between.

use super::*;

const SIX: &str = "[2606:4700::50]:4001";
const NEAR: &str = "[2606:4700::7]:4011";
const FAR: &str = "[2606:4700:0:1::7]:4011";
const DIALED: &str = "/ip6/2606:4700::50/tcp/4001";

fn six() -> Seen {
    let own = LocalAddress { prefix: Some(64), ..LocalAddress::new(at(SIX).ip()) };
    Seen::from(SIX).add(&NatFound::Local { addresses: vec![own] })
}

fn passed_by(seen: Seen, address: &str, vantage: &str) -> Seen {
    seen.inbound(address, &host(vantage), Method::Dialback, false, Outcome::Passed)
}

/// Told, and dialed, by one vantage point.
fn by(seen: Seen, vantage: &str) -> Seen {
    passed_by(seen.helper(vantage).maps_over(Layer4::Tcp, &[(vantage, SIX)]), DIALED, vantage)
}

fn why(nat: &Nat) -> Option<WhyCode> {
    nat.why.as_ref().map(|why| why.code.clone())
}

/// The router's firewall is not between them.
#[test]
fn on_the_same_link_it_shows_nothing() {
    let nat = by(six(), NEAR).nat();
    assert_eq!(
        (nat.status, why(&nat), remedies(&nat)),
        (NatStatus::Unknown, Some(WhyCode::PrivateScope), vec![RemedyCode::AddVantage])
    );
    assert_eq!((nat.inbound[0].outcome, nat.inbound[0].why.clone()), (Tested::Unknown, Some(WhyCode::PrivateScope.into())));
    assert_eq!(by(six(), FAR).nat().status, NatStatus::Public);
    // What is not known to be one link is none.
    assert_eq!(by(Seen::from(SIX), NEAR).nat().status, NatStatus::Public);
    // Whoever is farther away says what there is to say.
    let shut = by(six(), NEAR).helper(FAR).maps_over(Layer4::Tcp, &[(FAR, SIX)]);
    let shut = shut.inbound(DIALED, &host(FAR), Method::Dialback, false, timed_out()).nat();
    assert_eq!((shut.status, shut.inbound[0].outcome), (NatStatus::Firewalled, Tested::Failed));
    // Nor does a packet from there show a filter.
    let packet = six().helper(NEAR).maps(&[(NEAR, SIX), (FAR, SIX)]).packet(Layer4::Udp, NEAR, false, true).nat();
    assert_eq!(packet.ipv6.unwrap().udp.filtering, Filtering::Unknown);
}

#[test]
fn on_this_very_machine_it_shows_nothing() {
    let own = "11.22.33.50:4011";
    let seen = Seen::from(OWN).helper(own).maps_over(Layer4::Tcp, &[(own, OWN)]);
    for method in [Method::AutonatV2, Method::AutonatV1, Method::Dialback, Method::Check] {
        let nat = seen.clone().inbound("/ip4/11.22.33.50/tcp/4001", &host(own), method, false, Outcome::Passed).nat();
        assert_eq!(
            (nat.status, why(&nat), nat.inbound[0].outcome),
            (NatStatus::Unknown, Some(WhyCode::PrivateScope), Tested::Unknown)
        );
    }
}

/// It is reached by hairpin, and dials by it.
#[test]
fn behind_the_same_nat_it_shows_nothing() {
    let same = "11.22.33.9:4011";
    let dialed = "/ip4/11.22.33.9/tcp/4001";
    let hairpin = |told: &str| passed_by(Seen::from(LAN).helper(same).maps_over(Layer4::Tcp, &[(same, told)]), dialed, same);
    assert_eq!(why(&hairpin(M).nat()), Some(WhyCode::PrivateScope));
    // It sees what the router makes of that, and another one knows the address outside.
    for told in [M, "192.168.1.1:4001", LAN] {
        let nat = hairpin(told).helper(A).maps_over(Layer4::Tcp, &[(A, M)]);
        let shut = nat.clone().inbound(dialed, &host(A), Method::Dialback, false, timed_out()).nat();
        assert_eq!((shut.status, shut.inbound[0].outcome), (NatStatus::Nat, Tested::Failed), "{told}");
        assert_eq!((nat.nat().status, nat.nat().inbound[0].outcome), (NatStatus::Unknown, Tested::Unknown), "{told}");
    }
    // An address that somebody else tells for ours, and that is another's, discredits nobody.
    let honest = Seen::from(LAN).maps_over(Layer4::Tcp, &[(A, "11.22.33.2:4001"), (B, M), (C, M)]);
    assert_eq!(passed_by(honest.clone(), dialed, B).nat().status, NatStatus::Mapped);
    let silent = Seen::from(LAN)
        .vantage(VantageKind::Helper, B, Some("11.22.33.9"))
        .maps_over(Layer4::Tcp, &[(A, "11.22.33.2:4001"), (C, M)]);
    assert_eq!(passed_by(silent, dialed, B).nat().inbound[0].outcome, Tested::Passed);
}

/// A partner was asked by nobody here: what is known of it is where it came from.
#[test]
fn a_partner_is_known_by_where_it_came_from() {
    let partner = |from: &str| {
        let by = InboundBy {
            method: Method::Dialback,
            vantage: "partner".into(),
            from: Some(from.into()),
            contacted_before: false,
            outcome: Outcome::Passed,
            stages: Vec::new(),
            message: None,
        };
        let seen = six().helper(FAR).maps_over(Layer4::Tcp, &[(FAR, SIX)]);
        seen.add(&NatFound::Inbound(InboundSeen { address: DIALED.into(), transport: Transport::Tcp, by })).nat().status
    };
    assert_eq!(partner("/ip6/2606:4700::8"), NatStatus::Unknown);
    assert_eq!(partner("/ip6/2606:4700:0:2::8"), NatStatus::Public);
}

/// Whoever asks there asks about that network.
#[test]
fn a_private_network_is_told_as_it_is() {
    let own = LocalAddress { prefix: Some(24), ..LocalAddress::new(at(LAN).ip()) };
    let seen = Seen::from(LAN).add(&NatFound::Local { addresses: vec![own] }).maps(&[("192.168.1.7:4011", LAN)]);
    let nat = seen.dial(Layer4::Udp, LAN, Method::Dialback, false, Outcome::Passed).nat();
    assert_eq!((nat.inbound[0].outcome, why(&nat)), (Tested::Passed, Some(WhyCode::PrivateScope)));
}
