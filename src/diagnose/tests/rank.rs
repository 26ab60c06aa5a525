//! Several attempts together.

use super::*;
use StageName::{Connect, Secure, Tls, Upgrade};

const V4: &str = "/ip4/203.0.113.7/tcp/4001";
const V4_OTHER: &str = "/ip4/203.0.113.8/tcp/4001";
const V6: &str = "/ip6/2001:db8::7/tcp/4001";
const QUIC: &str = "/ip4/203.0.113.7/udp/4001/quic-v1";
const QUIC_V6: &str = "/ip6/2001:db8::7/udp/4001/quic-v1";
const WS: &str = "/ip4/203.0.113.7/tcp/4002/ws";
const WSS: &str = "/ip4/203.0.113.7/tcp/443/wss";

fn wrong_peer() -> Cause {
    Cause::WrongPeer { actual: OTHER.into() }
}

fn no_route() -> Cause {
    Cause::Unreachable { what: "network".into() }
}

fn expired() -> Cause {
    Cause::CertificateExpired { not_after: Some(Stamp("2026-11-02T00:00:00.000Z".into())) }
}

#[test]
fn failures_together() {
    let ssh = || Cause::NotLibp2p { speaks: Some("SSH".into()) };
    let not_found = || Cause::HttpStatus { status: 404, location: None };
    let table = [
        (
            vec![Dial::new(V4).fails(Connect, Cause::Refused)],
            "refused",
            "203.0.113.7 answers that nothing listens on TCP port 4001.",
        ),
        (
            vec![Dial::new(V4).fails(Connect, Cause::Refused), Dial::new(QUIC).fails(Connect, Cause::Refused)],
            "refused",
            "tcp and quic refused.",
        ),
        (
            vec![Dial::new(V4).fails(Connect, Cause::Refused), Dial::new(QUIC).fails(Connect, Cause::UdpSilent)],
            "unreachable",
            "tcp refused, quic unanswered.",
        ),
        (
            vec![Dial::new(V4).fails(Connect, Cause::Refused), Dial::new(V6).fails(Connect, Cause::TimedOut)],
            "unreachable",
            "tcp refused over IPv4, unanswered over IPv6.",
        ),
        (
            vec![Dial::new(V4).fails(Connect, Cause::TimedOut), Dial::new(QUIC).fails(Connect, Cause::UdpSilent)],
            "unanswered",
            "No answer from 203.0.113.7 on TCP port 4001: packets are filtered, or the machine is off; quic unanswered.",
        ),
        (
            vec![Dial::new(QUIC).fails(Connect, Cause::UdpSilent), Dial::new(V4).fails(Secure, wrong_peer())],
            "wrong-peer",
            "The address answers, but as 12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X, not as the peer you named; quic unanswered.",
        ),
        (
            vec![Dial::new(V4).fails(Secure, wrong_peer()), Dial::new(QUIC).fails(Connect, wrong_peer())],
            "wrong-peer",
            "The address answers, but as 12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X, not as the peer you named.",
        ),
        (
            vec![Dial::new(V4).fails(Secure, ssh()), Dial::new(WSS).fails(Tls, expired()).goes_on()],
            "certificate-problem",
            "The certificate expired on 2026-11-02; renew it; tcp not libp2p.",
        ),
        (
            vec![Dial::new(V4).fails(Secure, ssh()), Dial::new(WS).fails(Upgrade, not_found())],
            "not-libp2p",
            "SSH answers on TCP port 4001; libp2p does not; ws without a WebSocket.",
        ),
        (
            vec![Dial::new(V4).fails(Secure, Cause::Closed), Dial::new(V6).fails(Secure, Cause::TimedOut)],
            "unreachable",
            "tcp dropped over IPv4, stalled over IPv6.",
        ),
    ];
    for (dials, code, summary) in table {
        let count = u32::try_from(dials.len()).unwrap();
        let verdict = dials.into_iter().fold(Run::new(), Run::dial).verdict();
        assert_eq!((verdict.code.code(), &*verdict.summary, verdict.ok), (code, summary, Some(false)));
        assert_eq!(verdict.evidence, (1..=count).collect::<Vec<_>>());
    }
}

#[test]
fn the_order_of_attempts_changes_no_code() {
    let dials = [
        || Dial::new(QUIC).fails(Connect, Cause::UdpSilent),
        || Dial::new(V4).fails(Connect, Cause::Refused),
        || Dial::new(V4_OTHER).fails(Secure, wrong_peer()),
        || Dial::new(WSS).fails(Tls, expired()).goes_on(),
        || Dial::new(WS).works(),
        || Dial::new(V6).skipped(WhyCode::NoLocalFamily),
    ];
    for first in &dials {
        for second in &dials {
            let forth = Run::new().dial(first()).dial(second()).verdict();
            let back = Run::new().dial(second()).dial(first()).verdict();
            assert_eq!((forth.code, forth.ok), (back.code, back.ok));
        }
    }
}

#[test]
fn some_work_and_some_fail() {
    let refused = |address| Dial::new(address).fails(Connect, Cause::Refused);
    let table = [
        (vec![Dial::new(V4).works()], "reachable", "tcp works."),
        (vec![Dial::new(V4).works(), Dial::new(QUIC).works(), Dial::new(WS).works()], "reachable", "tcp, quic and ws work."),
        (
            vec![Dial::new(V4).works(), Dial::new(QUIC).works(), Dial::new(WSS).fails(Tls, expired()).goes_on()],
            "partly-reachable",
            "tcp and quic work, wss fails.",
        ),
        (vec![Dial::new(V4).works(), refused(V6)], "partly-reachable", "tcp works over IPv4, fails over IPv6."),
        (vec![Dial::new(V4).works(), refused(V4_OTHER)], "partly-reachable", "tcp works at 203.0.113.7, fails at 203.0.113.8."),
        (
            vec![Dial::new(V4).works(), refused("/ip4/203.0.113.7/tcp/9")],
            "partly-reachable",
            "tcp works at /ip4/203.0.113.7/tcp/4001, fails at /ip4/203.0.113.7/tcp/9.",
        ),
        (
            vec![Dial::new(V4).works(), refused(V6), Dial::new(QUIC).works(), Dial::new(WS).fails(Connect, Cause::TimedOut)],
            "partly-reachable",
            "quic works, ws fails, tcp works over IPv4, fails over IPv6.",
        ),
    ];
    for (dials, code, summary) in table {
        let verdict = dials.into_iter().fold(Run::new(), Run::dial).verdict();
        assert_eq!((verdict.code.code(), &*verdict.summary, verdict.ok), (code, summary, Some(true)));
    }
}

#[test]
fn what_was_left_out_or_not_told_does_not_count_against_what_works() {
    let run = || Run::new().dial(Dial::new(V4).works());
    let left_out = run().dial(Dial::new(WS).skipped(WhyCode::ByOption)).verdict();
    assert_eq!((left_out.code.code(), warnings(&left_out)), ("reachable", vec![]));
    assert_eq!(left_out.evidence, [1]);
    let cut = run().dial(Dial::new(QUIC).unknown(WhyCode::Interrupted)).interrupted().verdict();
    assert_eq!((cut.code.code(), warnings(&cut)), ("reachable", vec!["incomplete"]));
    let ours = run().dial(Dial::new(QUIC).fails(Connect, Cause::LocalFault { errno: None })).verdict();
    assert_eq!((ours.code.code(), warnings(&ours)), ("reachable", vec!["incomplete"]));
    let cut_and_failed =
        run().dial(Dial::new(WS).fails(Connect, Cause::Refused)).dial(Dial::new(QUIC).unknown(WhyCode::Deadline)).interrupted();
    let cut_and_failed = cut_and_failed.verdict();
    assert_eq!((cut_and_failed.code.code(), warnings(&cut_and_failed)), ("partly-reachable", vec!["incomplete"]));
}

#[test]
fn what_was_not_tested_may_work() {
    let nothing = Run::new().verdict();
    assert_eq!((nothing.code.code(), &*nothing.summary), ("inconclusive", "Nothing was dialed."));
    let skipped = Run::new().dial(Dial::new(V4).skipped(WhyCode::ByOption)).verdict();
    assert_eq!(&*skipped.summary, "Nothing was tried: left out by an option (tcp).");
    assert_eq!((skipped.code.code(), skipped.ok, &*skipped.evidence), ("inconclusive", None, [1].as_slice()));
    let cut = || Dial::new(QUIC).unknown(WhyCode::Deadline);
    let alone = Run::new().dial(cut()).interrupted().verdict();
    assert_eq!((alone.code.code(), hints(&alone)), ("inconclusive", vec!["more-time"]));
    let beside_weak = Run::new().dial(Dial::new(V4).fails(Connect, Cause::Refused)).dial(cut()).verdict();
    assert_eq!((beside_weak.code.code(), beside_weak.ok), ("inconclusive", None));
    assert_eq!(beside_weak.summary, "It could not be told: the run's deadline came first (quic); tcp refused.");
    let beside_strong = Run::new().dial(Dial::new(V4).fails(Secure, wrong_peer())).dial(cut()).verdict();
    assert_eq!((beside_strong.code.code(), warnings(&beside_strong)), ("wrong-peer", vec!["incomplete"]));
}

#[test]
fn announced_addresses_only_warn() {
    let run = Run::new().dial(Dial::new(V4).works()).announces(&[V4_OTHER], 1);
    let verdict = run.dial(Dial::new(V4_OTHER).announced().fails(Connect, Cause::Refused)).verdict();
    assert_eq!((verdict.code.code(), warnings(&verdict)), ("reachable", vec!["announces-dead"]));
    let alone = Run::new().dial(Dial::new(V4).announced().works()).verdict();
    assert_eq!(alone.code.code(), "inconclusive");
}

#[test]
fn the_own_network_is_not_the_targets_fault() {
    let both = || Run::new().network(&["192.168.1.5", "2001:db8::5"], None);
    let down = both().dial(Dial::new(V4).fails(Connect, no_route())).dial(Dial::new(QUIC).fails(Connect, Cause::UdpSilent));
    let down = down.verdict();
    assert_eq!((down.code.code(), down.ok, hints(&down)), ("local-network-down", Some(false), vec!["check-local-network"]));
    // Something of the same family answered: so the way exists, and the target's part of it does not.
    let proved = both().dial(Dial::new(V4).fails(Connect, no_route())).dial(Dial::new(V4_OTHER).fails(Connect, Cause::Refused));
    assert_eq!(proved.verdict().summary, "tcp without a route at 203.0.113.7, refused at 203.0.113.8.");
    // The other family's answer proves nothing.
    let other = both().dial(Dial::new(V4).works()).dial(Dial::new(V6).fails(Connect, no_route())).verdict();
    assert_eq!((other.code.code(), warnings(&other)), ("reachable", vec!["family-missing"]));
    // Nor does this machine answer for the network.
    let loopback = both()
        .dial(Dial::new(V4).fails(Connect, no_route()))
        .dial(Dial::new("/ip4/127.0.0.1/tcp/1").fails(Connect, Cause::Refused));
    let loopback = loopback.verdict();
    assert_eq!((loopback.code.code(), warnings(&loopback)), ("refused", vec!["family-missing"]));
    let no_network = Run::new().network(&[], None).dial(Dial::new(QUIC_V6).skipped(WhyCode::NoLocalFamily)).verdict();
    assert_eq!((no_network.code.code(), no_network.ok), ("local-network-down", Some(false)));
    let no_resolver = Run::new().network(&[], None);
    let no_resolver =
        no_resolver.dial(Dial::new("/dns/node.example.org/tcp/1").fails(StageName::Resolve, Cause::TimedOut)).verdict();
    assert_eq!(no_resolver.code.code(), "local-network-down");
}

#[test]
fn a_limit_is_no_failure_of_the_addresses_within_it() {
    let limit = || Dial::new("/dnsaddr/node.example.org").fails(StageName::Resolve, Cause::TooManyAddresses);
    let works = Run::new().dial(limit()).dial(Dial::new(V4).works()).verdict();
    assert_eq!((works.code.code(), warnings(&works)), ("reachable", vec!["incomplete"]));
    let fails = Run::new().dial(limit()).dial(Dial::new(V4).fails(Connect, Cause::Refused)).verdict();
    assert_eq!((fails.code.code(), warnings(&fails)), ("refused", vec!["incomplete"]));
}

#[test]
fn who_could_ask_nobody_about_the_own_network_is_told_why() {
    let run = |addresses: &[&str]| {
        let target = Target { kind: TargetKind::Network, input: String::new(), peer: None };
        Run::on(target).network(addresses, None).dial(Dial::new(V4).fails(Connect, Cause::TimedOut))
    };
    let table = [
        (run(&[]), "local-network-down", "in no network"),
        (run(&["192.168.1.5"]), "inconclusive", "No vantage point could be reached"),
        (run(&["192.168.1.5"]).interrupted(), "inconclusive", "The run ended before"),
    ];
    for (run, code, says) in table {
        let verdict = run.verdict();
        assert_eq!(verdict.code.code(), code, "{says}");
        assert!(verdict.summary.contains(says), "{}", verdict.summary);
    }
}
