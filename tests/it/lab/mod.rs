//! `p2p-probe nat` in networks of the test's own: `tests/lab/*.toml` says what they are, what is true of them and what is to be
//! said. Plain sockets establish the truth before p2p-probe is asked.

mod gateway;
mod misbehaving;
mod network;
mod punch;
mod referee;

use crate::expect;
use crate::interop;
use crate::program::{self, Live, Run};
use crate::rules::{self, Schema};
pub use network::check_rights;
use network::{Network, Router};
use referee::Behaviour;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Each has six programs at work.
const AT_A_TIME: usize = 2;
const HELPERS: [(&str, &str); 2] = [("a", "11.22.33.1/24"), ("b", "11.22.34.2/24")];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The client's address; without routers it is on the wire that the helpers are on.
    client: String,
    /// From the client outwards.
    #[serde(default)]
    routers: Vec<Router>,
    /// nft rules for what comes in to the client.
    #[serde(default)]
    input: Vec<String>,
    /// The helpers asked.
    #[serde(default = "both")]
    via: Vec<String>,
    /// Hosts at which go-libp2p runs instead of a helper, with these options of go-peer.
    #[serde(default)]
    go: BTreeMap<String, Vec<String>>,
    /// Whether the helpers name each other.
    #[serde(default)]
    partners: bool,
    #[serde(default)]
    args: Vec<String>,
    truth: Truth,
    exit: i32,
    status: String,
    /// Codes that are among the remedies, in this order.
    #[serde(default)]
    remedies: Vec<String>,
    /// Part of `nat`.
    #[serde(default)]
    nat: Value,
}

/// Mapping and filtering as plain sockets see them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Truth {
    udp: Behaviour,
    tcp: Behaviour,
}

fn both() -> Vec<String> {
    HELPERS.map(|(name, _)| name.to_owned()).into()
}

#[test]
fn every_network_is_told_right() {
    let schema = Schema::of_reports();
    each(load(), AT_A_TIME, |case| case.name.clone(), |case| case.try_out(&schema));
}

/// A helper does so much for one address in a minute and no more. Whoever asks again and again is told that, and nothing wrong.
#[test]
fn who_asks_too_often_is_told_so() {
    const OFTEN: usize = 6;
    let case = all().into_iter().find(|case| case.name == "full cone").expect("a case");
    let home = tempfile::tempdir().expect("a folder");
    let network = Network::new(&case.client, &case.input, &case.routers, &HELPERS);
    let helpers = case.helpers(&network, home.path());
    for _ in 0..OFTEN {
        let run = case.ask(&network, home.path(), &helpers);
        let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no report: {}", run.stderr));
        if report["nat"]["status"] == case.status {
            continue;
        }
        let told = (run.exit, &report["nat"]["status"], &report["nat"]["why"]["code"]);
        assert_eq!(told, (1, &"unknown".into(), &"over-limit".into()), "{report}");
        let summary = report["verdict"]["summary"].as_str().expect("a sentence");
        assert!(summary.contains("ask again later"), "{summary}");
        return;
    }
    panic!("a helper did {OFTEN} runs in a minute");
}

/// Tries out all cases, so many at a time.
///
/// # Panics
/// Where there is none, and where one has faults.
fn each<T: Send>(cases: Vec<T>, at_a_time: usize, name: fn(&T) -> String, try_out: impl Fn(&T) -> Vec<String> + Sync) {
    let total = cases.len();
    // A part of the lab is asked for by its name, and may be no part of this.
    assert!(total > 0 || std::env::var_os("LAB").is_some(), "no case has that name");
    let queue = Mutex::new(cases.into_iter());
    let failures = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                while let Some(case) = { queue.lock().expect("no panic").next() } {
                    // What a program of the case does not do is a panic here, and no end of the others.
                    let tried = std::panic::catch_unwind(AssertUnwindSafe(|| try_out(&case)));
                    let faults = tried.unwrap_or_else(|_| vec!["it panicked, see above".into()]);
                    if !faults.is_empty() {
                        failures.lock().expect("no panic").insert(name(&case), faults);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    let mut table = String::new();
    for (name, faults) in &failures {
        let _ = writeln!(table, "\n{name}\n    {}", faults.join("\n    "));
    }
    assert!(failures.is_empty(), "{} of {total} networks were told wrong:\n{table}", failures.len());
}

/// The files of a folder that hold cases, and their text.
fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.map(|path| (path.clone(), std::fs::read_to_string(path).expect("a text file"))).collect()
}

/// Whether a case is of the part of the lab that `LAB` names.
fn is_wanted(name: &str) -> bool {
    name.contains(&std::env::var("LAB").unwrap_or_default())
}

/// All cases, or those whose names contain `LAB`.
fn load() -> Vec<Case> {
    let mut cases = all();
    cases.retain(|case| is_wanted(&case.name));
    cases
}

fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, text) in files("tests/lab") {
        let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        cases.extend(file.case);
    }
    cases
}

impl Case {
    fn try_out(&self, schema: &Schema) -> Vec<String> {
        let home = tempfile::tempdir().expect("a folder");
        let network = Network::new(&self.client, &self.input, &self.routers, &HELPERS);
        let client = self.client.split('/').next().expect("an address");
        let truth = Truth { udp: referee::udp(&network, client), tcp: referee::tcp(&network, client) };
        if truth != self.truth {
            return vec![format!("the network is not as it says: {truth:?}")];
        }
        let helpers = self.helpers(&network, home.path());
        let gateways = gateway::start(&network, &self.routers, home.path());
        let run = self.ask(&network, home.path(), &helpers);
        drop(helpers);
        let mut faults = self.judge(&run, schema);
        faults.extend(gateway::left(&network, &self.routers));
        drop(gateways);
        faults
    }

    /// The helpers by name, with the address that each is asked at.
    fn helpers(&self, network: &Network, home: &Path) -> BTreeMap<String, (Live, String)> {
        let mut helpers = BTreeMap::new();
        let identities = HELPERS.map(|(name, _)| (name, home.join(format!("{name}.key"))));
        let peers: BTreeMap<&str, String> = if self.partners { peers(home, &identities) } else { BTreeMap::new() };
        for ((name, address), (_, identity)) in HELPERS.iter().zip(&identities) {
            let ip = address.split('/').next().expect("an address");
            if let Some(options) = self.go.get(*name) {
                helpers.insert((*name).to_owned(), go(network, name, ip, options));
                continue;
            }
            let mut command = network.command(name, &program::binary().to_string_lossy());
            program::settle(&mut command, home);
            command.args(["listen", "--format", "ndjson", "--identity"]).arg(identity);
            let partner = HELPERS.iter().find(|(other, _)| other != name).filter(|_| self.partners);
            if let Some((other, address)) = partner {
                let ip = address.split('/').next().expect("an address");
                command.args(["--partner", &format!("/ip4/{ip}/tcp/4011/p2p/{}", peers[other])]);
            }
            let mut running = Live::start(command);
            let wanted = format!("/ip4/{ip}/tcp/4011/p2p/");
            let line = running.until(|line| line["address"].as_str().is_some_and(|address| address.starts_with(&wanted)));
            let told = line["address"].as_str().expect("an address").to_owned();
            helpers.insert((*name).to_owned(), (running, told));
        }
        helpers
    }

    fn ask(&self, network: &Network, home: &Path, helpers: &BTreeMap<String, (Live, String)>) -> Run {
        let mut command = network.command("c", "timeout");
        program::settle(&mut command, home);
        command.args(["--kill-after=5", program::HANGS_AFTER]).arg(program::binary()).args(["nat", "--format", "json"]);
        for name in &self.via {
            command.args(["--via", &helpers[name].1]);
        }
        program::run({
            command.args(&self.args);
            command
        })
    }

    fn judge(&self, run: &Run, schema: &Schema) -> Vec<String> {
        let mut faults = rules::streams(run);
        let Ok(report) = serde_json::from_str::<Value>(&run.stdout) else {
            faults.push(format!("no report: {}{}", run.stdout, run.stderr));
            return faults;
        };
        if run.exit != self.exit {
            faults.push(format!("exit code {}, not {}", run.exit, self.exit));
        }
        faults.extend(schema.faults(&report));
        faults.extend(rules::faults(&report, run.exit));
        expect::compare(&Value::from(self.status.as_str()), &report["nat"]["status"], "nat.status", &mut faults);
        if !self.nat.is_null() {
            expect::compare(&self.nat, &report["nat"], "nat", &mut faults);
        }
        let told: Vec<&str> =
            report["nat"]["remedies"].as_array().into_iter().flatten().filter_map(|remedy| remedy["code"].as_str()).collect();
        let mut rest = told.iter();
        if !self.remedies.iter().all(|code| rest.any(|told| told == code)) {
            faults.push(format!("remedies are {told:?}, not {:?}", self.remedies));
        }
        if !faults.is_empty() {
            faults.push(format!("nat: {}", report["nat"]));
        }
        faults
    }
}

/// A node of go-libp2p on TCP and QUIC, and its address over TCP.
fn go(network: &Network, host: &str, ip: &str, options: &[String]) -> (Live, String) {
    let peer = interop::go();
    let mut command = network.command(host, &peer.get_program().to_string_lossy());
    command.args(peer.get_args()).args(["serve", "--listen", &format!("/ip4/{ip}/tcp/4001")]);
    command.args(["--listen", &format!("/ip4/{ip}/udp/4001/quic-v1")]).args(options);
    let mut running = Live::start(command);
    let ready = running.next_json();
    let mut addresses = ready["addrs"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let tcp = addresses.find(|address| address.contains("/tcp/")).expect("TCP").to_owned();
    (running, tcp)
}

/// The peer IDs of identities, which are made by this: partners have to be named before either runs.
fn peers<'a>(home: &Path, identities: &[(&'a str, std::path::PathBuf)]) -> BTreeMap<&'a str, String> {
    let made = identities.iter().map(|(name, identity)| {
        let mut command = std::process::Command::new(program::binary());
        program::settle(&mut command, home);
        command.args(["listen", "--format", "ndjson", "--listen", "/ip4/127.0.0.1/tcp/0", "--identity"]).arg(identity);
        let mut running = Live::start(command);
        let line = running.until(|line| line["address"].is_string());
        let address = line["address"].as_str().expect("an address");
        (*name, address.rsplit_once("/p2p/").expect("a peer ID").1.to_owned())
    });
    made.collect()
}
