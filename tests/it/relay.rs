//! `p2p-probe listen` as a relay and behind one, and go-libp2p in each of the roles.

use crate::interop;
use crate::listen;
use crate::program::{self, Live};
use crate::rules;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A node that is reached through this relay, and the address that leads there.
fn behind(home: &Path, relay: &str) -> (Live, String) {
    behind_on(home, &["/ip4/127.0.0.1/tcp/0"], relay)
}

/// The same, listening here.
pub fn behind_on(home: &Path, listen: &[&str], relay: &str) -> (Live, String) {
    let (mut target, _) = listen::start_on(home, listen, &["--ephemeral", "--via", relay]);
    let circuit = target.until(|line| line["event"] == "listening");
    let address = circuit["address"].as_str().expect("an address").to_owned();
    assert!(address.contains("/p2p-circuit/p2p/"), "{address}");
    (target, address)
}

fn go_serves(options: &[&str]) -> (Live, Vec<String>) {
    let mut go = interop::go();
    go.arg("serve").args(options);
    let mut go = Live::start(go);
    let ready = go.next_json();
    let addresses = ready["addrs"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    (go, addresses)
}

fn dial(home: &Path, address: &str, options: &[&str]) -> Value {
    let arguments = [&["dial", address, "--format", "json"][..], options].concat();
    let run = program::run(program::command(home, arguments));
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no report: {}", run.stderr));
    assert_eq!(rules::faults(&report, run.exit), Vec::<String>::new(), "{address}: {report}");
    report
}

/// Every stage of the one attempt passed, through a relay with these limits.
fn reached(home: &Path, address: &str, limits: &Value) {
    let report = dial(home, address, &["--no-announced"]);
    let attempt = &report["attempts"][0];
    let stages = attempt["stages"].as_array().expect("stages");
    let failed: Vec<&Value> = stages.iter().filter(|stage| stage["outcome"] != "passed").collect();
    assert!(failed.is_empty(), "{address}: {failed:?}");
    assert_eq!(report["transports"]["relay"], "passed", "{report}");
    let hop = stages.iter().find(|stage| stage["stage"] == "hop").expect("hop");
    assert_eq!((&hop["found"]["status"], &hop["found"]["limits"]), (&100.into(), limits), "{hop}");
    let target = address.rsplit('/').next().expect("a peer");
    assert_eq!(report["peers"][0]["id"], target, "{report}");
    assert!(report["peers"][0]["agent"].is_string(), "{report}");
}

fn limits(seconds: f64, bytes: u64) -> Value {
    serde_json::json!({ "duration_ms": seconds * 1000.0, "bytes": bytes })
}

/// The same target through each of the relay's own addresses.
fn through_each<'a>(circuit: &str, relay: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let target = circuit.rsplit('/').next().expect("a peer");
    relay.into_iter().map(|address| format!("{address}/p2p-circuit/p2p/{target}")).collect()
}

#[test]
fn ours_is_a_relay_over_each_transport() {
    let home = tempfile::tempdir().expect("a folder");
    let addresses = [&listen::LOOPBACK[..], &["/ip4/127.0.0.1/udp/0/webrtc-direct"]].concat();
    let (relay, addresses) = listen::start_on(home.path(), &addresses, &["--ephemeral", "--relay"]);
    for slot_over in &addresses {
        let (mut target, circuit) = behind(home.path(), slot_over);
        for address in through_each(&circuit, &addresses) {
            reached(home.path(), &address, &limits(120.0, 131_072));
            let seen = target.until(|line| line["event"] == "attempt-planned" && line["direction"] == "inbound");
            assert_eq!(seen["transport"], "relay", "{seen}");
            assert_eq!(seen["address"], circuit.rsplit_once("/p2p/").expect("a peer").0, "{seen}");
            let id = seen["attempt"].clone();
            let identified = target.until(|line| line["event"] == "peer-identified" && line["attempt"] == id);
            assert_eq!(identified["announced"], serde_json::json!([]), "{identified}");
        }
        target.signal("TERM");
        assert_eq!(target.finish().exit, 0);
    }
    relay.signal("TERM");
    assert_eq!(relay.finish().exit, 0);
}

#[test]
fn a_target_that_left_has_no_reservation_and_limits_are_told_apart() {
    let home = tempfile::tempdir().expect("a folder");
    let options = ["--ephemeral", "--relay", "--relay-bytes", "300"];
    let (relay, addresses) = listen::start(home.path(), &options);
    let (target, circuit) = behind(home.path(), &addresses[0]);
    let used_up = dial(home.path(), &circuit, &[]);
    assert_eq!(used_up["attempts"][0]["cause"]["code"], "relay-limit", "{used_up}");
    assert_eq!(used_up["verdict"]["code"], "relay-problem", "{used_up}");
    target.signal("TERM");
    assert_eq!(target.finish().exit, 0);
    let gone = dial(home.path(), &circuit, &[]);
    assert_eq!(gone["attempts"][0]["cause"]["code"], "relay-no-reservation", "{gone}");
    relay.signal("TERM");
    assert_eq!(relay.finish().exit, 0);
}

#[test]
fn a_relay_that_gives_no_slot_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    let (relay, addresses) = listen::start(home.path(), &["--ephemeral"]);
    let (mut target, _) = listen::start_on(home.path(), &["/ip4/127.0.0.1/tcp/0"], &["--ephemeral", "--via", &addresses[0]]);
    let failed = target.until(|line| line["event"] == "stage-ended" && line["outcome"] == "failed");
    assert_eq!((&failed["stage"], &failed["cause"]["code"]), (&"hop".into(), &"protocol-not-supported".into()), "{failed}");
    target.signal("TERM");
    assert_eq!(target.finish().exit, 0);
    relay.signal("TERM");
    assert_eq!(relay.finish().exit, 0);
}

#[test]
fn ours_behind_a_relay_of_go() {
    let home = tempfile::tempdir().expect("a folder");
    let (go, addresses) = go_serves(&["--relay", "--relay-time", "30s", "--relay-bytes", "65536"]);
    let tcp = addresses.iter().find(|address| address.contains("/tcp/")).expect("TCP");
    let (target, circuit) = behind(home.path(), tcp);
    for address in through_each(&circuit, &addresses) {
        reached(home.path(), &address, &limits(30.0, 65_536));
    }
    target.signal("TERM");
    assert_eq!(target.finish().exit, 0);
    go.finish();
}

#[test]
fn go_behind_a_relay_of_go() {
    let home = tempfile::tempdir().expect("a folder");
    let (relay, addresses) = go_serves(&["--relay"]);
    let (target, through) = go_serves(&["--via", &addresses[0]]);
    reached(home.path(), through.last().expect("an address"), &limits(120.0, 131_072));
    target.finish();
    relay.finish();
}

#[test]
fn ours_is_a_relay_for_go() {
    let home = tempfile::tempdir().expect("a folder");
    let (relay, addresses) = listen::start(home.path(), &["--ephemeral", "--relay"]);
    let (target, through) = go_serves(&["--via", &addresses[0], "--voucher"]);
    let circuit = through.last().expect("an address");
    for address in through_each(circuit, &addresses) {
        reached(home.path(), &address, &limits(120.0, 131_072));
        go_dials(&address);
    }
    target.finish();
    // And ours behind it, for go.
    let (target, circuit) = behind(home.path(), &addresses[0]);
    go_dials(&circuit);
    target.signal("TERM");
    assert_eq!(target.finish().exit, 0);
    relay.signal("TERM");
    assert_eq!(relay.finish().exit, 0);
}

/// A peer that does not punch holes yet may do so in a moment, as go-libp2p does.
#[test]
fn who_is_not_ready_to_punch_is_asked_again() {
    let home = tempfile::tempdir().expect("a folder");
    let (_relay, addresses) = listen::start(home.path(), &["--ephemeral", "--relay"]);
    let (mut target, circuit) = behind(home.path(), &addresses[0]);
    let mut go = interop::go();
    go.args(["dial", &circuit, "--pings", "15", "--ping-interval", "1s"]);
    let _dialing = Live::start(go);
    let mut time_of = |event: &str| {
        let line = target.until(|line| line["event"] == event && line["stage"] == "dcutr-connect");
        (line["t_ms"].as_f64().expect("a time"), line["cause"]["code"].clone())
    };
    let ((begun, _), (ended, cause)) = (time_of("stage-started"), time_of("stage-ended"));
    assert_eq!(cause, "protocol-not-supported");
    assert!(ended - begun >= 8000.0, "it was asked for {} ms", ended - begun);
}

fn go_dials(address: &str) {
    let mut go: Command = interop::go();
    go.args(["dial", address, "--pings", "3"]);
    let output = go.output().expect("go-peer runs");
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{address}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(told["ok"], true, "{address}: {told}");
}
