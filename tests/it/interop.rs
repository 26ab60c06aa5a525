//! Other implementations: go-libp2p and js-libp2p, dialed by us and dialing us.

use crate::certificate::Authority;
use crate::listen;
use crate::peer::Peer;
use crate::program::{self, Live};
use crate::rules;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A foreign peer: a command line from the environment, else what `tests/interop/prepare` made.
fn foreign(variable: &str, prepared: &str) -> Command {
    let line = std::env::var(variable).unwrap_or_else(|_| self::prepared(prepared).display().to_string());
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_else(|| panic!("{variable} is empty"));
    assert!(!program.contains('/') || Path::new(program).exists(), "{program} is missing: run tests/interop/prepare");
    let mut command = Command::new(program);
    command.args(words);
    command
}

/// What `prepare` put there.
pub fn prepared(name: &str) -> PathBuf {
    cache().join("interop").join(name)
}

/// Where the tests keep what takes long to make.
pub fn cache() -> PathBuf {
    let folder = |variable| std::env::var_os(variable).map(PathBuf::from);
    let user = || folder("XDG_CACHE_HOME").unwrap_or_else(|| folder("HOME").expect("HOME is set").join(".cache"));
    folder("P2P_PROBE_CACHE").unwrap_or_else(|| user().join("p2p-probe"))
}

pub fn go() -> Command {
    foreign("P2P_PROBE_GO_PEER", "go-peer")
}

pub fn js() -> Command {
    foreign("P2P_PROBE_JS_PEER", "js/run")
}

pub fn py() -> Command {
    foreign("P2P_PROBE_PY_PEER", "py/run")
}

/// Dials every address that the peer listens on, and expects each to work without a flaw.
fn dial_them(mut peer: Command, options: &[&str]) {
    let authority = Authority::new();
    let [certificate, key] = authority.files();
    peer.arg("serve").args(options).arg("--tls-cert").arg(certificate).arg("--tls-key").arg(key);
    let mut peer = Live::start(peer);
    let ready = peer.next_json();
    let addresses = ready["addrs"].as_array().unwrap_or_else(|| panic!("no addresses: {ready}"));
    let served = |part| addresses.iter().filter_map(Value::as_str).any(|address| address.contains(part));
    assert!(["/tcp/", "/quic-v1/", "/ws/", "/tls/ws/"].into_iter().all(served), "{ready}");
    for address in addresses.iter().filter_map(Value::as_str) {
        let arguments = ["dial", address, "--no-announced", "--format", "json"];
        let run = program::run(program::command(authority.folder(), arguments));
        let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no report: {}", run.stderr));
        assert_eq!(rules::faults(&report, 0), Vec::<String>::new(), "{address}: {report}");
        let stages = report["attempts"][0]["stages"].as_array().into_iter().flatten();
        let failed: Vec<&Value> = stages.filter(|stage| stage["outcome"] != "passed").collect();
        assert!(failed.is_empty(), "{address}: {failed:?}");
        assert_eq!(report["peers"][0]["id"], ready["peer"], "{address}: {report}");
        assert!(report["peers"][0]["agent"].is_string(), "{address}: {report}");
    }
    peer.finish();
}

/// Lets the peer dial each address of our listener; we must have seen who it was.
fn be_dialed(peer: impl Fn() -> Command) {
    let authority = Authority::new();
    let files = authority.files();
    let [certificate, key] = files.each_ref().map(|file| file.to_str().expect("a path in UTF-8"));
    let listen = [&listen::LOOPBACK[..], &["/ip4/127.0.0.1/tcp/0/wss", "/ip4/127.0.0.1/udp/0/webrtc-direct"]].concat();
    let options = ["--ephemeral", "--tls-cert", certificate, "--tls-key", key];
    let (mut listener, addresses) = listen::start_on(authority.folder(), &listen, &options);
    for address in addresses {
        let mut dial = peer();
        dial.args(["dial", &address, "--pings", "10", "--tls-ca"]).arg(authority.folder().join("ca.pem"));
        let output = dial.output().expect("the peer runs");
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{address}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!(told["ok"], true, "{address}: {told}");
        // Whether it answers our identify before it leaves is its own business; who it is, it has proved.
        let mut known = false;
        listener.until(|line| {
            known = known || line["found"]["peer"].is_string();
            line["event"] == "attempt-ended"
        });
        assert!(known, "{address}");
    }
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

/// The healthy peers of the scenarios stand for real ones, so a real one has to get along with them.
#[test]
fn go_accepts_the_scripted_peers() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let authority = Authority::new();
    let certificate = authority.folder().join("ca.pem");
    let variants = [
        ("{}", "/ip4/127.0.0.1/tcp/{port}"),
        (r#"{"security": ["/tls/1.0.0"]}"#, "/ip4/127.0.0.1/tcp/{port}"),
        (r#"{"key": "secp256k1"}"#, "/ip4/127.0.0.1/tcp/{port}"),
        (r#"{"identify": {"does": "in-pieces"}}"#, "/ip4/127.0.0.1/tcp/{port}"),
        (r#"{"transport": "ws"}"#, "/ip4/127.0.0.1/tcp/{port}/ws"),
        (r#"{"transport": "wss"}"#, "/ip4/127.0.0.1/tcp/{port}/tls/sni/node.test/ws"),
        (r#"{"transport": "quic"}"#, "/ip4/127.0.0.1/udp/{port}/quic-v1"),
        (r#"{"transport": "webrtc-direct"}"#, "/ip4/127.0.0.1/udp/{port}/webrtc-direct/certhash/{certhash}"),
    ];
    for (script, address) in variants {
        let script = serde_json::from_str(script).expect("a script");
        let told = runtime.block_on(async {
            let peer = Peer::Libp2p(script).start(&authority).await;
            let address = address.replace("{port}", &peer.port.to_string());
            let address = address.replace("{certhash}", peer.certhash.as_deref().unwrap_or_default());
            let mut dial = go();
            dial.args(["dial", "--tls-ca"]).arg(&certificate).arg(format!("{address}/p2p/{}", peer.id.expect("a node")));
            tokio::task::spawn_blocking(move || dial.output()).await.expect("no panic").expect("go-peer runs")
        });
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains(r#""ok":true"#), "{address}: {told}");
    }
}

#[test]
fn go_is_dialed_over_each_transport() {
    dial_them(go(), &["--webrtc"]);
}

#[test]
fn go_dials_us_over_each_transport() {
    be_dialed(go);
}

#[test]
fn js_is_dialed_over_each_transport() {
    dial_them(js(), &["--webrtc"]);
}

#[test]
fn js_dials_us_over_each_transport() {
    be_dialed(js);
}
