//! Plays the scenarios in another runtime as well, and holds its report against the native one, member by member. What may
//! differ is a table of `tests/parity/`, with the reason for each line.

use super::play::runtime;
use super::{Scenario, World, next, table};
use crate::program::Run;
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::Path,
    sync::Mutex,
};

/// Fewer than of the native program: each is a process of some 100 MB that compiles WebAssembly first.
const AT_A_TIME: usize = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// The files of `tests/scenarios/` that the runtime plays.
    files: Vec<String>,
    /// Of these the scenarios with one of these parts in the target; all of them unless any is named.
    #[serde(default)]
    targets: Vec<String>,
    /// Members that differ in every report.
    #[serde(default)]
    anywhere: Vec<String>,
    /// Scenarios that the runtime cannot play.
    #[serde(default)]
    cannot: Vec<Cannot>,
    /// Members that differ in some.
    #[serde(default)]
    differs: Vec<Differs>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cannot {
    /// Its name, or what its name begins with.
    scenario: String,
    #[expect(dead_code, reason = "for who reads the table")]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differs {
    /// Its name, or what its name begins with.
    scenario: String,
    #[expect(dead_code, reason = "for who reads the table")]
    why: String,
    /// Paths of members; `*` stands for one name or the rest of it, `**` for any number of them.
    members: Vec<String>,
    /// What the other report has instead, by path.
    #[serde(default)]
    instead: BTreeMap<String, Value>,
}

#[test]
fn node_tells_what_the_terminal_tells() {
    let js = Path::new(env!("CARGO_MANIFEST_DIR")).join("js");
    assert!(js.join("wasm/probe_bg.wasm").exists(), "this test needs the WebAssembly: cargo build");
    assert!(js.join("node_modules/ws").exists(), "this test needs the packages of js/: npm ci --prefix js");
    plays("node.toml", &js.join("cli.js").into());
}

/// Plays what a table says with a program.
fn plays(name: &str, other: &OsString) {
    let (allowed, world) = (Table::read(name), World::new());
    let scenarios = allowed.scenarios();
    let total = scenarios.len();
    let (queue, failures) = (Mutex::new(scenarios.into_iter()), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(scenario) = next(&queue) {
                    let play =
                        scenario.play_both(&world, async |home, values| scenario.run_with(other, "json", home, values).await);
                    let (native, other) = runtime().block_on(play);
                    let faults = scenario.compare_runs(&native, &other, &allowed, &world);
                    if !faults.is_empty() {
                        failures.lock().expect("no panic").insert(scenario.name.clone(), faults);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{} of {total} scenarios differ:\n{}", failures.len(), table(&failures));
}

impl Table {
    pub(super) fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(name);
        let text = std::fs::read_to_string(path).expect("a table");
        toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What the runtime can play.
    pub(super) fn scenarios(&self) -> Vec<Scenario> {
        let meant = |scenario: &Scenario| {
            let target = scenario.args.first().map_or("", String::as_str);
            self.targets.is_empty() || self.targets.iter().any(|part| target.contains(part))
        };
        super::load_files(&self.files).into_iter().filter(|scenario| self.can(&scenario.name) && meant(scenario)).collect()
    }

    fn can(&self, scenario: &str) -> bool {
        !self.cannot.iter().any(|cannot| scenario.starts_with(&cannot.scenario))
    }

    fn of(&self, scenario: &str) -> impl Iterator<Item = &Differs> {
        self.differs.iter().filter(move |differs| scenario.starts_with(&differs.scenario))
    }
}

impl Scenario {
    /// Where the report of another runtime differs from the native one, and may not.
    pub(super) fn compare_runs(&self, native: &Run, other: &Run, allowed: &Table, world: &World) -> Vec<String> {
        let mut faults = crate::rules::streams(other);
        if native.exit != other.exit && !allowed.of(&self.name).any(|differs| differs.members.iter().any(|path| path == "exit")) {
            faults.push(format!("it ends with {}, not {}: {}", other.exit, native.exit, other.stderr));
        }
        if other.exit == 2 {
            return faults;
        }
        let read = |run: &Run| serde_json::from_str::<Value>(&run.stdout).unwrap_or_default();
        let (native, actual) = (read(native), read(other));
        faults.extend(world.reports.faults(&actual));
        faults.extend(crate::rules::faults(&actual, self.lenient(other.exit, &actual)));
        faults.extend(self.differences(&native, &actual, allowed));
        if !faults.is_empty() {
            faults.push(format!("the report: {actual}"));
        }
        faults
    }

    fn differences(&self, native: &Value, actual: &Value, allowed: &Table) -> Vec<String> {
        let (native, actual) = (flat(native), flat(actual));
        let instead: BTreeMap<&String, &Value> = allowed.of(&self.name).flat_map(|differs| &differs.instead).collect();
        let mut faults = Vec::new();
        for path in native.keys().chain(actual.keys()).collect::<BTreeSet<_>>() {
            let patterns = allowed.anywhere.iter().chain(allowed.of(&self.name).flat_map(|differs| &differs.members));
            let told = actual.get(path).cloned().unwrap_or_default();
            if let Some(expected) = instead.get(path) {
                if **expected != told {
                    faults.push(format!("{path} is {told}, not {expected}"));
                }
            } else if native.get(path) != actual.get(path) && !patterns.into_iter().any(|pattern| matches(pattern, path)) {
                let expected = native.get(path).map_or("absent".into(), ToString::to_string);
                faults.push(format!(
                    "{path} is {}, natively {expected}",
                    actual.get(path).map_or("absent".into(), ToString::to_string)
                ));
            }
        }
        faults
    }
}

/// Every value of a document by its path.
fn flat(value: &Value) -> BTreeMap<String, Value> {
    fn walk(value: &Value, path: &str, all: &mut BTreeMap<String, Value>) {
        let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| walk(value, &inner(name), all)),
            // A stage by its name: one that is missing does not move the others.
            Value::Array(list) => list.iter().enumerate().for_each(|(place, value)| {
                let name = value["stage"].as_str().map_or_else(|| place.to_string(), str::to_owned);
                walk(value, &inner(&name), all);
            }),
            scalar => drop(all.insert(path.to_owned(), scalar.clone())),
        }
    }
    let mut all = BTreeMap::new();
    walk(value, "", &mut all);
    all
}

fn matches(pattern: &str, path: &str) -> bool {
    fn parts(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern, path) {
            ([], []) => true,
            (["**", rest @ ..], _) => parts(rest, path) || (!path.is_empty() && parts(pattern, &path[1..])),
            ([first, rest @ ..], [name, names @ ..]) => {
                let fits = first.strip_prefix('*').map_or(first == name, |end| name.ends_with(end));
                fits && parts(rest, names)
            }
            _ => false,
        }
    }
    parts(&pattern.split('.').collect::<Vec<_>>(), &path.split('.').collect::<Vec<_>>())
}

#[test]
fn patterns_match_whole_paths() {
    for (pattern, path, expected) in [
        ("nat", "nat", true),
        ("nat", "nat.status", false),
        ("nat.**", "nat.local.addresses.0", true),
        ("**.*_ms", "attempts.0.stages.1.start_ms", true),
        ("**.*_ms", "attempts.0.stages", false),
        ("attempts.*.cause.code", "attempts.3.cause.code", true),
    ] {
        assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
    }
}
