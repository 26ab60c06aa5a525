//! Runs every scenario of `tests/scenarios/`: peers, names and arguments as data, and what the report has to say.

#[cfg(feature = "page")]
mod chromium;
mod judge;
mod parity;
mod play;
mod values;

use crate::certificate::Authority;
use crate::dns::Zone;
use crate::expect::Attempt;
use crate::peer::Peer;
use crate::rules::Schema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;

/// More at a time would make the peers slow to answer on a small machine, and a short time-out would tell of that.
const AT_A_TIME: usize = 6;
/// A valid peer ID that no peer of the scenarios has.
const SOMEBODY_ELSE: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scenario: Vec<Scenario>,
}

/// Strings may hold `{port}`, `{peer}`, of a relay `{target}` and, over webrtc-direct, `{certhash}` of the peer (`{name.port}` and so on where
/// there are several), `{other}` for a peer ID that is nobody's, and `{home}` for the folder of the run.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Scenario {
    name: String,
    peer: Option<Peer>,
    #[serde(default)]
    peers: BTreeMap<String, Peer>,
    #[serde(default)]
    zone: Zone,
    /// Runs in a network namespace of its own, made by these commands. Peers and names are out of reach there.
    #[serde(default)]
    namespace: Vec<String>,
    /// Files to make beforehand in `{home}`; they must be the same afterwards.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// What follows `p2p-probe dial`.
    args: Vec<String>,

    exit: i32,
    verdict: Option<String>,
    #[serde(default)]
    attempts: Vec<Attempt>,
    /// How many attempts there are in all.
    count: Option<usize>,
    /// Part of the whole report.
    report: Option<Value>,
    #[serde(default)]
    hints: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
    /// Nothing to warn of.
    #[serde(default)]
    quiet: bool,
    /// Parts of what it says on stderr.
    #[serde(default)]
    stderr: Vec<String>,
    /// What its output must not hold.
    #[serde(default)]
    hides: Vec<String>,
    /// Parts of what it says to a person; it is run once more for them.
    #[serde(default)]
    text: Vec<String>,
    /// Its events are folded and compared as well.
    #[serde(default)]
    folds: bool,
}

struct World {
    authority: Authority,
    reports: Schema,
    events: Schema,
}

impl World {
    fn new() -> Self {
        Self { authority: Authority::new(), reports: Schema::of_reports(), events: Schema::of_events() }
    }
}

#[test]
fn every_scenario_ends_as_expected() {
    let world = World::new();
    let scenarios = load();
    let names: std::collections::BTreeSet<_> = scenarios.iter().map(|scenario| &scenario.name).collect();
    assert_eq!(names.len(), scenarios.len(), "two scenarios have one name");
    let total = scenarios.len();
    let queue = Mutex::new(scenarios.into_iter());
    let failures = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(scenario) = next(&queue) {
                    let faults = scenario.try_out(&world);
                    if !faults.is_empty() {
                        failures.lock().expect("no panic").insert(scenario.name.clone(), faults);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{} of {total} scenarios failed:\n{}", failures.len(), table(&failures));
}

fn next(queue: &Mutex<impl Iterator<Item = Scenario>>) -> Option<Scenario> {
    queue.lock().expect("no panic").next()
}

fn table(failures: &BTreeMap<String, Vec<String>>) -> String {
    let mut table = String::new();
    for (name, faults) in failures {
        let _ = writeln!(table, "\n{name}");
        for fault in faults {
            let _ = writeln!(table, "    {fault}");
        }
    }
    table
}

/// All scenarios, or those whose names contain `SCENARIO`.
fn load() -> Vec<Scenario> {
    load_files(&files())
}

fn files() -> Vec<String> {
    let files = folder().read_dir().expect("tests/scenarios");
    files.map(|entry| entry.expect("an entry").path().file_stem().expect("a name").display().to_string()).collect()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// The same of some files.
///
/// # Panics
/// Where no scenario of any file has such a name: whoever mistypes one has tested nothing.
fn load_files(names: &[String]) -> Vec<Scenario> {
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let all = read(&files());
    if !all.iter().any(|scenario| scenario.name.contains(&wanted)) {
        let known: Vec<_> = all.iter().map(|scenario| scenario.name.as_str()).collect();
        panic!("no scenario is called {wanted}; there are\n{}", known.join("\n"));
    }
    let mut scenarios = read(names);
    scenarios.retain(|scenario| scenario.name.contains(&wanted));
    scenarios
}

fn read(names: &[String]) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for name in names {
        let path = folder().join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&path).expect("a text file");
        let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        scenarios.extend(file.scenario);
    }
    scenarios
}
