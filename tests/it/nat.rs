//! `p2p-probe nat` on loopback: streams, events, exit codes, what it asks of its helpers. What networks do is the lab's business.

use crate::dns;
use crate::listen;
use crate::program::{self, Live, Run};
use crate::relay;
use crate::rules::{self, Schema};
use serde_json::Value;
use std::path::Path;

/// What a node is checked over.
const NODE: [&str; 4] =
    ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/udp/0/webrtc-direct"];
const LISTEN: [&str; 2] = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"];

fn helper(home: &Path) -> (Live, Vec<String>) {
    listen::start_on(home, &LISTEN, &["--ephemeral"])
}

fn nat(home: &Path, arguments: &[&str]) -> Run {
    program::run(program::command(home, ["nat"].iter().chain(arguments)))
}

fn report(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no report: {}{}", run.stdout, run.stderr))
}

#[test]
fn its_events_fold_to_its_report_and_follow_the_schema() {
    let home = tempfile::tempdir().expect("a folder");
    let (_helper, addresses) = helper(home.path());
    let run = nat(home.path(), &["--via", &addresses[0], "--format", "ndjson"]);
    assert_eq!(rules::fold(&run.stdout), Vec::<String>::new());
    let events = Schema::of_events();
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for line in &lines {
        assert_eq!(events.faults(line), Vec::<String>::new(), "{line}");
    }
    for found in ["local", "vantage", "mapping", "filtering", "inbound"] {
        let told = lines.iter().any(|line| line["event"] == "nat-found" && line["found"] == found);
        assert!(told, "no event tells of {found}: {}", run.stdout);
    }
}

/// A vantage point on the own machine reaches it, and knows nothing of the internet.
#[test]
fn what_a_neighbour_reaches_is_no_claim_about_the_internet() {
    let home = tempfile::tempdir().expect("a folder");
    let (_helper, addresses) = helper(home.path());
    let run = nat(home.path(), &["--via", &addresses[0], "--format", "json"]);
    let report = report(&run);
    assert_eq!((run.exit, rules::faults(&report, run.exit)), (1, Vec::<String>::new()), "{report}");
    assert_eq!((&report["target"]["kind"], &report["nat"]["status"]), (&"network".into(), &"unknown".into()), "{report}");
    assert_eq!(report["nat"]["why"]["code"], "private-scope", "{report}");
    for transport in ["quic", "tcp"] {
        let inbound = report["nat"]["inbound"].as_array().expect("a list").iter().find(|dial| dial["transport"] == transport);
        assert_eq!(inbound.map(|dial| &dial["outcome"]), Some(&"passed".into()), "{report}");
    }
}

#[test]
fn a_running_node_is_checked_from_outside() {
    let home = tempfile::tempdir().expect("a folder");
    let (_node, node) = listen::start_on(home.path(), &NODE, &["--ephemeral"]);
    let check_all = |checked: &[&str]| {
        // A helper dials a few ports of one address in a minute and no more.
        let (_helper, addresses) = helper(home.path());
        let checks = checked.iter().flat_map(|address| ["--check", address]);
        let run = nat(home.path(), &["--via", &addresses[0], "--format", "json"].into_iter().chain(checks).collect::<Vec<_>>());
        (run.exit, report(&run))
    };
    let check = |address: &str| check_all(&[address]);
    for address in &node {
        let (exit, report) = check(address);
        assert_eq!((exit, &report["verdict"]["code"]), (0, &"reachable".into()), "{report}");
        let by = &report["nat"]["inbound"].as_array().expect("a list").iter().find(|dial| dial["by"][0]["method"] == "check");
        let stages = &by.expect("a check")["by"][0]["stages"];
        let names: Vec<&str> = stages.as_array().expect("stages").iter().filter_map(|stage| stage["stage"].as_str()).collect();
        assert_eq!((names.first(), names.last()), (Some(&"connect"), Some(&"identify")), "{report}");
    }
    let other =
        node[0].rsplit_once("/p2p/").expect("a peer").0.to_owned() + "/p2p/12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";
    for (address, code) in [("/ip4/0.0.0.0/tcp/1", "refused"), (other.as_str(), "wrong-peer")] {
        let (exit, report) = check(address);
        assert_eq!((exit, &report["verdict"]["code"]), (1, &code.into()), "{report}");
    }
    // The port of TCP serves no WebSocket.
    let elsewhere = node[0].rsplit_once("/p2p/").expect("a peer").0.to_owned() + "/ws";
    let (exit, report) = check_all(&[&node[2], &node[3], &elsewhere]);
    assert_eq!((exit, &report["verdict"]["code"]), (0, &"partly-reachable".into()), "{report}");
    let checks = report["nat"]["inbound"].as_array().expect("a list").iter().filter(|dial| dial["by"][0]["method"] == "check");
    let told: Vec<_> = checks.map(|dial| (dial["transport"].clone(), dial["outcome"].clone())).collect();
    let wanted = [("ws", "failed"), ("ws", "passed"), ("webrtc-direct", "passed")];
    assert!(wanted.iter().all(|(transport, outcome)| told.contains(&((*transport).into(), (*outcome).into()))), "{report}");
}

#[test]
fn without_a_vantage_point_nothing_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    let run = nat(home.path(), &["--via", "/ip4/127.0.0.1/tcp/1", "--no-port-mapping", "--format", "json"]);
    let report = report(&run);
    assert_eq!((run.exit, rules::faults(&report, run.exit)), (1, Vec::<String>::new()), "{report}");
    assert_eq!((&report["verdict"]["code"], &report["nat"]["status"]), (&"inconclusive".into(), &"unknown".into()), "{report}");
    assert_eq!(report["attempts"][0]["cause"]["code"], "refused", "{report}");
}

#[test]
fn it_ends_by_its_deadline() {
    let home = tempfile::tempdir().expect("a folder");
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = format!("/ip4/127.0.0.1/udp/{}/quic-v1", silent.local_addr().expect("bound").port());
    let run = nat(home.path(), &["--via", &address, "--deadline", "300ms", "--format", "json"]);
    let report = report(&run);
    assert_eq!((run.exit, &report["complete"]), (1, &false.into()), "{report}");
    assert_eq!(report["attempts"][0]["why"]["code"], "deadline", "{report}");
}

/// Names are looked up within the run: one that leads nowhere costs a vantage point, and neither the report nor the deadline.
#[test]
fn a_stun_server_that_is_not_found_is_a_vantage_point_less() {
    let home = tempfile::tempdir().expect("a folder");
    let (_helper, addresses) = helper(home.path());
    let zone = [("silent.test", "SILENT"), ("broken.test", "SERVFAIL"), ("here.test", "A 127.0.0.1")];
    let zone = zone.map(|(name, record)| (name.to_owned(), vec![record.to_owned()])).into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let port = addresses.iter().find_map(|address| address.split_once("/udp/")?.1.split('/').next()).expect("UDP").to_owned();
    let via = addresses[0].clone();
    let run = runtime.block_on(async {
        let resolver = format!("127.0.0.1:{}", dns::start(zone).await);
        let here = format!("here.test:{port}");
        let servers = ["silent.test:3478", "broken.test:3478", "gone.test:3478", &here];
        let servers = servers.iter().flat_map(|server| ["--stun", server]);
        let arguments = ["nat", "--via", &via, "--resolver", &resolver, "--format", "json"].into_iter().chain(servers);
        let command = program::command(home.path(), arguments);
        tokio::task::spawn_blocking(|| program::run(command)).await.expect("a run")
    });
    let report = report(&run);
    assert_eq!((run.exit, rules::faults(&report, run.exit)), (1, Vec::<String>::new()), "{report}");
    assert_eq!((&report["complete"], Schema::of_reports().faults(&report)), (&true.into(), Vec::new()), "{report}");
    let vantages = report["nat"]["vantages"].as_array().expect("a list").iter();
    let told: Vec<_> = vantages
        .filter(|vantage| vantage["kind"] == "stun")
        .map(|vantage| (vantage["vantage"].as_str().expect("a name"), vantage["cause"]["code"].as_str().expect("a cause")))
        .collect();
    for wanted in
        [("silent.test:3478", "timed-out"), ("broken.test:3478", "name-lookup-failed"), ("gone.test:3478", "name-not-found")]
    {
        assert!(told.contains(&wanted), "{told:?}");
    }
    assert_eq!(told.len(), 3, "{told:?}");
    // The one that was found is asked beside the helper.
    assert_eq!(report["nat"]["ipv4"]["udp"]["vantages"], 2, "{report}");
}

#[test]
fn text_is_for_people_and_redacted_where_asked() {
    let home = tempfile::tempdir().expect("a folder");
    let (_helper, addresses) = helper(home.path());
    let run = nat(home.path(), &["--via", &addresses[0], "--redact"]);
    assert_eq!(rules::streams(&run), Vec::<String>::new());
    let peer = addresses[0].rsplit_once("/p2p/").expect("a peer").1;
    assert!(!run.stdout.contains(peer), "{}", run.stdout);
    assert!(run.stdout.contains("IPv4") && run.stdout.contains("mapping none"), "{}", run.stdout);
}

#[test]
fn a_dial_asks_its_target_for_help() {
    let home = tempfile::tempdir().expect("a folder");
    let (_helper, addresses) = helper(home.path());
    let run = program::run(program::command(home.path(), ["dial", &addresses[0], "--nat", "--format", "json"]));
    let report = report(&run);
    assert_eq!((run.exit, rules::faults(&report, run.exit)), (0, Vec::<String>::new()), "{report}");
    assert_eq!(report["verdict"]["code"], "reachable", "{report}");
    assert_eq!(report["nat"]["ipv4"]["udp"]["mapping"], "none", "{report}");
    assert_eq!(report["nat"]["vantages"][0]["kind"], "helper", "{report}");
}

/// Behind a relay the target is no vantage point, and yet a hole punch shows what the own network does.
#[test]
fn a_dial_through_a_relay_punches_a_hole() {
    let home = tempfile::tempdir().expect("a folder");
    let (_relay, addresses) = listen::start_on(home.path(), &LISTEN, &["--ephemeral", "--relay"]);
    for (via, transport) in addresses.iter().zip(["tcp", "quic"]) {
        let (_target, circuit) = relay::behind_on(home.path(), &LISTEN, via);
        let run = program::run(program::command(home.path(), ["dial", &circuit, "--nat", "--no-announced", "--format", "json"]));
        let report = report(&run);
        assert_eq!((run.exit, rules::faults(&report, run.exit)), (0, Vec::<String>::new()), "{report}");
        let punches = report["nat"]["hole_punches"].as_array().expect("a list");
        let told: Vec<_> = punches.iter().map(|punch| (&punch["transport"], &punch["outcome"], &punch["rounds"])).collect();
        assert_eq!(told[0], (&transport.into(), &"passed".into(), &1.into()), "{report}");
        assert!(told.len() == 2 && told[1].0 != transport, "{report}");
        assert_eq!((&report["complete"], &report["nat"]["vantages"]), (&true.into(), &serde_json::json!([])), "{report}");
    }
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let home = tempfile::tempdir().expect("a folder");
    let via = ["--via", "/ip4/127.0.0.1/tcp/1"];
    let cases: [&[&str]; 5] = [
        &[],
        &["--stun", "host"],
        &["--listen", "/ip4/0.0.0.0/tcp/1/ws"],
        &["--check", "/dns4/a.example/tcp/1"],
        &["--deadline", "5"],
    ];
    for arguments in cases {
        let all: Vec<&str> = via.iter().filter(|_| !arguments.is_empty()).chain(arguments).copied().collect();
        let run = nat(home.path(), &all);
        assert_eq!((run.exit, run.stdout.as_str()), (2, ""), "{arguments:?}: {}", run.stderr);
    }
}
