//! AutoNAT and relays of go-libp2p as vantage points of `p2p-probe nat`.

use crate::certificate::Authority;
use crate::interop;
use crate::listen;
use crate::peer::Peer;
use crate::program::{self, Live};
use crate::rules::{self, Schema};
use serde_json::{Value, json};
use std::path::Path;

fn go_serves(options: &[&str]) -> (Live, String) {
    let mut go = interop::go();
    go.arg("serve").args(options).args(["--listen", "/ip4/127.0.0.1/tcp/0", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1"]);
    let mut go = Live::start(go);
    let ready = go.next_json();
    let addresses = ready["addrs"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let tcp = addresses.into_iter().find(|address| address.contains("/tcp/")).expect("TCP").to_owned();
    (go, tcp)
}

fn nat(home: &Path, via: &str) -> Value {
    let run = program::run(program::command(home, ["nat", "--via", via, "--format", "json"]));
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no report: {}{}", run.stdout, run.stderr));
    let faults = [Schema::of_reports().faults(&report), rules::faults(&report, run.exit)].concat();
    assert_eq!(faults, Vec::<String>::new(), "{report}");
    report["nat"].clone()
}

/// What was said of a transport, by method.
fn said<'a>(nat: &'a Value, transport: &str, method: &str) -> &'a Value {
    let inbound = nat["inbound"].as_array().into_iter().flatten().find(|dial| dial["transport"] == transport);
    let by = inbound.and_then(|dial| dial["by"].as_array()).into_iter().flatten().find(|by| by["method"] == method);
    by.unwrap_or_else(|| panic!("no {method} about {transport}: {nat}"))
}

/// Version 2 reaches loopback where go-libp2p is told to; version 1 never does.
#[test]
fn go_dials_back_over_each_transport() {
    let home = tempfile::tempdir().expect("a folder");
    let (go, address) = go_serves(&["--autonat", "open"]);
    let nat = nat(home.path(), &address);
    for transport in ["quic", "tcp"] {
        let second = said(&nat, transport, "autonat-v2");
        assert_eq!((&second["outcome"], &second["contacted_before"]), (&"passed".into(), &false.into()), "{nat}");
        let first = said(&nat, transport, "autonat-v1");
        assert_eq!((&first["outcome"], &first["why"]["code"]), (&"unknown".into(), &"vantage-refuses".into()), "{nat}");
        assert!(first["message"].as_str().is_some_and(|words| words.starts_with("E_DIAL_REFUSED: ")), "{nat}");
    }
    assert_eq!(nat["vantages"][0]["offers"], json!(["autonat-v1", "autonat-v2"]), "{nat}");
    go.finish();
}

/// With its default settings go-libp2p dials no private address.
#[test]
fn a_server_that_refuses_says_nothing_of_the_address() {
    let home = tempfile::tempdir().expect("a folder");
    let (go, address) = go_serves(&["--autonat", "default"]);
    let nat = nat(home.path(), &address);
    for transport in ["quic", "tcp"] {
        for method in ["autonat-v1", "autonat-v2"] {
            let said = said(&nat, transport, method);
            assert_eq!((&said["outcome"], &said["why"]["code"]), (&"unknown".into(), &"vantage-refuses".into()), "{nat}");
        }
    }
    assert_eq!(nat["status"], "unknown", "{nat}");
    go.finish();
}

#[test]
fn go_gives_a_slot() {
    let home = tempfile::tempdir().expect("a folder");
    let (go, address) = go_serves(&["--relay", "--relay-time", "30s", "--relay-bytes", "65536"]);
    let nat = nat(home.path(), &address);
    let relay = &nat["relays"][0];
    assert_eq!(
        (&relay["outcome"], &relay["limit_ms"], &relay["limit_bytes"]),
        (&"passed".into(), &30_000.into(), &65_536.into())
    );
    assert_eq!(Some(relay["via"].as_str().expect("a peer")), address.rsplit('/').next(), "{nat}");
    assert!(relay["expires"].is_string(), "{nat}");
    go.finish();
}

/// What go-libp2p makes of our answer.
fn go_asks(server: &str, version: &str, options: &[&str]) -> Value {
    let mut go = interop::go();
    let output = go.args(["ask", server, "--autonat-version", version]).args(options).output().expect("go-peer runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn ours_dials_go_back() {
    let home = tempfile::tempdir().expect("a folder");
    let (listener, addresses) = listen::start(home.path(), &["--ephemeral"]);
    for version in ["1", "2"] {
        for listen in ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"] {
            let told = go_asks(&addresses[0], version, &["--listen", listen]);
            assert_eq!(told["ok"], true, "version {version}, {listen}: {told}");
        }
        let about = |address| go_asks(&addresses[0], version, &["--listen", "/ip4/127.0.0.1/tcp/0", "--about", address]);
        let closed = about("/ip4/127.0.0.1/tcp/1");
        assert_eq!((&closed["ok"], &closed["refused"]), (&false.into(), &false.into()), "version {version}: {closed}");
        let nowhere = about("/dns4/victim.test/tcp/80");
        assert_eq!((&nowhere["ok"], &nowhere["refused"]), (&false.into(), &true.into()), "version {version}: {nowhere}");
    }
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

#[test]
fn ours_gives_a_slot() {
    let home = tempfile::tempdir().expect("a folder");
    let options = ["--ephemeral", "--relay", "--relay-time", "30s", "--relay-bytes", "65536"];
    let (listener, addresses) = listen::start(home.path(), &options);
    let relay = &nat(home.path(), &addresses[0])["relays"][0];
    assert_eq!(
        (&relay["outcome"], &relay["limit_ms"], &relay["limit_bytes"]),
        (&"passed".into(), &30_000.into(), &65_536.into())
    );
    let through = relay["addresses"].as_array().into_iter().flatten().filter_map(Value::as_str);
    assert!(through.into_iter().all(|address| address.ends_with("/p2p-circuit")), "{relay}");
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

/// A server that is slow holds up nothing that others know.
#[test]
fn what_is_known_is_told_before_a_slow_answer() {
    let home = tempfile::tempdir().expect("a folder");
    let (listener, addresses) = listen::start(home.path(), &["--ephemeral"]);
    let script = json!({
        "identify": { "protocols": ["/ipfs/id/1.0.0", "/libp2p/autonat/2/dial-request"] },
        "autonat": { "does": "hang" },
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let run = runtime.block_on(async {
        let slow = Peer::Libp2p(serde_json::from_value(script).expect("a script")).start(&Authority::new()).await;
        let via = format!("/ip4/127.0.0.1/tcp/{}", slow.port);
        let arguments = ["nat", "--via", &addresses[0], &via, "--deadline", "4s", "--format", "ndjson"];
        let command = program::command(home.path(), arguments);
        tokio::task::spawn_blocking(|| program::run(command)).await.expect("a run")
    });
    assert_eq!(rules::fold(&run.stdout), Vec::<String>::new());
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let place = |what: &dyn Fn(&Value) -> bool| lines.iter().position(what).unwrap_or_else(|| panic!("missing: {}", run.stdout));
    let slow = place(&|line| line["by"]["method"] == "autonat-v2");
    for transport in ["quic", "tcp"] {
        let known = place(&|line| line["transport"] == transport && line["by"]["method"] == "dialback");
        assert!(known < slow, "{}", run.stdout);
    }
    assert_eq!(lines[slow]["by"]["why"]["code"], "deadline", "{}", lines[slow]);
    assert_eq!(lines.last().map(|line| &line["report"]["complete"]), Some(&true.into()), "{}", run.stdout);
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

/// A node beside the one that asks is dialed by no other implementation.
#[test]
fn a_check_by_others_is_unknown() {
    let home = tempfile::tempdir().expect("a folder");
    let (go, address) = go_serves(&["--autonat", "open"]);
    let arguments = ["nat", "--via", &address, "--check", "/ip4/0.0.0.0/tcp/4001", "--format", "json"];
    let run = program::run(program::command(home.path(), arguments));
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no report: {}", run.stderr));
    assert_eq!((run.exit, &report["verdict"]["code"]), (1, &"inconclusive".into()), "{report}");
    let inbound = report["nat"]["inbound"].as_array().into_iter().flatten();
    let check = inbound.into_iter().find(|dial| dial["by"][0]["method"] == "check").expect("a check");
    assert_eq!(check["by"][0]["why"]["code"], "not-offered", "{check}");
    go.finish();
}
