//! Corrected addresses.

use super::*;
use crate::diagnose::addresses::of_url;
use crate::model::Answered;
use StageName::{Secure, Tls, Upgrade};

/// The address of the first hint that gives one.
fn mended(address: &str, step: StageName, cause: Cause) -> Option<String> {
    let verdict = Run::new().dial(Dial::new(address).fails(step, cause)).verdict();
    let address = verdict.hints.into_iter().find_map(|hint| hint.address)?;
    Some(address.strip_suffix(&format!("/p2p/{NAMED}")).map_or(address.clone(), str::to_owned))
}

#[test]
fn the_form_that_fits() {
    let not_tls = |speaks: &str| Cause::NotTls { speaks: Some(speaks.into()) };
    let not_http = |speaks: &str| Cause::NotHttp { speaks: Some(speaks.into()) };
    let not_libp2p = |speaks: &str| Cause::NotLibp2p { speaks: Some(speaks.into()) };
    let names = |names: &[&str]| Cause::CertificateWrongName { names: names.iter().map(|name| (*name).into()).collect() };
    let table = [
        ("/ip4/8.8.4.4/tcp/80/wss", Tls, not_tls("HTTP"), Some("/ip4/8.8.4.4/tcp/80/ws")),
        ("/dns4/a.example/tcp/80/tls/sni/b.example/ws", Tls, not_tls("HTTP"), Some("/dns4/a.example/tcp/80/ws")),
        ("/ip4/8.8.4.4/tcp/4001/wss", Tls, not_tls("multistream-select"), Some("/ip4/8.8.4.4/tcp/4001")),
        ("/ip4/8.8.4.4/tcp/4001/wss", Tls, not_tls("SSH"), None),
        ("/ip4/8.8.4.4/tcp/443/ws", Upgrade, not_http("TLS"), Some("/ip4/8.8.4.4/tcp/443/wss")),
        ("/ip4/8.8.4.4/tcp/4001/ws", Upgrade, not_http("multistream-select"), Some("/ip4/8.8.4.4/tcp/4001")),
        ("/ip4/8.8.4.4/tcp/4001", Secure, not_libp2p("HTTP"), Some("/ip4/8.8.4.4/tcp/4001/ws")),
        ("/ip4/8.8.4.4/tcp/443", Secure, not_libp2p("TLS"), Some("/ip4/8.8.4.4/tcp/443/wss")),
        ("/ip4/8.8.4.4/tcp/22", Secure, not_libp2p("SSH"), None),
        ("/ip6/2606:4700::1/tcp/443/wss", Tls, names(&["*.a.example", "b.example"]), Some("/dns6/b.example/tcp/443/wss")),
        ("/dns/a.example/tcp/443/wss", Tls, names(&["b.example"]), Some("/dns/b.example/tcp/443/wss")),
        ("/ip4/8.8.4.4/tcp/443/tls/sni/a.example/ws", Tls, names(&["b.example"]), Some("/dns4/b.example/tcp/443/tls/ws")),
        ("/ip4/8.8.4.4/tcp/443/wss", Tls, names(&["*.a.example", "10.0.0.1"]), None),
        (
            "/ip4/8.8.4.4/tcp/443/wss",
            Tls,
            names(&["*.k51abc.libp2p.direct"]),
            Some("/dns4/8-8-4-4.k51abc.libp2p.direct/tcp/443/wss"),
        ),
        (
            "/ip6/2606:4700::/tcp/443/wss",
            Tls,
            names(&["*.k51abc.libp2p.direct"]),
            Some("/dns6/2606-4700--0.k51abc.libp2p.direct/tcp/443/wss"),
        ),
        ("/ip4/8.8.4.4/tcp/443/wss", Tls, names(&["evil name; rm -rf"]), None),
    ];
    for (address, step, cause, expected) in table {
        let case = format!("{address} {cause:?}");
        assert_eq!(mended(address, step, cause).as_deref(), expected, "{case}");
    }
}

#[test]
fn the_peer_of_the_address_gives_way_to_the_one_that_answers() {
    let wrong = Cause::WrongPeer { actual: OTHER.into() };
    let address = format!("/ip4/8.8.4.4/tcp/4001/p2p/{NAMED}");
    assert_eq!(mended(&address, Secure, wrong), Some(format!("/ip4/8.8.4.4/tcp/4001/p2p/{OTHER}")));
    assert_eq!(mended(&address, Secure, Cause::WrongPeer { actual: "no peer ID".into() }), None);
}

#[test]
fn redirects() {
    let table = [
        ("https://a.example/", Some("/dns/a.example/tcp/443/wss")),
        ("http://a.example:8080", Some("/dns/a.example/tcp/8080/ws")),
        ("wss://8.8.4.4/", Some("/ip4/8.8.4.4/tcp/443/wss")),
        ("WS://[2606:4700::1]:81/", Some("/ip6/2606:4700::1/tcp/81/ws")),
        ("https://a.example/ws", None),
        ("https://user@a.example/", None),
        ("https://a.example:port/", None),
        ("ftp://a.example/", None),
        ("/login", None),
        ("https://", None),
        ("https://a b.example/", None),
    ];
    for (url, expected) in table {
        assert_eq!(of_url(url, None).as_deref(), expected, "{url}");
    }
}

#[test]
fn commands_are_safe_to_paste() {
    let dangerous = Target { kind: TargetKind::Peer, input: "/unix/$(reboot)".into(), peer: None };
    let verdict = Run::on(dangerous).dial(Dial::new("/ip4/10.0.0.1/tcp/1").skipped(WhyCode::PrivateScope)).verdict();
    assert_eq!((hints(&verdict), verdict.hints[0].command.as_deref()), (vec!["allow-private"], None));
    let plain = Run::new().dial(Dial::new("/ip4/10.0.0.1/tcp/1").skipped(WhyCode::PrivateScope)).verdict();
    assert_eq!(plain.hints[0].command.as_deref(), Some("p2p-probe dial --private /dns4/node.example.org/tcp/4001"));
}

#[test]
fn a_certhash_that_was_learned_makes_the_address_whole() {
    let mut shown = certificate(&[], "2027-01-01T00:00:00.000Z");
    if let Some(certificate) = &mut shown.certificate {
        certificate.fingerprint = format!("sha256:{}", "09".repeat(32));
    }
    let bare = "/ip4/8.8.4.4/udp/4001/webrtc-direct";
    let works = |address| {
        let steps = [StageName::Connect, StageName::Dtls, StageName::Channel, StageName::Secure];
        let found = |step| if step == StageName::Dtls { shown.clone() } else { Found::default() };
        steps.into_iter().fold(Dial::new(address), |dial, step| dial.step(step, Outcome::Passed, found(step)))
    };
    let verdict = Run::new().dial(works(bare)).verdict();
    let whole = format!("{bare}/certhash/uEiAJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ/p2p/{NAMED}");
    assert_eq!(verdict.hints.iter().find_map(|hint| hint.address.clone()), Some(whole.clone()));
    assert_eq!(Run::new().dial(works(&whole)).verdict().hints, []);
}

#[test]
fn a_peer_of_version_1_alone_is_warned_of() {
    let address = "/ip4/8.8.4.4/udp/4001/webrtc-direct/certhash/uEiAJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ";
    let yes = Some(true);
    let table = [
        ((yes, None, Some(3)), true),
        // What one packet lost would make just as well.
        ((yes, None, None), false),
        ((yes, yes, None), false),
        ((None, yes, Some(3)), false),
        ((None, None, None), false),
    ];
    let dial = |(v1, v2, unanswered)| {
        let found = Found { versions: Some(Answered { v1, v2, unanswered }), ..Found::default() };
        Dial::new(address).works().step(StageName::Ping, Outcome::Passed, found)
    };
    for (answered, warned) in table {
        let verdict = Run::new().dial(dial(answered)).verdict();
        assert_eq!(warnings(&verdict).contains(&"webrtc-v1-only"), warned, "{answered:?}");
    }
    let beside = Run::new().dial(dial((yes, None, Some(3)))).dial(dial((None, yes, None))).verdict();
    assert!(!warnings(&beside).contains(&"webrtc-v1-only"), "another attempt was answered in version 2");
}

#[test]
fn a_version_that_is_not_spoken_is_told_from_silence() {
    let address = "/ip4/8.8.4.4/udp/4001/webrtc-direct/certhash/uEiAJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ";
    let asked = |v1, v2, unanswered| {
        let found = Found { versions: Some(Answered { v1, v2, unanswered }), ..Found::default() };
        Run::new().dial(Dial::new(address).fails_with(StageName::Connect, Cause::TimedOut, found)).verdict()
    };
    let yes = Some(true);
    let old = asked(yes, None, Some(3));
    assert_eq!(
        (old.code.code(), hints(&old), warnings(&old)),
        ("no-common-protocol", vec!["use-other-version"], vec!["webrtc-v1-only"])
    );
    assert!(old.summary.contains("in version 1 of webrtc-direct, not in version 2"), "{}", old.summary);
    let found = Found { versions: Some(Answered { v1: yes, v2: None, unanswered: Some(3) }), ..Found::default() };
    let stalled = Dial::new(address).step(StageName::Connect, Outcome::Passed, found.clone());
    let stalled = stalled.step(StageName::Dtls, Outcome::failed(Cause::TimedOut), Found::default());
    let both = Run::new().dial(stalled).dial(Dial::new(address).fails_with(StageName::Connect, Cause::TimedOut, found)).verdict();
    assert_eq!(hints(&both), ["check-udp", "update-peer"], "it was dialed in version 1 already");
    let new = asked(None, yes, Some(3));
    assert_eq!((new.code.code(), hints(&new), warnings(&new)), ("no-common-protocol", vec!["use-other-version"], vec![]));
    let too_few = asked(yes, None, None);
    assert_eq!((too_few.code.code(), hints(&too_few), warnings(&too_few)), ("stalled", vec!["check-port"], vec![]));
    assert!(too_few.summary.starts_with("Something answers on UDP port 4001 of 8.8.4.4, but not as"), "{}", too_few.summary);
}

/// A silent peer and one of version 1 alone are the same to a browser that cannot ask in it.
#[test]
fn what_a_browser_cannot_ask_is_not_told_of_the_peer() {
    let address = "/ip4/8.8.4.4/udp/4001/webrtc-direct/certhash/uEiAJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ";
    let refused = || Dial::new(address).fails(StageName::Connect, Cause::IceCredentialsRefused);
    let either = Run::new().dial(refused()).verdict();
    assert_eq!((either.code.code(), hints(&either)), ("inconclusive", vec!["use-terminal"]));
    let said = |verdict: &Verdict| verdict.hints[0].text.clone();
    assert!(said(&either).contains("Version 2 of webrtc-direct was asked and not answered; version 1 could not be asked here"));
    let one = Run::new().dial(refused().version("v1")).verdict();
    assert!(!said(&one).contains("not answered"), "nothing was asked: {}", said(&one));
}

#[test]
fn a_version_that_is_silent_where_the_other_answers_is_no_matter_of_firewalls() {
    let address = "/ip4/8.8.4.4/udp/4001/webrtc-direct/certhash/uEiAJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ";
    let silent = || Dial::new(address).fails(StageName::Connect, Cause::UdpSilent);
    let beside = Run::new().dial(Dial::new(address).works()).dial(silent()).verdict();
    assert!(!hints(&beside).contains(&"check-udp"), "{:?}", beside.hints);
    assert!(hints(&Run::new().dial(silent()).verdict()).contains(&"check-udp"));
}

#[test]
fn a_handshake_that_breaks_names_the_implementation_where_it_shows() {
    let address = "/ip4/8.8.4.4/udp/4001/webrtc-direct/certhash/uEiAJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ";
    let names_it = |issuer: &str, version: &str, cause| {
        let mut shown = Found { version: Some(version.into()), ..certificate(&[], "4096-01-01T00:00:00.000Z") };
        shown.certificate.as_mut().unwrap().issuer = issuer.into();
        let dial = Dial::new(address).step(StageName::Connect, Outcome::Passed, Found::default());
        let dial =
            dial.step(StageName::Dtls, Outcome::Passed, shown).step(StageName::Channel, Outcome::failed(cause), Found::default());
        Run::new().dial(dial).verdict().hints.iter().any(|hint| hint.text.contains("libp2p-webrtc"))
    };
    let failed = || Cause::ChannelFailed { what: "closed".into() };
    let rcgen = "CN=rcgen self signed cert";
    for cause in [failed(), Cause::TimedOut, Cause::Reset] {
        assert!(names_it(rcgen, "DTLSv1.2", cause));
    }
    assert!(!names_it(rcgen, "DTLSv1.3", failed()));
    assert!(!names_it("CN=WebRTC", "DTLSv1.2", failed()));
}

/// It takes whoever asks from several addresses for several dialers; from here it is asked from one.
#[test]
fn an_implementation_that_others_do_not_get_through_to_is_named() {
    let address = "/ip4/8.8.4.4/udp/4001/webrtc-direct/certhash/uEiAJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ";
    let warned = |issuer: &str, version: &str| {
        let mut shown = Found { version: Some(version.into()), ..certificate(&[], "4096-01-01T00:00:00.000Z") };
        shown.certificate.as_mut().unwrap().issuer = issuer.into();
        let dial = Dial::new(address).step(StageName::Connect, Outcome::Passed, Found::default());
        let dial = dial.step(StageName::Dtls, Outcome::Passed, shown).step(StageName::Channel, Outcome::Passed, Found::default());
        let peer = Found { peer: Some(NAMED.into()), ..Found::default() };
        let verdict = Run::new().dial(dial.step(Secure, Outcome::Passed, peer)).verdict();
        assert_eq!(verdict.code.code(), "reachable");
        warnings(&verdict).contains(&"webrtc-mixes-dialers")
    };
    assert!(warned("CN=rcgen self signed cert", "DTLSv1.2"));
    assert!(!warned("CN=rcgen self signed cert", "DTLSv1.3") && !warned("CN=WebRTC", "DTLSv1.2"));
}
