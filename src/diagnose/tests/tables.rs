//! Every cause reaches a verdict and a hint; every code is a code.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::{HintCode, Page, RemedyCode, VerdictCode, WarningCode};

const TCP: &str = "/ip4/203.0.113.7/tcp/4001";
const QUIC: &str = "/ip4/203.0.113.7/udp/4001/quic-v1";
const WS: &str = "/ip4/203.0.113.7/tcp/4001/ws";
const WSS: &str = "/dns4/node.example.org/tcp/443/wss";
const WEBRTC: &str = "/ip4/203.0.113.7/udp/4001/webrtc-direct";
const RELAY: &str = "/ip4/203.0.113.7/tcp/4001/p2p-circuit";

/// A sample of each cause, where it falls, the verdict on it alone and its first hint.
fn samples() -> Vec<(Cause, &'static str, StageName, &'static str, &'static str)> {
    use StageName::*;
    let text = || "text".to_owned();
    let stamp = || Stamp("2026-11-02T00:00:00.000Z".into());
    vec![
        (Cause::TimedOut, WSS, Resolve, "name-problem", "try-resolver"),
        (Cause::TimedOut, TCP, Connect, "unanswered", "check-firewall"),
        (Cause::TimedOut, QUIC, Connect, "stalled", "check-port"),
        (Cause::TimedOut, WEBRTC, Connect, "stalled", "check-port"),
        (Cause::TimedOut, WSS, Tls, "stalled", "check-limits"),
        (Cause::TimedOut, WS, Upgrade, "stalled", "check-limits"),
        (Cause::TimedOut, TCP, Secure, "stalled", "check-limits"),
        (Cause::TimedOut, TCP, Multiplex, "stalled", "check-limits"),
        (Cause::TimedOut, RELAY, Hop, "relay-problem", "check-limits"),
        (Cause::Closed, TCP, Secure, "dropped-after-accept", "check-backend"),
        (Cause::Closed, TCP, Multiplex, "dropped-after-accept", "check-limits"),
        (Cause::Closed, WSS, Tls, "dropped-after-accept", "check-backend"),
        (Cause::Closed, WS, Upgrade, "dropped-after-accept", "check-backend"),
        (Cause::Closed, QUIC, Connect, "dropped-after-accept", "check-limits"),
        (Cause::Reset, TCP, Secure, "dropped-after-accept", "check-backend"),
        (Cause::Interrupted, TCP, Connect, "inconclusive", "more-time"),
        (
            Cause::UnsupportedAddress { part: "/quic".into() },
            "/ip4/203.0.113.7/udp/4001/quic",
            Connect,
            "unsupported-address",
            "use-quic-v1",
        ),
        (Cause::UnsupportedAddress { part: "/onion3".into() }, TCP, Connect, "unsupported-address", "give-address"),
        (Cause::NeedsRelay, RELAY, Hop, "unsupported-address", "name-relay"),
        (Cause::CerthashMissing, WEBRTC, Connect, "unsupported-address", "use-actual-certhash"),
        (Cause::NameNotFound, WSS, Resolve, "name-problem", "check-name"),
        (Cause::NameHasNoAddress { family: "ipv6".into() }, WSS, Resolve, "name-problem", "check-name"),
        (Cause::NameLookupFailed { rcode: Some("SERVFAIL".into()) }, WSS, Resolve, "name-problem", "try-resolver"),
        (Cause::DnsaddrTooDeep, "/dnsaddr/node.example.org", Resolve, "name-problem", "check-name"),
        (Cause::TooManyAddresses, "/dnsaddr/node.example.org", Resolve, "name-problem", "check-name"),
        (Cause::Refused, TCP, Connect, "refused", "check-listening"),
        (Cause::Refused, QUIC, Connect, "refused", "check-listening"),
        (Cause::Unreachable { what: "host".into() }, TCP, Connect, "unreachable", "check-listening"),
        (Cause::Unreachable { what: "network".into() }, TCP, Connect, "local-network-down", "check-local-network"),
        (Cause::ForbiddenLocally, TCP, Connect, "inconclusive", "check-local-network"),
        (Cause::UdpSilent, QUIC, Connect, "udp-unanswered", "check-udp"),
        (Cause::QuicFailed { alert: Some(120) }, QUIC, Connect, "not-libp2p", "check-port"),
        (Cause::QuicFailed { alert: Some(42) }, QUIC, Connect, "handshake-failed", "update-peer"),
        (Cause::QuicFailed { alert: None }, QUIC, Connect, "handshake-failed", "update-peer"),
        (Cause::NotLibp2p { speaks: Some("SSH".into()) }, TCP, Secure, "not-libp2p", "check-port"),
        (Cause::NotLibp2p { speaks: None }, TCP, Secure, "not-libp2p", "check-port"),
        (Cause::WrongPeer { actual: OTHER.into() }, TCP, Secure, "wrong-peer", "use-actual-peer"),
        (Cause::UnsupportedKey { kind: "rsa".into() }, TCP, Secure, "handshake-failed", "update-peer"),
        (Cause::LocalFault { errno: Some(99) }, TCP, Connect, "inconclusive", "check-local-network"),
        (Cause::LocalFault { errno: Some(22) }, "/ip6/fe80::1/tcp/4001", Connect, "inconclusive", "give-address"),
        (Cause::CertificateExpired { not_after: Some(stamp()) }, WSS, Tls, "certificate-problem", "renew-certificate"),
        (Cause::CertificateNotYetValid { not_before: Some(stamp()) }, WSS, Tls, "certificate-problem", "check-clock"),
        (Cause::CertificateWrongName { names: vec!["a.example".into()] }, WSS, Tls, "certificate-problem", "dial-by-name"),
        (Cause::CertificateUntrusted { issuer: None }, WSS, Tls, "certificate-problem", "use-trusted-certificate"),
        (Cause::NotTls { speaks: Some("HTTP".into()) }, WSS, Tls, "upgrade-refused", "use-other-transport"),
        (Cause::NotTls { speaks: Some("SSH".into()) }, WSS, Tls, "not-libp2p", "check-port"),
        (Cause::NotTls { speaks: None }, WSS, Tls, "not-libp2p", "check-port"),
        (Cause::TlsFailed { alert: None }, WSS, Tls, "handshake-failed", "update-peer"),
        (Cause::HttpStatus { status: 404, location: None }, WS, Upgrade, "upgrade-refused", "configure-proxy"),
        (Cause::HttpStatus { status: 502, location: None }, WS, Upgrade, "upgrade-refused", "check-backend"),
        (
            Cause::HttpStatus { status: 301, location: Some("https://a.example/".into()) },
            WS,
            Upgrade,
            "upgrade-refused",
            "follow-redirect",
        ),
        (Cause::NotHttp { speaks: Some("multistream-select".into()) }, WS, Upgrade, "upgrade-refused", "use-other-transport"),
        (Cause::NotHttp { speaks: Some("TLS".into()) }, WS, Upgrade, "upgrade-refused", "use-other-transport"),
        (Cause::NotHttp { speaks: None }, WS, Upgrade, "not-libp2p", "check-port"),
        (Cause::WebsocketFailed { what: text() }, WS, Upgrade, "upgrade-refused", "configure-proxy"),
        (Cause::WebsocketFailed { what: text() }, WS, Secure, "handshake-failed", "configure-proxy"),
        (Cause::NoCommonProtocol { offered: Some(vec!["/noise".into()]) }, TCP, Secure, "no-common-protocol", "update-peer"),
        (Cause::NoCommonProtocol { offered: None }, TCP, Multiplex, "no-common-protocol", "update-peer"),
        (Cause::HandshakeFailed { what: text(), alert: None }, TCP, Secure, "handshake-failed", "check-port"),
        (Cause::CertHashMismatch { actual: text() }, WEBRTC, Dtls, "stale-certhash", "use-actual-certhash"),
        (Cause::DtlsFailed { alert: Some(40) }, WEBRTC, Dtls, "handshake-failed", "update-peer"),
        (Cause::ChannelFailed { what: text() }, WEBRTC, Channel, "handshake-failed", "update-peer"),
        (Cause::ProtocolNotSupported, RELAY, Hop, "relay-problem", "update-peer"),
        (Cause::Malformed, RELAY, Hop, "relay-problem", "update-peer"),
        (Cause::TooLarge, RELAY, Hop, "relay-problem", "update-peer"),
        (Cause::Opaque, WS, Upgrade, "inconclusive", "use-terminal"),
        (Cause::MixedContent, WS, Upgrade, "inconclusive", "use-terminal"),
        (Cause::PermissionNeeded, WS, Upgrade, "inconclusive", "use-terminal"),
        (Cause::IceCredentialsRefused, WEBRTC, Connect, "inconclusive", "use-terminal"),
        (Cause::RelayNoReservation, RELAY, Hop, "relay-problem", "name-relay"),
        (Cause::RelayRefused { status: 201 }, RELAY, Hop, "relay-problem", "check-limits"),
        (Cause::RelayDenied, RELAY, Hop, "relay-problem", "check-limits"),
        (Cause::RelayLimit, RELAY, Hop, "relay-problem", "check-limits"),
        (Cause::RelayTargetFailed, RELAY, Hop, "relay-problem", "name-relay"),
        (Cause::DialFailed, TCP, Connect, "inconclusive", "check-local-network"),
        (Cause::NoGateway, TCP, Connect, "inconclusive", "check-local-network"),
        (Cause::GatewayRefused { error: 718 }, TCP, Connect, "inconclusive", "check-local-network"),
    ]
}

#[test]
fn every_cause_reaches_a_verdict_and_a_hint() {
    let mut sampled = BTreeSet::new();
    for (cause, address, step, code, hint) in samples() {
        sampled.insert(cause.code().to_owned());
        let verdict = Run::new().dial(Dial::new(address).fails(step, cause.clone())).verdict();
        let case = format!("{cause:?} at {step}: {verdict:?}");
        assert_eq!(verdict.code.code(), code, "{case}");
        assert_eq!(hints(&verdict).first(), Some(&hint), "{case}");
        assert_eq!(verdict.evidence, [1], "{case}");
        assert_eq!(verdict.ok, (code != "inconclusive").then_some(false), "{case}");
        assert!(!cause.is_ours() || code == "inconclusive", "{case}");
    }
    let table: BTreeSet<String> = Cause::PAGES.iter().map(|page| page.code.to_owned()).collect();
    assert_eq!(sampled, table);
}

#[test]
fn a_cause_of_a_later_version_blames_nobody() {
    let cause = Cause::Unrecognised(BTreeMap::from([("code".into(), "moon-phase".into())]));
    let verdict = Run::new().dial(Dial::new(TCP).fails(StageName::Connect, cause)).verdict();
    assert_eq!((verdict.code, verdict.ok), (VerdictCode::Inconclusive, None));
    assert_eq!(verdict.summary, "It could not be told: moon-phase (tcp).");
}

#[test]
fn no_sentence_holds_control_characters_or_grows_without_bound() {
    let hostile = || format!("\u{1b}]0;owned\u{7}{}", "A".repeat(10_000));
    let table = [
        (WS, StageName::Upgrade, Cause::HttpStatus { status: 302, location: Some(hostile()) }),
        (TCP, StageName::Secure, Cause::NotLibp2p { speaks: Some(hostile()) }),
        (TCP, StageName::Secure, Cause::HandshakeFailed { what: hostile(), alert: None }),
        (WSS, StageName::Tls, Cause::CertificateWrongName { names: vec![hostile(); 1000] }),
        (WSS, StageName::Tls, Cause::CertificateUntrusted { issuer: Some(hostile()) }),
        (TCP, StageName::Secure, Cause::WrongPeer { actual: hostile() }),
    ];
    for (address, step, cause) in table {
        let found = Found { server: Some(hostile()), ..Found::default() };
        let verdict = Run::new().dial(Dial::new(address).fails_with(step, cause, found)).verdict();
        let texts = verdict.hints.iter().flat_map(|hint| [Some(&hint.text), hint.address.as_ref(), hint.command.as_ref()]);
        for text in texts.flatten().chain([&verdict.summary]) {
            assert!(!text.chars().any(char::is_control) && text.len() < 600, "{text}");
        }
    }
}

#[test]
fn codes_are_unique_kebab_case_and_explained() {
    let families: [&[Page]; 6] =
        [Cause::PAGES, WhyCode::PAGES, VerdictCode::PAGES, HintCode::PAGES, WarningCode::PAGES, RemedyCode::PAGES];
    for pages in families {
        let codes: BTreeSet<&str> = pages.iter().map(|page| page.code).collect();
        assert_eq!(codes.len(), pages.len());
        for page in pages {
            let plain = page.code.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-');
            assert!(plain && !page.code.starts_with('-') && !page.code.ends_with('-'), "{}", page.code);
            assert!(!page.brief.is_empty() && page.text.iter().any(|line| !line.trim().is_empty()), "{}", page.code);
        }
    }
}

#[test]
fn codes_are_written_as_they_are_read() {
    for code in VerdictCode::all() {
        let written = serde_json::to_value(&code).unwrap();
        assert_eq!(written, code.code());
        assert_eq!(serde_json::from_value::<VerdictCode>(written).unwrap(), code);
    }
}

#[test]
fn ok_is_null_only_where_nothing_could_be_told() {
    for code in VerdictCode::all() {
        let expected = match code {
            VerdictCode::Reachable | VerdictCode::PartlyReachable => Some(true),
            VerdictCode::Inconclusive => None,
            _ => Some(false),
        };
        assert_eq!(crate::diagnose::ok(&code), expected, "{code:?}");
    }
}
