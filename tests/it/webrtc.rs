//! Other implementations over webrtc-direct, in both versions of the protocol.

use crate::interop::{go, py};
use crate::listen;
use crate::program::{self, Live};
use crate::rules;
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};

const LISTEN: &str = "/ip4/127.0.0.1/udp/0/webrtc-direct";
const STALE: &str = "uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const SOMEBODY_ELSE: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";

/// A peer that listens, and the parts of its address.
struct Serving {
    live: Live,
    peer: String,
    place: String,
    certhash: String,
}

impl Serving {
    fn start(mut peer: Command) -> Self {
        peer.args(["serve", "--listen", LISTEN]);
        let mut live = Live::start(peer);
        let ready = live.next_json();
        let address = ready["addrs"][0].as_str().unwrap_or_else(|| panic!("no address: {ready}"));
        let (place, rest) = address.split_once("/certhash/").unwrap_or_else(|| panic!("no certhash: {address}"));
        let (certhash, peer) = rest.split_once("/p2p/").unwrap_or_else(|| panic!("no peer: {address}"));
        Self { peer: peer.into(), place: place.into(), certhash: certhash.into(), live }
    }

    fn address(&self) -> String {
        format!("{}/certhash/{}/p2p/{}", self.place, self.certhash, self.peer)
    }
}

/// Dials and gives the report, which keeps the rules of all reports.
fn dial(address: &str, options: &[&str], exit: i32) -> Value {
    let home = tempfile::tempdir().expect("a folder");
    let arguments = ["dial", address, "--no-announced", "--format", "json"].into_iter().chain(options.iter().copied());
    let run = program::run(program::command(home.path(), arguments));
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no report: {}", run.stderr));
    assert_eq!(run.exit, exit, "{report}");
    assert_eq!(rules::faults(&report, exit), Vec::<String>::new(), "{report}");
    report
}

/// What a peer tells of its dial, which worked.
fn told(output: &Output) -> Value {
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(told["ok"], true, "{told}");
    told
}

/// What the stage of an attempt tells.
fn stage(report: &Value, attempt: usize, name: &str) -> Value {
    let stages = report["attempts"][attempt]["stages"].as_array().expect("stages");
    stages.iter().find(|stage| stage["stage"] == name).cloned().unwrap_or_else(|| panic!("no stage {name}: {report}"))
}

/// Every stage passed, and the peer is the one meant.
fn works(report: &Value, attempt: usize, serving: &Serving) {
    for name in ["connect", "dtls", "channel", "secure", "identify", "ping"] {
        assert_eq!(stage(report, attempt, name)["outcome"], "passed", "{name}: {report}");
    }
    assert_eq!(report["peers"][0]["id"], serving.peer.as_str(), "{report}");
}

/// A peer that speaks both versions: dialed in each, in whichever answers, and in both.
fn is_dialed_in_both(serving: &Serving) {
    let address = serving.address();
    works(&dial(&address, &[], 0), 0, serving);
    for version in ["v1", "v2"] {
        let report = dial(&address, &["--webrtc", version], 0);
        works(&report, 0, serving);
        assert_eq!(report["attempts"][0]["version"], version, "{report}");
        // An answer that takes half a second lets the other version be asked for too: what it says to that is left open.
        let versions = &stage(&report, 0, "secure")["found"]["versions"];
        assert_eq!((&versions[version], versions.get("unanswered")), (&json!(true), None), "{report}");
    }
    let report = dial(&address, &["--webrtc", "both"], 0);
    works(&report, 0, serving);
    works(&report, 1, serving);
}

/// An address with a flaw is told with its cause, and with the address that works where that can be known.
fn flaws_are_told(serving: &Serving) {
    let stale = dial(&format!("{}/certhash/{STALE}/p2p/{}", serving.place, serving.peer), &[], 1);
    assert_eq!(stage(&stale, 0, "dtls")["cause"], json!({"code": "cert-hash-mismatch", "actual": serving.certhash}), "{stale}");
    assert_eq!(stale["verdict"]["code"], "stale-certhash", "{stale}");
    assert_eq!(stale["verdict"]["hints"][0]["address"], serving.address().as_str(), "{stale}");

    let wrong = dial(&format!("{}/certhash/{}/p2p/{SOMEBODY_ELSE}", serving.place, serving.certhash), &[], 1);
    assert_eq!(stage(&wrong, 0, "secure")["cause"], json!({"code": "wrong-peer", "actual": serving.peer}), "{wrong}");

    let bare = format!("{}/p2p/{}", serving.place, serving.peer);
    let missing = dial(&bare, &[], 1);
    assert_eq!(missing["attempts"][0]["cause"]["code"], "certhash-missing", "{missing}");
    works(&dial(&bare, &["--learn-certhash"], 0), 0, serving);
}

#[test]
fn go_is_dialed_over_webrtc_in_both_versions() {
    let serving = Serving::start(go());
    is_dialed_in_both(&serving);
    flaws_are_told(&serving);
    serving.live.finish();
}

#[test]
fn py_is_dialed_over_webrtc_in_both_versions() {
    let serving = Serving::start(py());
    is_dialed_in_both(&serving);
    serving.live.finish();
}

/// Lets the peer dial us in each version; we must have seen in which, and who it was.
fn dials_us_in_both(peer: fn() -> Command) {
    let home = tempfile::tempdir().expect("a folder");
    let (mut listener, addresses) = listen::start_on(home.path(), &[LISTEN], &["--ephemeral"]);
    for (version, answered) in [("1", json!({"v1": true, "v2": null})), ("2", json!({"v1": null, "v2": true}))] {
        let mut dial = peer();
        dial.args(["dial", &addresses[0], "--dial-version", version, "--pings", "3"]);
        told(&dial.output().expect("the peer runs"));
        let connected = listener.until(|line| line["event"] == "stage-ended" && line["stage"] == "connect");
        assert_eq!(connected["found"]["versions"], answered, "{connected}");
        let secured = listener.until(|line| line["event"] == "stage-ended" && line["stage"] == "secure");
        assert_eq!(secured["outcome"], "passed", "{secured}");
    }
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

#[test]
fn go_dials_us_over_webrtc_in_both_versions() {
    dials_us_in_both(go);
}

#[test]
fn py_dials_us_over_webrtc_in_both_versions() {
    dials_us_in_both(py);
}

/// Twenty pings on one stream, one a second: each is answered long before the next is due, in both versions.
#[test]
fn a_ping_each_second_is_answered_at_once() {
    let home = tempfile::tempdir().expect("a folder");
    let (listener, addresses) = listen::start_on(home.path(), &[LISTEN], &["--ephemeral"]);
    let start = |version| {
        let mut dial = go();
        dial.args(["dial", &addresses[0], "--dial-version", version, "--pings", "20", "--ping-interval", "1s"]);
        dial.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("go-peer runs")
    };
    for dialer in ["1", "2"].map(start) {
        let told = told(&dialer.wait_with_output().expect("go-peer ends"));
        let pings: Vec<f64> = told["ping_ms"].as_array().expect("pings").iter().filter_map(Value::as_f64).collect();
        assert_eq!(pings.len(), 20, "{told}");
        assert!(pings.iter().all(|ping| *ping < 1000.0), "{told}");
    }
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

/// And the other way: go's responder answers all of ours on one stream.
#[test]
fn go_answers_twenty_pings_on_one_stream() {
    let serving = Serving::start(go());
    for version in ["v1", "v2"] {
        let report = dial(&serving.address(), &["--webrtc", version, "--ping", "20"], 0);
        let found = stage(&report, 0, "ping")["found"].clone();
        assert_eq!((&found["sent"], &found["received"]), (&20.into(), &20.into()), "{found}");
        assert_eq!(found["responder_stall_ms"], Value::Null, "{found}");
    }
    serving.live.finish();
}
