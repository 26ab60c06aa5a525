//! The cases of real networks: field-notes.md by its numbers.

use super::*;
use crate::model::RuntimeKind;
use StageName::{Connect, Dtls, Identify, Multiplex, Ping, Resolve, Secure, Tls, Upgrade};

const TCP: &str = "/ip4/8.8.4.4/tcp/4001";
const QUIC: &str = "/ip4/8.8.4.4/udp/4001/quic-v1";

#[test]
fn case_14_and_16_announces_private() {
    let announced = ["/ip4/10.0.0.4/tcp/4001", "/ip4/127.0.0.1/tcp/4001", "/ip4/100.64.0.9/tcp/4001", TCP];
    let on = |address: &str| Run::new().dial(Dial::new(address).works()).announces(&announced, announced.len());
    let verdict = on(TCP).dial(Dial::new(announced[0]).announced().skipped(WhyCode::PrivateScope)).verdict();
    assert_eq!((warnings(&verdict), hints(&verdict)), (vec!["announces-private"], vec!["announce-public"]));
    let text = &verdict.warnings[0].text;
    assert!(text.contains("3 addresses") && text.contains(announced[0]) && text.contains("not dialed"), "{text}");
    assert_eq!(verdict.warnings[0].attempts, [2]);
    for inside in ["/ip4/127.0.0.1/tcp/4001", "/ip4/10.0.0.4/tcp/4001", "/ip4/100.64.0.9/tcp/4001"] {
        assert_eq!(warnings(&on(inside).verdict()), Vec::<&str>::new(), "{inside}");
    }
}

#[test]
fn case_15_announces_dead() {
    let announced = ["/ip4/8.8.4.4/tcp/1", "/ip4/8.8.8.8/tcp/2", "/ip4/8.8.8.8/tcp/3", TCP];
    let run = Run::new().dial(Dial::new(TCP).works()).announces(&announced, announced.len());
    let run = run.dial(Dial::new(announced[0]).announced().fails(Connect, Cause::Refused));
    let run = run.dial(Dial::new(announced[1]).announced().fails(Connect, Cause::TimedOut));
    let verdict = run.dial(Dial::new(announced[2]).announced().fails(Connect, Cause::LocalFault { errno: None })).verdict();
    assert_eq!((verdict.code.code(), warnings(&verdict)), ("reachable", vec!["announces-dead"]));
    // The one that this machine could not dial is neither dead nor alive.
    assert!(verdict.warnings[0].text.starts_with("Of 3 addresses announced and dialed, 2 do not work"), "{verdict:?}");
    assert_eq!(verdict.warnings[0].attempts, [2, 3]);
}

#[test]
fn case_18_udp_silent_while_tcp_works() {
    let announced = Run::new().dial(Dial::new(TCP).works()).announces(&[QUIC], 1);
    let announced = announced.dial(Dial::new(QUIC).announced().fails(Connect, Cause::UdpSilent)).verdict();
    assert_eq!(warnings(&announced), ["announces-dead", "udp-silent-tcp-works"]);
    assert_eq!((announced.code.code(), hints(&announced)), ("reachable", vec!["check-udp"]));
    let own = |cause| Run::new().dial(Dial::new(TCP).works()).dial(Dial::new(QUIC).fails(Connect, cause)).verdict();
    let silent = own(Cause::UdpSilent);
    assert_eq!((silent.code.code(), warnings(&silent)), ("partly-reachable", vec!["udp-silent-tcp-works"]));
    let answered = own(Cause::TimedOut);
    assert_eq!((answered.code.code(), warnings(&answered)), ("partly-reachable", vec![]), "a datagram came");
    let elsewhere = Dial::new("/ip4/8.8.8.8/udp/4001/quic-v1").fails(Connect, Cause::UdpSilent);
    assert_eq!(warnings(&Run::new().dial(Dial::new(TCP).works()).dial(elsewhere).verdict()), Vec::<&str>::new());
}

#[test]
fn case_19_udp_buffer() {
    let run =
        |address: &str, buffer| Run::new().network(&["192.168.1.5"], Some(buffer)).dial(Dial::new(address).works()).verdict();
    let small = run(QUIC, 212_992);
    assert_eq!(warnings(&small), ["udp-buffer-small"]);
    assert!(small.warnings[0].text.contains("212992"));
    assert_eq!(small.warnings[0].command.as_deref(), Some("sysctl -w net.core.rmem_max=7500000"));
    for fine in [run(QUIC, 7_500_000), run(TCP, 212_992), run("/ip4/127.0.0.1/udp/1/quic-v1", 212_992)] {
        assert_eq!(warnings(&fine), Vec::<&str>::new());
    }
}

#[test]
fn case_20_draft_quic() {
    let draft = "/ip4/8.8.4.4/udp/4001/quic";
    let unsupported = || Cause::UnsupportedAddress { part: "/quic".into() };
    let verdict = Run::new().dial(Dial::new(draft).refused_by_plan(unsupported())).verdict();
    assert_eq!((verdict.code.code(), hints(&verdict)), ("unsupported-address", vec!["use-quic-v1"]));
    assert_eq!(verdict.hints[0].address, Some(format!("{QUIC}/p2p/{NAMED}")));
    assert!(verdict.summary.contains("draft-29"));
    let announced = Run::new().dial(Dial::new(TCP).works()).announces(&[draft, QUIC], 2);
    let announced = announced.dial(Dial::new(draft).announced().refused_by_plan(unsupported())).verdict();
    assert_eq!(warnings(&announced), ["announces-draft-quic"]);
    assert_eq!(announced.warnings[0].address.as_deref(), Some(QUIC));
}

#[test]
fn case_21_ipv6_only() {
    let v6_only = || Run::new().network(&["2001:db8::5"], None).dial(Dial::new(TCP).skipped(WhyCode::NoLocalFamily));
    let alone = v6_only().verdict();
    assert_eq!((alone.code.code(), alone.ok), ("inconclusive", None));
    assert!(hints(&alone).contains(&"use-name") && warnings(&alone).contains(&"family-missing"), "{alone:?}");
    let other = v6_only().dial(Dial::new("/ip6/2606:4700::1/tcp/4001").works()).verdict();
    assert_eq!((other.code.code(), warnings(&other), hints(&other)), ("reachable", vec!["family-missing"], vec!["use-name"]));
    assert!(other.warnings[0].text.contains("no IPv4"), "{other:?}");
    // Without any network there is nothing that could be translated.
    let none = Run::new().network(&[], None).dial(Dial::new(TCP).skipped(WhyCode::NoLocalFamily)).verdict();
    assert_eq!((none.code.code(), hints(&none)), ("local-network-down", vec!["check-local-network"]));
}

#[test]
fn case_22_certificate_without_the_ip() {
    let wrong = Cause::CertificateWrongName { names: vec!["node.example.org".into()] };
    let verdict = Run::new().dial(Dial::new("/ip4/8.8.4.4/tcp/443/wss").fails(Tls, wrong).goes_on()).verdict();
    assert_eq!((verdict.code.code(), hints(&verdict)), ("certificate-problem", vec!["dial-by-name"]));
    assert_eq!(verdict.hints[0].address, Some(format!("/dns4/node.example.org/tcp/443/wss/p2p/{NAMED}")));
    assert_eq!(verdict.summary, "The certificate is for node.example.org; the address was dialed by its IPv4 address.");
}

#[test]
fn case_23_self_signed() {
    let untrusted = Cause::CertificateUntrusted { issuer: Some("CN=myself".into()) };
    let verdict = Run::new().dial(Dial::new("/dns4/node.example.org/tcp/443/wss").fails(Tls, untrusted).goes_on()).verdict();
    assert_eq!((verdict.code.code(), hints(&verdict)), ("certificate-problem", vec!["use-trusted-certificate"]));
    assert_eq!(verdict.summary, "The certificate is signed by CN=myself, which this machine does not trust.");
}

#[test]
fn case_24_proxies() {
    let found = Found { server: Some("nginx".into()), status: Some(404), ..Found::default() };
    let refused = Cause::HttpStatus { status: 404, location: None };
    let verdict = Run::new().dial(Dial::new("/ip4/8.8.4.4/tcp/80/ws").fails_with(Upgrade, refused, found)).verdict();
    assert_eq!((verdict.code.code(), hints(&verdict)), ("upgrade-refused", vec!["configure-proxy"]));
    assert_eq!(verdict.summary, "nginx answers HTTP 404 instead of switching to WebSocket.");
    for cause in [Cause::Closed, Cause::Reset] {
        let verdict = Run::new().dial(Dial::new(TCP).fails(Secure, cause)).verdict();
        assert_eq!((verdict.code.code(), hints(&verdict)), ("dropped-after-accept", vec!["check-backend", "check-limits"]));
        assert!(verdict.summary.contains("before libp2p begins (multistream-select)"), "{}", verdict.summary);
    }
}

#[test]
fn case_31_wrong_peer() {
    let wrong = || Cause::WrongPeer { actual: OTHER.into() };
    let verdict = Run::new().dial(Dial::new("/dns4/node.example.org/tcp/4001").remote(TCP).fails(Secure, wrong())).verdict();
    assert_eq!((verdict.code.code(), hints(&verdict)), ("wrong-peer", vec!["use-actual-peer"]));
    let address = format!("/dns4/node.example.org/tcp/4001/p2p/{OTHER}");
    assert_eq!(verdict.hints[0].command, Some(format!("p2p-probe dial {address}")));
    assert_eq!(verdict.hints[0].address, Some(address));
    assert!(verdict.summary.contains(OTHER));
    let beside = Run::new().dial(Dial::new(QUIC).works()).dial(Dial::new(TCP).fails(Secure, wrong())).verdict();
    assert_eq!((beside.code.code(), warnings(&beside)), ("partly-reachable", vec!["other-peer-answers"]));
}

#[test]
fn case_32_names_and_keys() {
    let name = "/dns4/node.example.org/tcp/4001";
    let run = Run::new().dial(Dial::new(name).remote(TCP).works());
    let each = run.dial(Dial::new(name).remote("/ip4/8.8.8.8/tcp/4001").fails(Connect, Cause::Refused)).verdict();
    assert_eq!((each.code.code(), &*each.evidence), ("partly-reachable", [1, 2].as_slice()));
    assert_eq!(each.summary, "tcp works at 8.8.4.4, fails at 8.8.8.8.");
    let key = Run::new().dial(Dial::new(TCP).fails(Secure, Cause::UnsupportedKey { kind: "rsa".into() })).verdict();
    assert_eq!(key.summary, "The peer's key is of a type that p2p-probe cannot verify: rsa.");
    let none = Run::new()
        .dial(Dial::new("/dns6/node.example.org/tcp/1").fails(Resolve, Cause::NameHasNoAddress { family: "ipv6".into() }));
    assert_eq!(none.verdict().summary, "node.example.org has no IPv6 address.");
}

#[test]
fn case_34_certificates_that_end() {
    let auto = ["*.k51abc.libp2p.direct"];
    let address = "/dns4/8-8-4-4.k51abc.libp2p.direct/tcp/443/tls/ws";
    let dial = |not_after: &str| {
        let mut dial = Dial::new(address).works();
        dial.steps[1].2 = certificate(&auto, not_after);
        Run::new().dial(dial).verdict()
    };
    let soon = dial("2026-11-09T00:00:00.000Z");
    assert_eq!((soon.code.code(), warnings(&soon)), ("reachable", vec!["certificate-expires-soon"]));
    let text = &soon.warnings[0].text;
    assert!(text.contains("2026-11-09, in 3 days") && text.contains("AutoTLS"), "{text}");
    assert_eq!(warnings(&dial("2026-11-20T00:00:00.000Z")), Vec::<&str>::new());
    let ended = Cause::CertificateExpired { not_after: Some(Stamp("2026-11-02T00:00:00.000Z".into())) };
    let stale = Dial::new(address).fails_with(Tls, ended, certificate(&auto, "2026-11-02T00:00:00.000Z")).goes_on();
    let stale = Run::new().dial(stale).verdict();
    assert_eq!((stale.code.code(), warnings(&stale)), ("certificate-problem", vec![]));
    assert!(stale.hints[0].text.contains("AutoTLS"), "{stale:?}");
}

#[test]
fn steps_after_the_connection_warn() {
    let failing =
        |step, cause| Run::new().dial(Dial::new(TCP).works().step(step, Outcome::failed(cause), Found::default())).verdict();
    let identify = failing(Identify, Cause::Malformed);
    assert_eq!((identify.code.code(), warnings(&identify)), ("reachable", vec!["identify-failed"]));
    assert!(identify.warnings[0].text.contains("malformed"), "{identify:?}");
    assert_eq!(warnings(&failing(Ping, Cause::TimedOut)), ["ping-failed"]);
    assert_eq!(warnings(&failing(Ping, Cause::Interrupted)), Vec::<&str>::new());
    let found = Found { responder_stall_ms: Some(Micros(1_003_000)), ..Found::default() };
    let stalls = Run::new().dial(Dial::new(QUIC).works().step(Ping, Outcome::Passed, found)).verdict();
    assert_eq!(warnings(&stalls), ["responder-stalls"]);
    assert!(stalls.warnings[0].text.contains("1003.0 ms"), "{stalls:?}");
}

#[test]
fn announces_too_many() {
    let run = Run::new().dial(Dial::new(TCP).works()).announces(&[TCP], 1000).verdict();
    assert_eq!(warnings(&run), ["announces-too-many"]);
    assert!(run.warnings[0].text.contains("1000"));
}

#[test]
fn a_peer_that_nobody_named_is_told() {
    let run = Run::on(Target { kind: TargetKind::Peer, input: TCP.into(), peer: None });
    let verdict = run.dial(Dial::new(TCP).works()).verdict();
    assert_eq!(verdict.summary, format!("tcp works; the peer is {NAMED}."));
}

#[test]
fn a_certificate_problem_tells_what_lies_beyond() {
    let ended = Cause::CertificateExpired { not_after: Some(Stamp("2026-11-02T00:00:00.000Z".into())) };
    let dial = Dial::new("/dns4/node.example.org/tcp/443/wss").fails(Tls, ended).step(Upgrade, Outcome::Passed, Found::default());
    let dial =
        dial.step(Secure, Outcome::Passed, Found::default()).step(Multiplex, Outcome::failed(Cause::Closed), Found::default());
    let verdict = Run::new().dial(dial).verdict();
    assert_eq!(verdict.code.code(), "certificate-problem");
    assert_eq!(
        verdict.summary,
        "The certificate expired on 2026-11-02; renew it; beyond that: the other side closed the connection."
    );
    assert_eq!(hints(&verdict), ["renew-certificate", "check-limits"]);
}

/// A page opens a WebSocket in one step, and of silence in it nobody can tell how far it came.
#[test]
fn silence_in_a_step_that_covers_others_is_not_told() {
    let ws = "/ip4/8.8.4.4/tcp/4001/ws";
    let covers = Found { covers: Some(vec![Connect]), ..Found::default() };
    let covering = Run::new().dial(Dial::new(ws).fails_with(Upgrade, Cause::TimedOut, covers)).verdict();
    assert_eq!(covering.code.code(), "inconclusive");
    let alone = Run::new().dial(Dial::new(ws).fails(Upgrade, Cause::TimedOut)).verdict();
    assert_eq!(alone.code.code(), "stalled");
}

#[test]
fn firefox_on_loopback_is_named_where_it_is_the_reason() {
    let hint = |agent: &str, ip: &str, step| {
        let mut run = Run::new().dial(Dial::new(&format!("/ip4/{ip}/udp/4001/webrtc-direct")).fails(step, Cause::Opaque));
        if let Fact::RunStarted { tool, .. } = &mut run.facts[0] {
            *tool = Tool { user_agent: Some(agent.into()), ..Tool::this(RuntimeKind::Browser) };
        }
        run.verdict().hints.remove(0)
    };
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let chromium = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
    let named = |agent, ip, step| hint(agent, ip, step).text.contains("Firefox");
    assert!(named(firefox, "127.0.0.1", Connect));
    assert!(
        !named(chromium, "127.0.0.1", Connect) && !named(firefox, "192.168.1.5", Connect) && !named(firefox, "127.0.0.1", Dtls)
    );
    assert_eq!(hint(firefox, "127.0.0.1", Connect).code.code(), "use-terminal");
}
