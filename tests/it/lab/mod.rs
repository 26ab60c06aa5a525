//! `p2p-probe nat` in networks of the test's own: `tests/lab/*.toml` says what they are, what is true of them and what is to be
//! said. Plain sockets establish the truth before p2p-probe is asked. `LAB` names a part of the networks; `LAB_REPORTS` names a
//! folder for the reports, to be read as `p2p-probe show` shows them.

mod coturn;
mod gateway;
mod matrix;
mod misbehaving;
mod nat64;
mod network;
mod punch;
mod referee;
mod six;
mod weapon;

use crate::expect;
use crate::interop;
use crate::program::{self, Live, Run};
use crate::rules::{self, Schema};
use coturn::Coturn;
pub use network::check_rights;
use network::{Network, Router, Site};
use referee::{Behaviour, Client};
use serde::Deserialize;
use serde_json::Value;
use six::{SIX, Six};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

/// Each has six programs at work.
const AT_A_TIME: usize = 2;
const HELPERS: [(&str, &str); 2] = [("a", "11.22.33.1/24"), ("b", "11.22.34.2/24")];
const HOSTS: [(&str, &str); 3] = [HELPERS[0], HELPERS[1], coturn::HOST];

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
    /// How much later packets are delivered, each way, in milliseconds.
    #[serde(default)]
    delay: Option<u32>,
    /// nft rules for what comes in to the client.
    #[serde(default)]
    input: Vec<String>,
    /// The helpers asked.
    #[serde(default = "both")]
    via: Vec<String>,
    /// Hosts at which go-libp2p runs instead of a helper, with these options of go-peer.
    #[serde(default)]
    go: BTreeMap<String, Vec<String>>,
    /// The same of js-libp2p and its peer.mjs.
    #[serde(default)]
    js: BTreeMap<String, Vec<String>>,
    /// Whether the helpers name each other.
    #[serde(default)]
    partners: bool,
    #[serde(default)]
    args: Vec<String>,
    /// What is wrong with the vantage points, so that they do not tell all.
    #[serde(default)]
    missing: String,
    /// The protocols whose port under test is let in, unlike others.
    #[serde(default)]
    open: Vec<String>,
    /// nft rules of hosts, in force once the truth is known.
    #[serde(default)]
    rules: BTreeMap<String, String>,
    /// Of IPv4; of a client without it there is none.
    #[serde(default)]
    truth: Option<Truth>,
    #[serde(default)]
    six: Option<Six>,
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
    let rows = Mutex::new(matrix::Rows::new());
    let cases: Vec<(usize, Case)> = load().into_iter().enumerate().collect();
    each(
        cases,
        AT_A_TIME,
        |(_, case)| case.name.clone(),
        |(place, case)| {
            let (row, faults) = case.try_out(&schema);
            rows.lock().expect("no panic").insert(*place, row);
            faults
        },
    );
    if std::env::var_os("LAB").is_none() {
        matrix::published(&rows.into_inner().expect("no panic"));
    }
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
    // A part of the lab is asked for by its name, and may be no part of this table.
    assert!(total > 0 || std::env::var_os("LAB").is_some(), "a table without a case");
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
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
    paths.sort();
    let paths = paths.into_iter();
    paths.map(|path| (path.clone(), std::fs::read_to_string(path).expect("a text file"))).collect()
}

/// Whether a case is of the part of the lab that `LAB` names.
///
/// # Panics
/// Where that is no part of any table: whoever mistypes a name has tested nothing.
fn is_wanted(name: &str) -> bool {
    static WANTED: LazyLock<String> = LazyLock::new(|| {
        let wanted = std::env::var("LAB").unwrap_or_default();
        let all: Vec<String> =
            all().into_iter().map(|case| case.name).chain(punch::names()).chain(misbehaving::names()).collect();
        assert!(all.iter().any(|name| name.contains(&wanted)), "nothing is called {wanted}; there are\n{}", all.join("\n"));
        wanted
    });
    name.contains(WANTED.as_str())
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
    /// Its line in the published table, and its faults.
    fn try_out(&self, schema: &Schema) -> (String, Vec<String>) {
        let home = tempfile::tempdir().expect("a folder");
        let site = Site { host: "c", address: &self.client, routers: &self.routers, delay: self.delay };
        let network = Network::of(&[site], &self.input, &HOSTS);
        let client = self.client.split('/').next().expect("an address");
        let _services = self.six.as_ref().map(|six| six.add(&network, home.path()));
        let translated = self.six.as_ref().filter(|six| six.nat64);
        let four = Client { address: translated.map_or(client, |six| six.address()), translated: translated.is_some() };
        let four = self.truth.as_ref().map(|truth| (truth, four));
        let six = self.six.as_ref().map(|six| (&six.truth, Client { address: six.address(), translated: false }));
        let families: Vec<(&Truth, Client<'_>)> = four.into_iter().chain(six).collect();
        for (truth, client) in &families {
            let seen = Truth {
                udp: referee::look(&truth.udp, |patience| referee::udp(&network, *client, patience)),
                tcp: referee::look(&truth.tcp, |patience| referee::tcp(&network, *client, patience)),
            };
            if seen != **truth {
                return (String::new(), vec![format!("the network is not as it says: {seen:?}")]);
            }
        }
        for (host, rules) in &self.rules {
            let done = network.command(host, "nft").arg(rules).status();
            assert!(done.is_ok_and(|status| status.success()), "{host}: {rules}");
        }
        // Its client asks nobody through a translator.
        let asked = families.iter().filter(|(_, client)| !client.translated);
        let asked = asked.map(|(truth, client)| (Coturn::ask(&network, client.address, home.path()), &truth.udp));
        let asked: Vec<_> = asked.collect();
        let helpers = self.helpers(&network, home.path());
        let gateways = gateway::start(&network, &self.routers, home.path());
        let run = self.ask(&network, home.path(), &helpers);
        if let Some(folder) = std::env::var_os("LAB_REPORTS") {
            std::fs::write(Path::new(&folder).join(format!("{}.json", self.name)), &run.stdout).expect("a file");
        }
        drop(helpers);
        let mut faults = self.judge(&run, schema);
        faults.extend(gateway::left(&network, &self.routers));
        drop(gateways);
        for (coturn, truth) in asked {
            let told = coturn.told();
            if told != *truth {
                faults.push(format!("coturn contradicts: {told:?}, not {truth:?}"));
            }
        }
        let (row, wrong) = matrix::row(self, &serde_json::from_str(&run.stdout).unwrap_or_default());
        faults.extend(wrong);
        if !faults.is_empty() {
            faults.extend(network.translations(&self.routers));
        }
        (row, faults)
    }

    /// What is true, for each family: how the table calls it, and the member of `nat`.
    fn truths(&self) -> Vec<(&'static str, &'static str, &Truth)> {
        let four = self.truth.as_ref().map(|truth| ("", "ipv4", truth));
        let six = self.six.as_ref().map(|six| (" (IPv6)", "ipv6", &six.truth));
        four.into_iter().chain(six).collect()
    }

    /// Whether who is asked is too few, or can do too little, to tell all.
    fn lacks_vantage(&self) -> bool {
        self.via.len() < 2 || !self.go.is_empty() || !self.js.is_empty() || !self.missing.is_empty()
    }

    /// Who is asked, for the published table.
    fn points(&self) -> String {
        let kind = |name: &String| match (self.go.contains_key(name), self.js.contains_key(name)) {
            (true, _) => "go-libp2p",
            (_, true) => "js-libp2p",
            _ => "listen",
        };
        let partner = if self.partners { " with a partner" } else { "" };
        let stun = if self.args.iter().any(|arg| arg == "--stun") { " + STUN server" } else { "" };
        let missing = if self.missing.is_empty() { String::new() } else { format!(": {}", self.missing) };
        format!("{}{partner}{stun}{missing}", self.via.iter().map(kind).collect::<Vec<_>>().join(" + "))
    }

    /// The helpers by name, with the address that each is asked at.
    fn helpers(&self, network: &Network, home: &Path) -> BTreeMap<String, (Live, String)> {
        let mut helpers = BTreeMap::new();
        let alone = self.six.as_ref().is_some_and(|six| six.alone && !six.nat64);
        let identities = HELPERS.map(|(name, _)| (name, home.join(format!("{name}.key"))));
        let peers: BTreeMap<&str, String> = if self.partners { peers(home, &identities) } else { BTreeMap::new() };
        for ((name, address), (_, identity)) in HELPERS.iter().zip(&identities) {
            let ip = address.split('/').next().expect("an address");
            let go = self.go.get(*name).map(|options| (interop::go(), options));
            let js = || self.js.get(*name).map(|options| (interop::js(), options));
            if let Some((peer, options)) = go.or_else(js) {
                helpers.insert((*name).to_owned(), foreign(network, name, ip, &peer, options));
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
            let wanted = match SIX.iter().find(|(other, _)| alone && other == name) {
                Some((_, six)) => format!("/ip6/{}/tcp/4011/p2p/", six.split('/').next().expect("an address")),
                None => format!("/ip4/{ip}/tcp/4011/p2p/"),
            };
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
            faults.push(format!("report: {report}"));
        }
        faults
    }
}

/// A node of another implementation on TCP and QUIC, and its address over TCP.
fn foreign(network: &Network, host: &str, ip: &str, peer: &Command, options: &[String]) -> (Live, String) {
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
        let mut command = Command::new(program::binary());
        program::settle(&mut command, home);
        command.args(["listen", "--format", "ndjson", "--listen", "/ip4/127.0.0.1/tcp/0", "--identity"]).arg(identity);
        let mut running = Live::start(command);
        let line = running.until(|line| line["address"].is_string());
        let address = line["address"].as_str().expect("an address");
        (*name, address.rsplit_once("/p2p/").expect("a peer ID").1.to_owned())
    });
    made.collect()
}
