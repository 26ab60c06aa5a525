//! Runs every scenario of `tests/scenarios/`: peers, names and arguments as data, and what the report has to say.

use crate::certificate::Authority;
use crate::dns::{self, Zone};
use crate::expect::{self, Attempt};
use crate::namespace;
use crate::peer::{Peer, Running};
use crate::program::{self, Run};
use crate::rules::{self, Schema};
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

/// Strings may hold `{port}` and `{peer}` of the peer (`{name.port}` and so on where there are several), `{other}` for a
/// peer ID that is nobody's, and `{home}` for the folder of the run.
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

/// Values for the placeholders.
type Values = BTreeMap<String, String>;

struct World {
    authority: Authority,
    schema: Schema,
}

#[test]
fn every_scenario_ends_as_expected() {
    let world = World { authority: Authority::new(), schema: Schema::of_reports() };
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let mut scenarios = Vec::new();
    for entry in folder.read_dir().expect("tests/scenarios") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a text file");
        let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        scenarios.extend(file.scenario);
    }
    scenarios.retain(|scenario| scenario.name.contains(&wanted));
    scenarios
}

impl Scenario {
    fn try_out(&self, world: &World) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let home = tempfile::tempdir_in(world.authority.folder()).expect("a folder");
        let home = home.path();
        std::fs::copy(world.authority.folder().join("ca.pem"), home.join("ca.pem")).expect("a copy");
        for (name, text) in &self.files {
            std::fs::write(home.join(name), text).expect("a file");
        }
        runtime.block_on(async {
            let mut values = Values::from([("other".into(), SOMEBODY_ELSE.into()), ("home".into(), home.display().to_string())]);
            let _running = self.start(&world.authority, &mut values).await;
            let mut faults = Vec::new();
            let run = self.run("json", home, &values).await;
            self.judge(&run, &values, &world.schema, &mut faults);
            if self.folds {
                let events = self.run("ndjson", home, &values).await;
                faults.extend(rules::fold(&events.stdout));
            }
            if !self.text.is_empty() {
                let said = self.run("text", home, &values).await;
                faults.extend(rules::streams(&said));
                let missing = self.text.iter().map(|part| fill(part, &values)).filter(|part| !said.stdout.contains(part));
                faults.extend(missing.map(|part| format!("the text lacks {part:?}: {}", said.stdout)));
            }
            for (name, text) in &self.files {
                if std::fs::read_to_string(home.join(name)).ok().as_ref() != Some(text) {
                    faults.push(format!("the file {name} was changed"));
                }
            }
            faults
        })
    }

    /// Starts the peers and the name server, and notes where they are.
    async fn start(&self, authority: &Authority, values: &mut Values) -> Vec<Running> {
        let mut running = Vec::new();
        let one = self.peer.iter().map(|peer| (String::new(), peer));
        let several = self.peers.iter().map(|(name, peer)| (format!("{name}."), peer));
        for (prefix, peer) in one.chain(several) {
            let started = peer.start(authority).await;
            values.insert(format!("{prefix}port"), started.port.to_string());
            values.extend(started.id.clone().map(|id| (format!("{prefix}peer"), id)));
            running.push(started);
        }
        if !self.zone.is_empty() {
            let zone = self
                .zone
                .iter()
                .map(|(name, records)| (fill(name, values), records.iter().map(|record| fill(record, values)).collect()));
            values.insert("dns".into(), dns::start(zone.collect()).await.to_string());
        }
        running
    }

    async fn run(&self, format: &str, home: &Path, values: &Values) -> Run {
        let mut arguments = vec!["dial".to_owned()];
        arguments.extend(self.args.iter().map(|argument| fill(argument, values)));
        arguments.extend(["--format".into(), format.into()]);
        if let Some(port) = values.get("dns") {
            arguments.extend(["--resolver".into(), format!("127.0.0.1:{port}")]);
        }
        let command = if self.namespace.is_empty() {
            program::command(home, &arguments)
        } else {
            namespace::command(home, &self.namespace, &arguments)
        };
        tokio::task::spawn_blocking(|| program::run(command)).await.expect("a run")
    }

    fn judge(&self, run: &Run, values: &Values, schema: &Schema, faults: &mut Vec<String>) {
        if run.exit != self.exit {
            faults.push(format!("exit code is {}, not {}; stderr: {}", run.exit, self.exit, run.stderr));
        }
        for part in self.stderr.iter().map(|part| fill(part, values)) {
            if !run.stderr.contains(&part) {
                faults.push(format!("stderr lacks {part:?}: {}", run.stderr));
            }
        }
        for part in self.hides.iter().map(|part| fill(part, values)) {
            if run.stdout.contains(&part) {
                faults.push(format!("stdout holds {part:?}: {}", run.stdout));
            }
        }
        faults.extend(rules::streams(run));
        if run.exit == 2 {
            return;
        }
        let report: Value = match serde_json::from_str(&run.stdout) {
            Ok(report) => report,
            Err(error) => {
                return faults.push(format!("stdout is no JSON: {error}: {}", run.stdout));
            }
        };
        let before = faults.len();
        faults.extend(schema.faults(&report));
        faults.extend(rules::faults(&report, run.exit));
        self.compare(&report, values, faults);
        if faults.len() > before {
            faults.push(format!("the report: {report}"));
        }
    }

    fn compare(&self, report: &Value, values: &Values, faults: &mut Vec<String>) {
        if let Some(code) = &self.verdict {
            expect::compare(&Value::from(code.as_str()), &report["verdict"]["code"], "verdict", faults);
        }
        for (place, attempt) in self.attempts.iter().enumerate() {
            faults.extend(attempt.filled(values).compare(place, report));
        }
        let count = report["attempts"].as_array().map(Vec::len);
        if self.count.is_some() && self.count != count {
            faults.push(format!("there are {count:?} attempts, not {:?}", self.count));
        }
        if let Some(part) = &self.report {
            expect::compare(&fill_all(part, values), report, "report", faults);
        }
        for (list, expected) in [("hints", &self.hints), ("warnings", &self.warnings)] {
            let codes = expect::codes(report, list);
            for code in expected.iter().filter(|code| !codes.iter().any(|actual| expect::one_of(code, actual))) {
                faults.push(format!("{list} lack {code}: {codes:?}"));
            }
        }
        if self.quiet && !expect::codes(report, "warnings").is_empty() {
            faults.push(format!("there are warnings: {}", report["verdict"]["warnings"]));
        }
    }
}

impl Attempt {
    fn filled(&self, values: &Values) -> Self {
        Self {
            address: self.address.as_ref().map(|address| fill(address, values)),
            stages: self.stages.clone(),
            found: self.found.iter().map(|(name, found)| (name.clone(), fill_all(found, values))).collect(),
            members: self.members.iter().map(|(name, value)| (name.clone(), fill_all(value, values))).collect(),
        }
    }
}

fn fill(text: &str, values: &Values) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

fn fill_all(value: &Value, values: &Values) -> Value {
    match value {
        Value::String(text) => fill(text, values).into(),
        Value::Array(list) => list.iter().map(|value| fill_all(value, values)).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), fill_all(value, values))).collect(),
        other => other.clone(),
    }
}
