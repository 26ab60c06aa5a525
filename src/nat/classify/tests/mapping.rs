//! Mapping, by every combination that its table tells apart.

use super::*;

#[test]
fn mapping_by_what_hosts_tell() {
    // The last: whether it rests on one vantage point.
    let table: [(Told, Mapping, Option<WhyCode>, bool); 16] = [
        (&[], Mapping::Unknown, Some(WhyCode::TooFewVantages), false),
        (&[(A, M)], Mapping::Unknown, Some(WhyCode::TooFewVantages), false),
        (&[(A, M), (A2, M)], Mapping::Unknown, Some(WhyCode::TooFewVantages), false),
        (&[(A, M), (B, M)], Mapping::EndpointIndependent, None, false),
        (&[(A, M), (A2, M), (B, M)], Mapping::EndpointIndependent, None, false),
        (&[(A, M), (A2, M2)], Mapping::AddressAndPortDependent, None, true),
        (&[(A, M), (A2, M2), (B, M3)], Mapping::AddressAndPortDependent, None, true),
        (&[(A, M), (A2, M2), (B, M3), (B2, M4)], Mapping::AddressAndPortDependent, None, false),
        (&[(A, M), (A2, M), (B, M2)], Mapping::AddressDependent, None, true),
        (&[(A, M), (A2, M), (B, M2), (C, M3)], Mapping::AddressDependent, None, false),
        (&[(A, M), (B, M2)], Mapping::EndpointDependent, None, true),
        (&[(A, M), (B, M2), (C, M3)], Mapping::EndpointDependent, None, false),
        // Two agree and one does not: no NAT does that.
        (&[(A, M), (B, M), (C, M2)], Mapping::Unknown, Some(WhyCode::VantagesDisagree), false),
        (&[(A, M), (B, LIE)], Mapping::Unknown, Some(WhyCode::VantagesDisagree), false),
        // A majority outweighs one that tells another IP address.
        (&[(A, M), (B, M), (C, LIE)], Mapping::EndpointIndependent, None, false),
        (&[(A, M), (A2, M), (B, LIE)], Mapping::Unknown, Some(WhyCode::VantagesDisagree), false),
    ];
    for (told, mapping, why, one_witness) in table {
        let nat = Seen::from(LAN).maps(told).packet(Layer4::Udp, C, false, false).nat();
        let udp = nat.ipv4.expect("measured").udp;
        assert_eq!((udp.mapping, udp.why.map(|why| why.code)), (mapping, why), "{told:?}");
        assert_eq!(udp.one_witness, one_witness, "{told:?}");
    }
}

/// It may tell a wrong port: alone, and where it contradicts a single other one.
#[test]
fn what_one_vantage_point_alone_tells_shows_nobody_to_be_kept_out() {
    let table: [(Told, WhyCode); 4] = [
        (&[(A, M), (A2, M2)], WhyCode::TooFewVantages),
        (&[(A, M), (B, M2)], WhyCode::VantagesDisagree),
        (&[(A, M), (A2, M), (B, M2)], WhyCode::VantagesDisagree),
        (&[(A, M), (A2, M), (B, M2), (B2, M3)], WhyCode::VantagesDisagree),
    ];
    for (told, why) in table {
        let nat = Seen::from(LAN).maps(told).nat();
        assert_eq!((nat.status, nat.why.as_ref().map(|why| &why.code)), (NatStatus::Unknown, Some(&why)), "{told:?}");
        assert_eq!(remedies(&nat)[0], RemedyCode::AddVantage, "{told:?}");
        let udp = nat.ipv4.unwrap().udp;
        assert_eq!((udp.one_witness, udp.hole_punch_predicted), (true, Prediction::Unknown), "{told:?}");
    }
    let shown: Told = &[(A, M), (B, M2), (C, M3)];
    let nat = Seen::from(LAN).maps(shown).nat();
    assert_eq!(nat.status, NatStatus::Nat);
    assert_eq!(nat.ipv4.unwrap().udp.hole_punch_predicted, Prediction::Unlikely);
}

/// A full cone, seen by one that tells a wrong port: packets to that go nowhere.
#[test]
fn a_wrong_port_shows_no_filter() {
    let lies = || Seen::from(LAN).maps(&[(A, M2), (A2, M2), (B, M)]);
    let tried = |seen: Seen| seen.packet_to(at(M2), Layer4::Udp, B, false, false).packet_to(at(M2), Layer4::Udp, A, true, false);
    let dialed = |seen: Seen, outcome| {
        seen.dial(Layer4::Udp, M2, Method::Datagrams, false, timed_out()).dial(Layer4::Udp, M, Method::Dialback, true, outcome)
    };
    let open = dialed(tried(lies()).packet_to(at(M), Layer4::Udp, B, true, true), Outcome::Passed).nat();
    let udp = open.ipv4.as_ref().unwrap().udp.clone();
    assert_eq!((open.status, udp.filtering, udp.one_witness), (NatStatus::Unknown, Filtering::Unknown, true));
    // Where nothing comes in at either address it does not matter who is right.
    let shut = dialed(tried(lies()).packet_to(at(M), Layer4::Udp, B, true, false), timed_out()).nat();
    assert_eq!(shut.ipv4.as_ref().unwrap().udp.filtering, Filtering::AddressAndPortDependent);
    assert_eq!(shut.status, NatStatus::Nat);
    assert!(shut.summary.contains("unless one vantage point tells a wrong port"), "{}", shut.summary);
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
fn contradicting_vantage_points_are_believed_neither() {
    let nat = Seen::from(LAN).maps(&[(A, M), (B, LIE)]).packet(Layer4::Udp, B, false, false).nat();
    assert_eq!(nat.status, NatStatus::Unknown);
    assert_eq!(nat.why.as_ref().map(|why| &why.code), Some(&WhyCode::VantagesDisagree));
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
