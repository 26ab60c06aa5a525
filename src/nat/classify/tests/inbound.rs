//! Dials from outside.

use super::*;

#[test]
fn on_an_own_address_a_vantage_point_that_was_sent_to_counts() {
    let nat = Seen::from(OWN).maps(&[(A, OWN)]).dial(Layer4::Udp, OWN, Method::AutonatV2, true, Outcome::Passed).nat();
    assert_eq!((nat.status, nat.inbound[0].outcome), (NatStatus::Public, Tested::Passed));
}

/// A firewall may let in who was sent to and nobody else, as a NAT may.
#[test]
fn where_a_stranger_failed_it_does_not() {
    let known = |seen: Seen| seen.dial(Layer4::Udp, OWN, Method::Dialback, true, Outcome::Passed);
    let strange =
        |method, outcome| known(Seen::from(OWN).maps(&[(A, OWN), (B, OWN)]).dial(Layer4::Udp, OWN, method, false, outcome));
    for method in [Method::Datagrams, Method::Dialback, Method::AutonatV2] {
        let nat = strange(method, timed_out()).nat();
        assert_eq!((nat.status, nat.inbound[0].outcome), (NatStatus::Firewalled, Tested::Failed), "{method}");
        assert_eq!(remedies(&nat)[0], RemedyCode::OpenFirewall);
    }
    // Its own failure says nothing, nor does that it refuses.
    for outcome in [Outcome::failed(Cause::LocalFault { errno: None }), Outcome::unknown(WhyCode::VantageRefuses)] {
        assert_eq!(strange(Method::Dialback, outcome).nat().status, NatStatus::Public);
    }
    assert_eq!(strange(Method::Dialback, Outcome::Passed).nat().status, NatStatus::Public);
    // It came through once it was sent to: neither shown to be let in nor to be kept out.
    let late = strange(Method::AutonatV2, Outcome::unknown(WhyCode::TooFewVantages)).nat();
    assert_eq!((late.status, late.inbound[0].outcome), (NatStatus::Unknown, Tested::Unknown));
}

/// What it sends may not leave it at all.
#[test]
fn a_stranger_that_answers_nothing_shows_neither() {
    let seen = Seen::from(OWN).maps(&[(A, OWN)]).answered(Layer4::Udp, B, None, Outcome::failed(Cause::UdpSilent));
    let by = |seen: Seen, vantage: &str, contacted_before, outcome| {
        let by = InboundBy {
            method: Method::Dialback,
            vantage: host(vantage),
            from: None,
            contacted_before,
            outcome,
            stages: Vec::new(),
            message: None,
        };
        seen.add(&NatFound::Inbound(InboundSeen {
            address: "/ip4/11.22.33.50/udp/4001/quic-v1".into(),
            transport: Transport::Quic,
            by,
        }))
    };
    let failed = by(seen, B, false, timed_out());
    assert_eq!(failed.nat().inbound[0].outcome, Tested::Unknown);
    let nat = by(failed, A, true, Outcome::Passed).nat();
    assert_eq!((nat.status, nat.inbound[0].outcome), (NatStatus::Unknown, Tested::Unknown));
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
fn vantage_points_in_the_own_network_tell_nothing_of_the_internet() {
    let near = Seen::from(LAN).maps(&[("192.168.1.7:4011", LAN)]);
    let reached = near.clone().dial(Layer4::Udp, LAN, Method::Dialback, false, Outcome::Passed).nat();
    assert_eq!(reached.inbound[0].outcome, Tested::Passed);
    for nat in [near.nat(), reached] {
        assert_eq!(nat.status, NatStatus::Unknown);
        assert_eq!(nat.why.as_ref().map(|why| &why.code), Some(&WhyCode::PrivateScope));
    }
}
