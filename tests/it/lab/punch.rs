//! Hole punching between two hosts behind NATs: `tests/lab/punch/*.toml` says what NATs, who dials whom, over what, and what
//! is true. Plain sockets establish the truth first; then `dial --punch`, through `listen --relay`, has to agree, and tells of
//! each round.

use super::network::{Network, Router, Site};
use super::referee::{self, Meet};
use crate::interop;
use crate::program::{self, Live, Run};
use crate::rules::{self, Schema};
use crate::{expect, lab};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Those that fail wait most of the time.
const AT_A_TIME: usize = 4;
const RELAY: (&str, &str) = ("a", "11.22.33.1/24");
/// As the protocol has them.
const ROUNDS: u64 = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The kinds of NAT by name.
    nat: BTreeMap<String, Kind>,
    case: Vec<Case>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    source: String,
    #[serde(default)]
    udp: String,
}

/// What can be, by transport, is in `truth`; what is to become of it follows from that.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    name: String,
    /// The kinds of NAT of the two.
    dialer: String,
    target: String,
    /// Who the two are: `ours` or `go`.
    #[serde(default = "ours")]
    dials: String,
    #[serde(default = "ours")]
    is_dialed: String,
    /// How much later packets arrive between each NAT and the wire, in milliseconds.
    #[serde(default = "ten")]
    delay: u32,
    /// Whether the NATs refuse what they do not expect.
    #[serde(default)]
    refuse: bool,
    /// How the two come to the relay.
    #[serde(default)]
    ways: Ways,
    /// Whether plain sockets meet, by transport: `tcp`, `quic`.
    truth: BTreeMap<String, Meet>,
    /// Part of what is told of a punch that is to fail, or of one that is to work, beside what is told of every one.
    #[serde(default)]
    told: Value,
}

/// How the two come to the relay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Ways {
    /// Over the same transport, one after the other; the target listens on that alone.
    #[default]
    Alike,
    /// The target as before; who dials it comes to the relay over the other one.
    Crossed,
    /// The target over both; who dials it over TCP.
    Both,
    /// Both over TCP alone, and the target listens on both.
    Single,
}

fn ours() -> String {
    "ours".into()
}

fn ten() -> u32 {
    10
}

#[test]
fn holes_are_punched_where_plain_sockets_meet() {
    let schema = Schema::of_reports();
    lab::each(load(), AT_A_TIME, |(case, _)| case.name.clone(), |(case, kinds)| case.try_out(kinds, &schema));
}

/// All cases, or those whose names contain `LAB`.
fn load() -> Vec<(Case, BTreeMap<String, Kind>)> {
    let mut cases = all();
    cases.retain(|(case, _)| lab::is_wanted(&case.name));
    cases
}

/// What all of them are called.
pub fn names() -> Vec<String> {
    all().into_iter().map(|(case, _)| case.name).collect()
}

fn all() -> Vec<(Case, BTreeMap<String, Kind>)> {
    let mut cases = Vec::new();
    for (path, text) in lab::files("tests/lab/punch") {
        let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        cases.extend(file.case.into_iter().map(|case| (case, file.nat.clone())));
    }
    for (case, _) in &mut cases {
        let policy = if case.refuse { ", refused" } else { "" };
        let who = if case.dials == case.is_dialed { String::new() } else { format!(", {} dials {}", case.dials, case.is_dialed) };
        let ways = match case.ways {
            Ways::Alike => "",
            Ways::Crossed => ", over another transport",
            Ways::Both => ", over both transports",
            Ways::Single => ", over TCP to the relay",
        };
        case.name = format!("punch: {} to {}{policy}{who}{ways}{}", case.dialer, case.target, case.name);
    }
    cases
}

impl Case {
    fn try_out(&self, kinds: &BTreeMap<String, Kind>, schema: &Schema) -> Vec<String> {
        let home = tempfile::tempdir().expect("a folder");
        let router = |kind: &str, inside: &str, outside: &str| {
            let Kind { source, udp } = kinds.get(kind).unwrap_or_else(|| panic!("no NAT is called {kind}"));
            [Router::plain(inside, outside, source, udp, self.refuse)]
        };
        let inner = router(&self.dialer, "192.168.7.1/24", "11.22.35.9/24");
        let outer = router(&self.target, "192.168.8.1/24", "11.22.36.9/24");
        let sites = [
            Site { host: "c", address: "192.168.7.5/24", routers: &inner, delay: Some(self.delay) },
            Site { host: "d", address: "192.168.8.5/24", routers: &outer, delay: Some(self.delay) },
        ];
        let network = Network::of(&sites, &[], &[RELAY]);
        for (transport, expected) in &self.truth {
            let layer = if transport == "quic" { "udp" } else { "tcp" };
            let actual = referee::meet(&network, layer, *expected);
            if actual != *expected {
                return vec![format!("the network is not as it says: over {layer} plain sockets meet: {actual:?}")];
            }
        }
        let (_relay, relay) = listening(&network, home.path(), RELAY.0, &["--relay", "--port", "4011"], 2);
        let trial =
            |transport, truth| Trial { case: self, network: &network, home: home.path(), relay: &relay, transport, truth };
        let trials: Vec<_> = match self.ways {
            Ways::Both | Ways::Single => vec![trial("tcp", self.truth["tcp"])],
            Ways::Alike | Ways::Crossed => self.truth.iter().map(|(transport, truth)| trial(transport, *truth)).collect(),
        };
        std::thread::scope(|scope| {
            let running: Vec<_> = trials.iter().map(|trial| scope.spawn(|| trial.run(schema))).collect();
            running.into_iter().flat_map(|trial| trial.join().expect("no panic")).collect()
        })
    }
}

/// Whether a connection without the relay is to come about over a transport.
fn works(transport: &str, truth: Meet) -> bool {
    truth == Meet::Yes || (truth == Meet::Reversed && transport == "quic")
}

/// Where a target listens.
fn listen(transport: &str) -> &'static str {
    if transport == "quic" { "/ip4/0.0.0.0/udp/4001/quic-v1" } else { "/ip4/0.0.0.0/tcp/4001" }
}

/// The transport of an address.
fn over(address: &str) -> &'static str {
    if address.contains("/quic-v1") { "quic" } else { "tcp" }
}

/// A listener and its first addresses of the outside.
fn listening(network: &Network, home: &Path, host: &str, arguments: &[&str], count: usize) -> (Live, Vec<String>) {
    let mut command = network.command(host, &program::binary().to_string_lossy());
    program::settle(&mut command, home);
    command.args(["listen", "--format", "ndjson", "--ephemeral"]).args(arguments);
    let mut running = Live::start(command);
    let mut addresses = Vec::new();
    while addresses.len() < count {
        let line = running.until(|line| line["event"] == "listening");
        let address = line["address"].as_str().expect("an address");
        if !address.contains("/ip4/127.") && ["/tcp/4011/p2p/", "/quic-v1/p2p/"].iter().any(|part| address.contains(part)) {
            addresses.push(address.to_owned());
        }
    }
    (running, addresses)
}

/// One punch over one transport.
struct Trial<'a> {
    case: &'a Case,
    network: &'a Network,
    home: &'a Path,
    /// Its addresses.
    relay: &'a [String],
    /// Of the target.
    transport: &'a str,
    truth: Meet,
}

impl Trial<'_> {
    fn relay(&self, transport: &str) -> &str {
        self.relay.iter().find(|address| over(address) == transport).expect("an address of the relay")
    }

    /// How the relay is dialed by who dials the target through it.
    fn crossed(&self, circuit: &str) -> String {
        let (_, target) = circuit.split_once("/p2p-circuit").expect("a circuit");
        let other = if self.transport == "tcp" { "quic" } else { "tcp" };
        let transport = if self.case.ways == Ways::Crossed { other } else { self.transport };
        format!("{}/p2p-circuit{target}", self.relay(transport))
    }

    fn run(&self, schema: &Schema) -> Vec<String> {
        let mut faults = match (self.case.dials.as_str(), self.case.is_dialed.as_str()) {
            ("ours", "ours") => {
                let (target, circuit) = self.ours();
                let mut faults = self.judge(&self.dial(&circuit), schema);
                faults.extend(self.judge_target(target));
                faults
            }
            ("ours", _) => {
                let (target, circuit) = self.go_behind();
                let faults = self.judge(&self.dial(&circuit), schema);
                target.finish();
                faults
            }
            _ => {
                let (target, circuit) = self.ours();
                let mut faults = self.judge_go(&self.go_dials(&circuit));
                faults.extend(self.judge_target(target));
                faults
            }
        };
        for fault in &mut faults {
            *fault = format!("{}: {fault}", self.transport);
        }
        faults
    }

    /// Whether a connection without the relay is to come about. On its last round a target that is not met is the client.
    fn works(&self) -> bool {
        match self.case.ways {
            Ways::Both | Ways::Single => self.case.truth.iter().any(|(transport, truth)| works(transport, *truth)),
            Ways::Alike | Ways::Crossed => works(self.transport, self.truth),
        }
    }

    /// Ours behind the relay.
    fn ours(&self) -> (Live, String) {
        let mut command = self.network.command("d", &program::binary().to_string_lossy());
        program::settle(&mut command, self.home);
        command.args(["listen", "--format", "ndjson", "--ephemeral", "--no-page"]);
        let (listens, comes): (&[_], &[_]) = match self.case.ways {
            Ways::Alike | Ways::Crossed => (&[self.transport], &[self.transport]),
            Ways::Both => (&["tcp", "quic"], &["tcp", "quic"]),
            Ways::Single => (&["tcp", "quic"], &["tcp"]),
        };
        for transport in listens {
            command.args(["--listen", listen(transport)]);
        }
        for transport in comes {
            command.args(["--via", self.relay(transport)]);
        }
        let mut target = Live::start(command);
        let circuit = |line: &Value| line["address"].as_str().is_some_and(|address| address.contains("/p2p-circuit/p2p/"));
        let mut own = || target.until(|line| line["event"] == "listening" && circuit(line))["address"].clone();
        let circuits: Vec<Value> = comes.iter().map(|_| own()).collect();
        let circuit = self.crossed(circuits[0].as_str().expect("an address"));
        (target, circuit)
    }

    fn dial(&self, circuit: &str) -> Run {
        let mut command = self.network.command("c", "timeout");
        program::settle(&mut command, self.home);
        command.args(["--kill-after=5", program::HANGS_AFTER]).arg(program::binary());
        program::run({
            command.args(["dial", circuit, "--punch", "--no-announced", "--format", "json"]);
            command
        })
    }

    fn go(&self, host: &str) -> std::process::Command {
        let mut command = self.network.command(host, &interop::go().get_program().to_string_lossy());
        program::settle(&mut command, self.home);
        command
    }

    /// go-libp2p behind the relay.
    fn go_behind(&self) -> (Live, String) {
        let mut command = self.go("d");
        command.args(["serve", "--punch", "--listen", listen(self.transport), "--via", self.relay(self.transport)]);
        let mut target = Live::start(command);
        let ready = target.next_json();
        let addresses = ready["addrs"].as_array().unwrap_or_else(|| panic!("no addresses: {ready}"));
        // It listens on `/p2p-circuit` too.
        let circuit = |address: &&str| address.starts_with("/ip4/") && address.contains("/p2p-circuit/");
        let circuit = addresses.iter().filter_map(Value::as_str).find(circuit);
        (target, self.crossed(circuit.expect("an address through the relay")))
    }

    fn go_dials(&self, circuit: &str) -> Run {
        let mut command = self.go("c");
        command.args(["dial", circuit, "--punch", "--pings", "0"]);
        program::run(command)
    }

    fn judge(&self, run: &Run, schema: &Schema) -> Vec<String> {
        let mut faults = rules::streams(run);
        let Ok(report) = serde_json::from_str::<Value>(&run.stdout) else {
            return vec![format!("no report: {}{}", run.stdout, run.stderr)];
        };
        faults.extend(schema.faults(&report));
        faults.extend(rules::faults(&report, 0));
        let punches = report["nat"]["hole_punches"].as_array().map_or(&[][..], Vec::as_slice);
        if punches.len() != 2 {
            faults.push(format!("{} punches are told", punches.len()));
        }
        for punch in punches {
            match self.case.ways {
                Ways::Both | Ways::Single => self.judge_one_of_both(punch, &mut faults),
                Ways::Alike | Ways::Crossed if punch["transport"] == self.transport => self.judge_punch(punch, &mut faults),
                // The target listens on no other transport.
                Ways::Alike | Ways::Crossed => {
                    let other = serde_json::json!({ "outcome": "unknown", "why": { "code": "not-offered" } });
                    expect::compare(&other, punch, "the other punch", &mut faults);
                }
            }
        }
        self.judge_stages(&report, &mut faults);
        let warned = expect::codes(&report, "warnings").contains(&"hole-punch-failed");
        if warned == self.works() {
            faults.push(format!("warned of the punch: {warned}"));
        }
        if !faults.is_empty() {
            faults.push(format!("the report: {report}"));
        }
        faults
    }

    /// One transport of two that are tried at once: the one that works first ends the rounds, and of the other nothing need be
    /// known.
    fn judge_one_of_both(&self, punch: &Value, faults: &mut Vec<String>) {
        let transport = punch["transport"].as_str().unwrap_or_default();
        let works = self.case.truth.get(transport).is_some_and(|truth| works(transport, *truth));
        let outcome = punch["outcome"].as_str().unwrap_or_default();
        let fits = match outcome {
            "passed" => works,
            // A round that failed, before another one in which the other transport works.
            "failed" => !works || self.case.truth[transport] == Meet::Reversed,
            _ => self.works() && punch["why"]["code"] == "not-reached",
        };
        if !fits {
            faults.push(format!("over {transport}: {outcome}"));
        }
    }

    fn judge_punch(&self, punch: &Value, faults: &mut Vec<String>) {
        let outcome = if self.works() { "passed" } else { "failed" };
        let expected = serde_json::json!({ "transport": self.transport, "outcome": outcome, "peer": "*", "attempt": 1 });
        expect::compare(&expected, punch, "punch", faults);
        if self.works() {
            // The dialer's port is the one that the relay has seen, whatever a NAT has made of it.
            expect::compare(&true.into(), &punch["from_listen_port"], "punch.from_listen_port", faults);
            expect::compare(&(self.truth == Meet::Yes).into(), &punch["from_told_port"], "punch.from_told_port", faults);
        }
        if !self.case.told.is_null() {
            expect::compare(&self.case.told, punch, "punch", faults);
        }
        let rounds = punch["rounds"].as_u64().unwrap_or(0);
        let fits = match self.truth {
            Meet::Yes => rounds >= 1,
            Meet::Reversed | Meet::No => rounds == ROUNDS,
        };
        if !fits {
            faults.push(format!("it took {rounds} rounds"));
        }
        // Two links each way.
        let rtt = punch["rtt_ms"].as_f64().unwrap_or(0.0);
        if rtt < 4.0 * f64::from(self.case.delay) {
            faults.push(format!("the round trip of {rtt} ms is shorter than the line"));
        }
    }

    fn judge_stages(&self, report: &Value, faults: &mut Vec<String>) {
        let stages = expect::stages(&report["attempts"][0]);
        let punching: Vec<&Value> = stages.iter().filter(|stage| is_punching(stage)).collect();
        let cause = if self.case.refuse && self.transport == "tcp" { "refused" } else { "timed-out" };
        self.judge_rounds(&punching, cause, faults);
    }

    /// CONNECT, SYNC and the direct dial of each round: all pass but the direct dials that come to nothing.
    fn judge_rounds(&self, stages: &[&Value], cause: &str, faults: &mut Vec<String>) {
        for (place, stage) in stages.iter().enumerate() {
            let name = ["dcutr-connect", "dcutr-sync", "direct"][place % 3];
            let last = place + 1 == stages.len();
            let outcome = if name != "direct" || (last && self.works()) { "passed" } else { "failed" };
            expect::compare(&serde_json::json!({ "stage": name, "outcome": outcome }), stage, "stage", faults);
            if outcome == "failed" {
                expect::compare(&cause.into(), &stage["cause"]["code"], "direct.cause", faults);
            }
        }
        let last = stages.last().map_or(&Value::Null, |stage| &stage["stage"]);
        expect::compare(&"direct".into(), last, "the last stage", faults);
    }

    /// The target tells of the same rounds.
    fn judge_target(&self, mut target: Live) -> Vec<String> {
        let of_relayed = |line: &Value| line["direction"] == "inbound" && line["transport"] == "relay";
        let relayed = target.until(|line| line["event"] == "attempt-planned" && of_relayed(line))["attempt"].clone();
        let mut stages = Vec::new();
        loop {
            let line = target.until(|line| line["attempt"] == relayed);
            match line["event"].as_str() {
                Some("attempt-ended") => break,
                Some("stage-ended") if is_punching(&line) => stages.push(line),
                _ => {}
            }
        }
        target.signal("TERM");
        target.finish();
        let mut faults = Vec::new();
        self.judge_rounds(&stages.iter().collect::<Vec<_>>(), "timed-out", &mut faults);
        let failed = stages.iter().filter(|stage| stage["outcome"] == "failed").count();
        if self.works() {
            let last = stages.last().unwrap_or(&Value::Null);
            expect::compare(&"*".into(), &last["found"]["remote"], "remote", &mut faults);
        } else if u64::try_from(failed) != Ok(ROUNDS) {
            faults.push(format!("{failed} rounds failed"));
        }
        if !faults.is_empty() {
            faults.push(format!("its stages: {}", Value::Array(stages)));
        }
        faults.into_iter().map(|fault| format!("the target tells: {fault}")).collect()
    }

    fn judge_go(&self, run: &Run) -> Vec<String> {
        let told: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
        let met = told["ok"] == true && told["direct"].is_string();
        if met == self.works() { Vec::new() } else { vec![format!("go says {}{}", run.stdout, run.stderr)] }
    }
}

fn is_punching(stage: &Value) -> bool {
    stage["stage"].as_str().is_some_and(|name| name.starts_with("dcutr-") || name == "direct")
}
