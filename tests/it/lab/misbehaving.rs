//! Gateways that misbehave: they are named, they hold nothing up, and they lead nobody astray. And runs that are cut short while
//! a gateway has a port mapped.

use super::gateway::{self, Script};
use super::network::{Network, Router};
use super::{self as lab, HELPERS, load};
use crate::expect;
use crate::program::{self, Live};
use crate::rules::{self, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

/// Networks at once.
const AT_A_TIME: usize = 2;
/// Runs that are begun to have a signal cut one short.
const TRIES: usize = 3;
/// Who is asked in vain: without a vantage point only the gateway is left.
const NOBODY: &str = "/ip4/11.22.33.1/tcp/9";
const GATEWAY: &str = "192.168.7.1";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fault: Vec<Misbehaviour>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Misbehaviour {
    behaviour: String,
    upnp: Value,
    #[serde(default = "nobody")]
    nat_pmp: Value,
    #[serde(default = "nobody")]
    pcp: Value,
}

fn nobody() -> Value {
    json!({ "outcome": "failed", "cause": { "code": "no-gateway" } })
}

/// The misbehaviours, all or those whose names contain `LAB`.
fn misbehaviours() -> Vec<Misbehaviour> {
    all().into_iter().filter(|fault| lab::is_wanted(&fault.behaviour)).collect()
}

fn all() -> Vec<Misbehaviour> {
    let file: File = toml::from_str(include_str!("../../lab/gateway/faults.toml")).expect("faults.toml");
    file.fault
}

/// What they are called.
pub fn names() -> Vec<String> {
    all().into_iter().map(|fault| fault.behaviour).collect()
}

#[test]
fn gateways_that_misbehave_harm_nobody() {
    let (schema, all) = (Schema::of_reports(), misbehaviours());
    let per_network = all.len().div_ceil(AT_A_TIME).max(1);
    let faults: Vec<String> = std::thread::scope(|scope| {
        let networks: Vec<_> = all.chunks(per_network).map(|chunk| scope.spawn(|| in_one_network(chunk, &schema))).collect();
        networks.into_iter().flat_map(|network| network.join().expect("no panic")).collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn in_one_network(misbehaviours: &[Misbehaviour], schema: &Schema) -> Vec<String> {
    let home = tempfile::tempdir().expect("a folder");
    let router: Router = toml::from_str("inside = \"192.168.7.1/24\"\nsource = \"masquerade\"").expect("a router");
    let network = Network::new("192.168.7.5/24", &[], &[router], &HELPERS);
    let trap = Script::start(&network, "a", "a trap", GATEWAY);
    let mut faults = Vec::new();
    for misbehaviour in misbehaviours {
        let gateway = Script::start(&network, "r1", &misbehaviour.behaviour, GATEWAY);
        let mut command = network.command("c", "timeout");
        program::settle(&mut command, home.path());
        command.args(["--kill-after=5", program::HANGS_AFTER]).arg(program::binary());
        command.args(["nat", "--format", "json", "--via", NOBODY]);
        let run = program::run(command);
        drop(gateway);
        let found = misbehaviour.judge(&run, schema);
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", misbehaviour.behaviour)));
    }
    let said = trap.end();
    if said != "nobody came" {
        faults.push(format!("the trap says {said}: a gateway led somebody elsewhere"));
    }
    faults
}

impl Misbehaviour {
    fn judge(&self, run: &program::Run, schema: &Schema) -> Vec<String> {
        let mut faults = rules::streams(run);
        let Ok(report) = serde_json::from_str::<Value>(&run.stdout) else {
            faults.push(format!("no report: {}{}", run.stdout, run.stderr));
            return faults;
        };
        faults.extend(schema.faults(&report));
        faults.extend(rules::faults(&report, run.exit));
        // By itself, and not because the time was over.
        expect::compare(&json!(true), &report["complete"], "complete", &mut faults);
        for (name, wanted) in [("upnp", &self.upnp), ("nat-pmp", &self.nat_pmp), ("pcp", &self.pcp)] {
            let told = report["nat"]["port_mapping"].as_array().into_iter().flatten().find(|told| told["protocol"] == name);
            let told = told.cloned().unwrap_or_default();
            if told["message"].as_str().is_some_and(|message| message.len() > 300) {
                faults.push(format!("{name}: the gateway talks at length: {}", told["message"]));
            }
            expect::compare(wanted, &told, name, &mut faults);
        }
        faults
    }
}

/// A run that a signal or its deadline ends while a gateway has a port mapped.
#[test]
fn no_port_stays_mapped_when_a_run_is_cut_short() {
    let name = "two NATs, a gateway with a public-looking address";
    let Some(case) = load().into_iter().find(|case| case.name == name) else { return };
    let home = tempfile::tempdir().expect("a folder");
    let network = Network::new(&case.client, &case.input, &case.routers, &HELPERS);
    let helpers = case.helpers(&network, home.path());
    let _gateways = gateway::start(&network, &case.routers, home.path());
    let run = |deadline: &str, signal: Option<&str>| {
        let mut command = network.command("c", &program::binary().to_string_lossy());
        program::settle(&mut command, home.path());
        command.args(["nat", "--format", "ndjson", "--deadline", deadline]);
        for (_, address) in helpers.values() {
            command.args(["--via", address]);
        }
        let mut watch = gateway::Watch::start(&network, "r1");
        let running = Live::start(command);
        if let Some(signal) = signal {
            // The dial through the mapping does not arrive, so that it lasts a while.
            assert!(watch.mapped(), "no port is ever mapped");
            running.signal(signal);
        }
        let run = running.finish();
        assert_eq!(gateway::left(&network, &case.routers), Vec::<String>::new(), "{}", run.stdout);
        run
    };
    // A run may end before the signal comes: that is none.
    let cut_short = (0..TRIES).map(|_| run("15s", Some("INT"))).find(|run| run.exit != 1);
    assert_eq!(cut_short.map(|run| run.exit), Some(130), "no signal cuts a run short");
    let late = run("4s", None);
    assert_eq!(late.exit, 1, "{}", late.stdout);
}

/// A mapping changes what the tests would see: no port is mapped before the last of them is over.
#[test]
fn gateways_are_asked_when_the_tests_are_over() {
    let Some(case) = load().into_iter().find(|case| case.name == "a gateway that maps ports") else { return };
    let home = tempfile::tempdir().expect("a folder");
    let network = Network::new(&case.client, &case.input, &case.routers, &HELPERS);
    let helpers = case.helpers(&network, home.path());
    let _gateways = gateway::start(&network, &case.routers, home.path());
    let mut command = network.command("c", &program::binary().to_string_lossy());
    program::settle(&mut command, home.path());
    command.args(["nat", "--format", "ndjson"]);
    for (_, address) in helpers.values() {
        command.args(["--via", address]);
    }
    let run = Live::start(command).finish();
    let events: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    let first = events.iter().position(|event| event["found"] == "port-mapping" && event["outcome"] == "passed");
    let first = first.unwrap_or_else(|| panic!("nothing is mapped: {}", run.stdout));
    let tests = ["mapping", "filtering", "inbound", "hairpin"];
    let late: Vec<&Value> = events[first..].iter().filter(|event| tests.iter().any(|test| event["found"] == *test)).collect();
    assert!(late.is_empty(), "tested once a port was mapped: {late:?}");
}
