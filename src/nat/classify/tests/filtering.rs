//! Filtering, by every combination that its table tells apart.

use super::*;

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
fn a_port_forwarded_by_hand_says_nothing_of_the_others() {
    // What arrives went to the listen port, and not to the address that the NAT gave.
    let nat = Seen::from(LAN).maps(&[(A, M2), (B, M3)]).packet_to(at(M), Layer4::Udp, B, false, true).nat();
    assert_eq!(nat.ipv4.unwrap().udp.filtering, Filtering::Unknown);
}

#[test]
fn datagrams_that_arrive_promise_no_handshake() {
    let nat = Seen::from(LAN).maps(&[(A, M)]).dial(Layer4::Udp, M, Method::Datagrams, false, Outcome::Passed).nat();
    assert_eq!(nat.inbound[0].outcome, Tested::Unknown);
    let ours = Outcome::failed(Cause::LocalFault { errno: None });
    let nat = Seen::from(LAN).maps(&[(A, M)]).dial(Layer4::Udp, M, Method::Dialback, false, ours).nat();
    assert_eq!(nat.inbound[0].outcome, Tested::Unknown);
}

/// Without any word on the mapping, packets to an own address show a filter, and to any other one nothing.
#[test]
fn packets_to_an_address_that_nobody_told_show_nothing() {
    let untold = |local: &str, to: &str| {
        let seen = Seen::from(local).told(Layer4::Tcp, A, Some(M)).told(Layer4::Tcp, B, Some(M));
        seen.packet_to(at(to), Layer4::Udp, B, false, true).nat().ipv4.unwrap().udp.filtering
    };
    assert_eq!(untold(LAN, M), Filtering::Unknown);
    assert_eq!(untold(OWN, OWN), Filtering::None);
}

/// What goes to an address that all others contradict goes elsewhere, and is kept out by nobody here.
#[test]
fn what_goes_to_a_wrong_address_shows_nothing() {
    let seen = Seen::from(OWN).maps(&[(A, LIE), (B, OWN), (C, OWN)]);
    let lost = seen.packet_to(at(LIE), Layer4::Udp, A, true, false);
    let lost = lost.dial(Layer4::Udp, LIE, Method::Dialback, true, timed_out());
    let nat = lost.nat();
    assert_eq!((nat.status, nat.ipv4.unwrap().udp.filtering), (NatStatus::Unknown, Filtering::Unknown));
    // At the right address it would show something.
    let kept = Seen::from(OWN).maps(&[(A, LIE), (B, OWN), (C, OWN)]).packet_to(at(OWN), Layer4::Udp, A, true, false);
    assert_eq!(kept.nat().status, NatStatus::Firewalled);
}

/// Something of its own may keep in what it sends, as a firewall that lets it answer and no more.
#[test]
fn a_vantage_point_that_comes_in_never_shows_no_filter() {
    let table =
        [(None, Filtering::AddressDependent), (Some(true), Filtering::AddressDependent), (Some(false), Filtering::Unknown)];
    for (local, told) in [(LAN, M), (OWN, OWN)] {
        for (later, expected) in table {
            let seen = Seen::from(local).maps(&[(A, told), (B, told)]);
            let seen = seen.packet(Layer4::Udp, "11.22.33.2:50000", false, false).packet(Layer4::Udp, A2, true, true);
            let seen = later.into_iter().fold(seen, |seen, arrives| seen.packet(Layer4::Udp, "11.22.33.2:50001", true, arrives));
            assert_eq!(seen.nat().ipv4.unwrap().udp.filtering, expected, "{local} {later:?}");
        }
    }
    // Where nobody comes in it is one that is kept out like the others.
    let shut = Seen::from(LAN).maps(&[(A, M), (B, M)]).packet(Layer4::Udp, "11.22.33.2:50000", false, false);
    let shut = shut.packet(Layer4::Udp, "11.22.33.2:50001", true, false).packet(Layer4::Udp, "11.22.33.1:50000", true, false);
    assert_eq!(shut.nat().ipv4.unwrap().udp.filtering, Filtering::AddressAndPortDependent);
}
