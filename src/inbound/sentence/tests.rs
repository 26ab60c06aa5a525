//! What is said of each kind of dialer.

use super::*;
use crate::model::{Direction, Found, Micros, Source, WhyCode};

const ID: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";

fn stage(name: StageName, outcome: Outcome, found: Found) -> Stage {
    Stage { outcome, found, ..Stage::begun(name, None, Micros(0)) }
}

fn attempt(transport: Transport, outcome: Outcome, stages: Vec<Stage>) -> Attempt {
    Attempt {
        id: 7,
        direction: Direction::Inbound,
        source: Source::Own,
        transport: Some(transport),
        address: "/ip4/127.0.0.1/tcp/4011".into(),
        remote: Some("/ip4/127.0.0.1/tcp/50000".into()),
        names: vec![],
        version: None,
        outcome,
        start_ms: Some(Micros(0)),
        elapsed_ms: Some(Micros(1)),
        stages,
    }
}

fn failed(transport: Transport, at: StageName, cause: &Cause, found: Found, message: Option<&str>) -> String {
    let mut stage = stage(at, Outcome::failed(cause.clone()), found);
    stage.message = message.map(Into::into);
    sentence(&attempt(transport, Outcome::failed(cause.clone()), vec![stage]), None)
}

fn proposed() -> Found {
    Found { protocol: Some("/noise".into()), ..Found::default() }
}

#[test]
fn failures() {
    use StageName::{Connect, Multiplex, Secure, Tls, Upgrade};
    use Transport::{Quic, Tcp, Ws, Wss};
    let none = Found::default;
    let not_libp2p = |speaks: Option<&str>| Cause::NotLibp2p { speaks: speaks.map(Into::into) };
    let table = [
        (Tcp, Secure, not_libp2p(Some("HTTP")), none(), None, "spoke HTTP, not libp2p: WebSocket has a port of its own"),
        (Tcp, Secure, not_libp2p(Some("SSH")), none(), None, "spoke SSH, not libp2p"),
        (Tcp, Secure, not_libp2p(None), none(), Some("\u{1b}[2J"), "spoke something else than libp2p (\\u{1b}[2J)"),
        (
            Tcp,
            Secure,
            Cause::Closed,
            proposed(),
            None,
            "closed at secure: the usual sign of a dialer that expected another peer ID",
        ),
        (
            Tcp,
            Secure,
            Cause::Closed,
            none(),
            None,
            "closed at secure, before it proposed anything: a port scan or a health check",
        ),
        (Tcp, Secure, Cause::TimedOut, none(), None, "silent at secure until its time was over"),
        (
            Tcp,
            Multiplex,
            Cause::Reset,
            none(),
            None,
            "reset at multiplex, after it had seen who we are: the usual sign of a dialer that expected another peer ID",
        ),
        (
            Tcp,
            Secure,
            Cause::NoCommonProtocol { offered: Some(vec!["/noise".into()]) },
            none(),
            Some("/plaintext/2.0.0"),
            "asked at secure for /plaintext/2.0.0 (served: /noise)",
        ),
        (Quic, Connect, Cause::QuicFailed { alert: Some(42) }, none(), None, REFUSED),
        (Tcp, Secure, Cause::HandshakeFailed { what: "an alert".into(), alert: Some(49) }, proposed(), None, REFUSED),
        (
            Tcp,
            Secure,
            Cause::HandshakeFailed { what: "garbage".into(), alert: None },
            proposed(),
            None,
            "failed at secure: garbage",
        ),
        (Quic, Connect, Cause::QuicFailed { alert: Some(120) }, none(), None, "speaks QUIC, but not libp2p (no common ALPN)"),
        (
            Ws,
            Upgrade,
            Cause::NotHttp { speaks: Some("multistream-select".into()) },
            none(),
            None,
            "spoke libp2p over bare TCP, not a WebSocket: the address it dialed lacks its WebSocket part",
        ),
        (
            Ws,
            Upgrade,
            Cause::HttpStatus { status: 426, location: None },
            none(),
            None,
            "spoke HTTP and did not ask for a WebSocket (answered 426)",
        ),
        (
            Wss,
            Tls,
            Cause::TlsFailed { alert: Some("unknown_ca".into()) },
            none(),
            None,
            "failed at tls with the alert unknown_ca: most often it does not trust the certificate",
        ),
        (
            Wss,
            Tls,
            Cause::Closed,
            Found { protocol: Some("TLS".into()), ..none() },
            None,
            "closed at tls: most often it does not trust the certificate",
        ),
        (Wss, Tls, Cause::Reset, none(), None, "reset at tls, before it said anything: a port scan or a health check"),
        (Wss, Tls, Cause::NotTls { speaks: Some("HTTP".into()) }, none(), None, "spoke HTTP, not TLS"),
    ];
    for (transport, at, cause, found, message, expected) in table {
        assert_eq!(failed(transport, at, &cause, found, message), expected);
    }
}

#[test]
fn failures_over_webrtc() {
    use StageName::{Channel, Connect, Dtls, Secure};
    let table = [
        (
            Dtls,
            Cause::DtlsFailed { alert: Some(42) },
            "refused our certificate, by DTLS alert 42: the usual sign of a dialer whose address has another certhash than ours",
        ),
        (Dtls, Cause::DtlsFailed { alert: Some(40) }, "failed in the DTLS handshake (alert 40)"),
        (
            Connect,
            Cause::TimedOut,
            "asked by STUN, was answered, and never began DTLS: it only asked, or our answers do not reach it",
        ),
        (
            Dtls,
            Cause::TimedOut,
            "silent at dtls until its time was over: the usual sign of a dialer whose address has another certhash than ours, or large packets are lost between us",
        ),
        (
            Channel,
            Cause::ChannelFailed { what: "closed by the peer".into() },
            "no data channel, closed by the peer: the usual sign of a dialer whose address has another certhash than ours",
        ),
        (
            Channel,
            Cause::TimedOut,
            "silent at channel until its time was over: the usual sign of a dialer whose address has another certhash than ours",
        ),
        (Secure, Cause::Closed, "closed at secure, in the noise handshake"),
        (
            Secure,
            Cause::HandshakeFailed { what: Cause::UNREADABLE.into(), alert: None },
            "failed at secure, a noise message that cannot be read: the usual sign of a dialer whose address has another certhash than ours",
        ),
        (Secure, Cause::HandshakeFailed { what: "garbage".into(), alert: None }, "failed at secure: garbage"),
    ];
    for (stage, cause, expected) in table {
        assert_eq!(failed(Transport::WebrtcDirect, stage, &cause, Found::default(), None), expected);
    }
}

/// What a dialer proves, and what it tells.
fn passed(identify: Option<(Outcome, Found)>, agent: Option<&str>) -> String {
    let secured = Found { peer: Some(ID.into()), ..proposed() };
    let mut stages = vec![stage(StageName::Secure, Outcome::Passed, secured)];
    stages.extend(identify.map(|(outcome, found)| stage(StageName::Identify, outcome, found)));
    let peer = Peer { id: ID.into(), agent: agent.map(Into::into), ..Peer::default() };
    sentence(&attempt(Transport::Tcp, Outcome::Passed, stages), Some(&peer))
}

#[test]
fn those_who_connected() {
    let sees = || Found { observed: Some("/ip4/1.2.3.4/tcp/4011".into()), ..Found::default() };
    let told = passed(Some((Outcome::Passed, sees())), Some("kubo/0.43.0"));
    assert_eq!(told, format!("{ID}, kubo/0.43.0, sees us at /ip4/1.2.3.4/tcp/4011"));
    let evil = passed(Some((Outcome::Passed, sees())), Some("\u{1b}]0;x\u{7}\n"));
    assert!(!evil.chars().any(char::is_control), "{evil}");
    let long = passed(Some((Outcome::Passed, sees())), Some(&"x".repeat(5000)));
    assert!(long.chars().count() < 300, "{long}");
    let table = [
        (Outcome::failed(Cause::Closed), "left before it told its agent"),
        (Outcome::failed(Cause::TimedOut), "did not answer identify"),
        (Outcome::failed(Cause::ProtocolNotSupported), "does not offer identify"),
        (Outcome::unknown(WhyCode::Interrupted), "when this ended"),
    ];
    for (outcome, words) in table {
        let told = passed(Some((outcome, Found::default())), None);
        assert!(told.starts_with(ID) && told.contains(words), "{told}");
    }
    let pinged = Found { received: Some(1), ..Found::default() };
    let told = passed(Some((Outcome::failed(Cause::Closed), pinged)), None);
    assert_eq!(told, format!("{ID}, pinged and left before it told its agent"));
}

#[test]
fn those_who_were_never_heard() {
    let refused = attempt(Transport::Tcp, Outcome::skipped(WhyCode::OverLimit), vec![]);
    assert_eq!(sentence(&refused, None), "turned away: as many connections as are served at once");
    let cut = stage(StageName::Secure, Outcome::unknown(WhyCode::Interrupted), Found::default());
    let open = attempt(Transport::Tcp, Outcome::unknown(WhyCode::Interrupted), vec![cut]);
    assert_eq!(sentence(&open, None), "still at secure when this ended");
}
