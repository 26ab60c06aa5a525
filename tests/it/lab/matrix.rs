//! The published table: what was said of every network beside what is true of it.

use super::{Case, referee::Behaviour};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/MATRIX.md");
const HEAD: &str = "# Networks of the lab, and what is said of them

Written by the tests (`P2P_PROBE_BLESS=1 cargo test --test it lab::every`), which compare it at each run. *Truth* is mapping / filtering as plain
sockets see it, and over UDP as coturn's `turnutils_natdiscovery` does (RFC 4787, 5382 and 5780); `blocked`: nothing comes back. ✔: p2p-probe says the
same. *By one*: told on the word of one vantage point, and marked so. ≈: `endpoint-dependent`, one of two that vantage points with one port each cannot tell apart. ?: unknown, with what is missing. *Open port*: the port under test is let in, unlike others.

| Network | Vantage points | UDP: truth | told | TCP: truth | told | Status | Remedies |
|---|---|---|---|---|---|---|---|
";
/// A remedy that depends on the machine that the lab runs on.
const OF_THE_MACHINE: &str = "raise-udp-buffer";

/// A line for each network, by its place.
pub type Rows = BTreeMap<usize, String>;

/// The lines of a network, one for each family, and where what was told is neither right nor excusably unknown.
pub fn row(case: &Case, report: &Value) -> (String, Vec<String>) {
    let mut faults = Vec::new();
    let mut lines = String::new();
    let remedies = report["nat"]["remedies"].as_array().into_iter().flatten().filter_map(|remedy| remedy["code"].as_str());
    let remedies: Vec<&str> = remedies.filter(|code| *code != OF_THE_MACHINE).collect();
    let remedies = remedies.join(", ");
    for (name, family, truth) in case.truths() {
        let status = report["nat"][family]["status"].as_str().unwrap_or("not measured");
        let _ = write!(lines, "| {}{name} | {} ", case.name, case.points());
        for (layer, truth) in [("udp", &truth.udp), ("tcp", &truth.tcp)] {
            let told = &report["nat"][family][layer];
            let open = case.open.iter().any(|open| open == layer);
            let cell = told_of(case, truth, told, open);
            if cell.is_none() {
                faults.push(format!("{family} {layer} is {truth:?}, and told to be {told}"));
            }
            let _ = write!(lines, "| {} / {} | {} ", truth.0, truth.1, cell.unwrap_or("✘".into()));
        }
        let _ = writeln!(lines, "| {status} | {remedies} |");
    }
    (lines, faults)
}

/// What the table says of what was told; none where that is wrong.
fn told_of(case: &Case, truth: &Behaviour, told: &Value, open: bool) -> Option<String> {
    let word = |member: &str| told[member].as_str().unwrap_or("unknown");
    let mut unknown = Vec::new();
    let (mut nearly, mut let_in) = (false, false);
    // Of what nobody but one says the report says so, and may be wrong where that one is.
    let wrong = |member: &str| member == "mapping" && told["one_witness"] == true && case.lacks_vantage();
    let mut by_one = String::new();
    for (member, truth) in [("mapping", &truth.0), ("filtering", &truth.1)] {
        match word(member) {
            told if told == truth => {}
            told @ ("none" | "endpoint-independent") if open && member == "filtering" => let_in = told != truth,
            "unknown" if case.lacks_vantage() || truth == "blocked" => unknown.push(member),
            "endpoint-dependent" if case.lacks_vantage() && truth.starts_with("address-") => nearly = true,
            told if wrong(member) => by_one = format!("by one: {told}"),
            _ => return None,
        }
    }
    let why = told["why"]["code"].as_str().unwrap_or("not-tested");
    let unsure = format!("? {}: {why}", unknown.join(" and "));
    if !by_one.is_empty() {
        return Some(if unknown.is_empty() { by_one } else { format!("{by_one}, {unsure}") });
    }
    Some(match (unknown.is_empty(), nearly) {
        (true, false) if let_in => "✔ (open port)".into(),
        (true, false) => "✔".into(),
        (true, true) => "≈".into(),
        (false, _) => unsure,
    })
}

/// Compares the table with what was published, or publishes it.
///
/// # Panics
/// Where it differs.
pub fn published(rows: &Rows) {
    let table = HEAD.to_owned() + &rows.values().cloned().collect::<String>();
    if std::env::var_os("P2P_PROBE_BLESS").is_some() {
        std::fs::write(FILE, table).expect("a file");
        return;
    }
    let known = std::fs::read_to_string(Path::new(FILE)).unwrap_or_default();
    let new: Vec<&str> = table.lines().filter(|line| !known.lines().any(|known| known == *line)).collect();
    let gone: Vec<&str> = known.lines().filter(|line| !table.lines().any(|new| new == *line)).collect();
    let same = known == table;
    assert!(same, "tests/lab/MATRIX.md is not what was seen (P2P_PROBE_BLESS=1 writes it); new: {new:#?}, gone: {gone:#?}");
}
