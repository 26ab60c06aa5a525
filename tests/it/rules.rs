//! What holds of every report, whatever it tells.

use crate::expect::stages;
use crate::program::{self, Run};
use p2p_probe::model::{Cause, Event, Fact, Report};
use serde_json::Value;

/// Members of a variant: they are left out, never null.
const OF_A_VARIANT: [&str; 7] = ["cause", "why", "found", "message", "leg", "version", "shared"];
const OF_A_REPORT: [&str; 12] = [
    "schema",
    "tool",
    "started",
    "elapsed_ms",
    "complete",
    "target",
    "attempts",
    "transports",
    "peers",
    "nat",
    "listener",
    "verdict",
];
const OF_AN_ATTEMPT: [&str; 11] =
    ["id", "direction", "source", "transport", "address", "remote", "names", "outcome", "start_ms", "elapsed_ms", "stages"];
const TRANSPORTS: [&str; 7] = ["tcp", "quic", "ws", "wss", "webrtc-direct", "webtransport", "relay"];
/// From the best to the worst.
const OUTCOMES: [&str; 4] = ["passed", "failed", "unknown", "skipped"];
/// Times are held as whole microseconds; one more for sums of their decimal forms.
const MICROSECOND: f64 = 0.001;
const SUM_TOLERANCE: f64 = 0.01;

/// A schema as the program itself prints it.
pub struct Schema(jsonschema::Validator);

impl Schema {
    pub fn of_reports() -> Self {
        Self::printed(&["schema"])
    }

    pub fn of_events() -> Self {
        Self::printed(&["schema", "event"])
    }

    fn printed(arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let printed = program::run(program::command(home.path(), arguments));
        let schema = serde_json::from_str(&printed.stdout)
            .unwrap_or_else(|error| panic!("`p2p-probe schema` prints no JSON: {error}: {}", printed.stderr));
        Self(jsonschema::validator_for(&schema).expect("a JSON Schema"))
    }

    pub fn faults(&self, value: &Value) -> Vec<String> {
        let fault = |error: jsonschema::ValidationError<'_>| format!("schema: {}: {error}", error.instance_path);
        self.0.iter_errors(value).map(fault).collect()
    }
}

/// What may be on the two output streams.
pub fn streams(run: &Run) -> Vec<String> {
    let mut faults = Vec::new();
    let control = |text: &str| text.chars().any(|letter| letter.is_control() && letter != '\n');
    if control(&run.stdout) || control(&run.stderr) {
        faults.push(format!("control characters in the output: {:?} {:?}", run.stdout, run.stderr));
    }
    if run.stderr.contains("panicked") {
        faults.push(format!("it panicked: {}", run.stderr));
    }
    match run.exit {
        2 if !run.stdout.is_empty() => faults.push(format!("exit 2 with a report: {}", run.stdout)),
        2 if run.stderr.trim().is_empty() => faults.push("exit 2 without a word".into()),
        0 | 1 if !run.stderr.is_empty() => {
            faults.push(format!("stderr is not empty: {}", run.stderr));
        }
        _ => {}
    }
    faults
}

pub fn faults(report: &Value, exit: i32) -> Vec<String> {
    let mut faults = Vec::new();
    walk(report, "report", &mut faults);
    has_all(report, &OF_A_REPORT, "report", &mut faults);
    has_all(&report["transports"], &TRANSPORTS, "transports", &mut faults);
    for (place, attempt) in report["attempts"].as_array().into_iter().flatten().enumerate() {
        if attempt["id"] != place + 1 {
            faults.push(format!("attempt at place {place} has the id {}", attempt["id"]));
        }
        self::attempt(attempt, &mut faults);
    }
    transports(report, &mut faults);
    verdict(report, exit, &mut faults);
    faults
}

fn has_all(value: &Value, members: &[&str], name: &str, faults: &mut Vec<String>) {
    for member in members.iter().filter(|member| value.get(member).is_none()) {
        faults.push(format!("{name} lacks {member}"));
    }
}

/// Codes are kebab-case, members of a variant never null.
fn walk(value: &Value, place: &str, faults: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let place = format!("{place}.{name}");
                if value.is_null() && OF_A_VARIANT.contains(&name.as_str()) {
                    faults.push(format!("{place} is null instead of absent"));
                }
                if name == "code" && !value.as_str().is_none_or(is_kebab) {
                    faults.push(format!("{place} is not kebab-case: {value}"));
                }
                walk(value, &place, faults);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, place, faults)),
        _ => {}
    }
}

fn is_kebab(code: &str) -> bool {
    let letters = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    code.split('-').all(letters)
}

fn attempt(attempt: &Value, faults: &mut Vec<String>) {
    let name = format!("attempt {}", attempt["id"]);
    has_all(attempt, &OF_AN_ATTEMPT, &name, faults);
    outcome(attempt, &name, faults);
    let own: Vec<&Value> = stages(attempt).iter().filter(|stage| stage["shared"] != true).collect();
    for stage in stages(attempt) {
        let name = format!("{name}, {}", stage["stage"]);
        has_all(stage, &["stage", "outcome", "start_ms", "elapsed_ms"], &name, faults);
        outcome(stage, &name, faults);
        booked(stage, &name, faults);
    }
    for pair in own.windows(2) {
        let (end, next) = (number(pair[0], "start_ms") + number(pair[0], "elapsed_ms"), number(pair[1], "start_ms"));
        if (end - next).abs() > 2.0 * MICROSECOND {
            faults.push(format!("{name}: {} ends at {end}, {} starts at {next}", pair[0]["stage"], pair[1]["stage"]));
        }
    }
    let (sum, total) = (own.iter().map(|stage| number(stage, "elapsed_ms")).sum::<f64>(), number(attempt, "elapsed_ms"));
    if !own.is_empty() && (sum - total).abs() > (total * SUM_TOLERANCE).max(10.0 * MICROSECOND) {
        faults.push(format!("{name}: its stages took {sum} ms, it took {total} ms"));
    }
    let first = stages(attempt).iter().find(|stage| stage["outcome"] == "failed");
    if attempt["outcome"] == "failed" && first.is_some_and(|stage| stage["cause"] != attempt["cause"]) {
        faults.push(format!("{name}: its cause is not that of its first failed stage"));
    }
}

fn number(value: &Value, member: &str) -> f64 {
    value[member].as_f64().unwrap_or(f64::NAN)
}

/// A cause stands in a stage that its table names.
fn booked(stage: &Value, name: &str, faults: &mut Vec<String>) {
    let Some(code) = stage["cause"]["code"].as_str() else { return };
    let page = Cause::PAGES.iter().find(|page| page.code == code);
    // A stage may stand for others as well.
    let covers = stage["found"]["covers"].as_array().into_iter().flatten();
    let stages: Vec<&Value> = covers.chain([&stage["stage"]]).collect();
    if !page.is_some_and(|page| page.stages.iter().any(|known| stages.iter().any(|stage| **stage == known.to_string()))) {
        faults.push(format!("{name}: the cause {code} does not occur in this stage by its table"));
    }
}

/// A cause belongs to what failed, a reason to what was skipped or is unknown.
fn outcome(value: &Value, name: &str, faults: &mut Vec<String>) {
    let outcome = value["outcome"].as_str().unwrap_or_default();
    let (cause, why) = (value.get("cause").is_some(), value.get("why").is_some());
    let proper = match outcome {
        "passed" => !cause && !why,
        "failed" => cause && !why,
        "skipped" | "unknown" => !cause && why,
        _ => false,
    };
    if !proper {
        faults.push(format!("{name}: outcome {outcome:?}, cause: {cause}, why: {why}"));
    }
}

/// `transports` is the best outcome of the attempts.
fn transports(report: &Value, faults: &mut Vec<String>) {
    for transport in TRANSPORTS {
        let attempts = report["attempts"].as_array().into_iter().flatten();
        let outcomes: Vec<&Value> =
            attempts.filter(|attempt| attempt["transport"] == transport).map(|attempt| &attempt["outcome"]).collect();
        let best = OUTCOMES.iter().find(|best| outcomes.iter().any(|outcome| *outcome == **best));
        let told = report["transports"][transport].as_str().unwrap_or_default();
        if best.is_some_and(|best| *best != told) || best.is_none() && OUTCOMES[..2].contains(&told) {
            faults.push(format!("transports.{transport} is {told:?}, the attempts say {best:?}"));
        }
    }
}

fn verdict(report: &Value, exit: i32, faults: &mut Vec<String>) {
    let (code, ok) = (report["verdict"]["code"].as_str().unwrap_or_default(), &report["verdict"]["ok"]);
    let proper = match code {
        "reachable" | "partly-reachable" => *ok == true && exit == 0,
        "inconclusive" => ok.is_null() && exit == 1,
        _ => *ok == false && exit == 1,
    };
    if !proper {
        faults.push(format!("verdict {code} with ok {ok} and exit code {exit}"));
    }
}

/// Folds the events of `--format ndjson` and compares with the report on the last line.
pub fn fold(lines: &str) -> Vec<String> {
    let Some((lines, last)) = lines.trim_end().rsplit_once('\n') else {
        return vec![format!("no events: {lines}")];
    };
    let mut report = Report::default();
    let mut facts = Vec::new();
    for line in lines.lines() {
        match serde_json::from_str::<Event>(line) {
            Ok(event) if compact(&event) == line => {
                report.apply(&event);
                facts.push(event.fact);
            }
            Ok(_) => return vec![format!("the event is another when written again: {line}")],
            Err(error) => return vec![format!("not an event: {error}: {line}")],
        }
    }
    let ends = [facts.first(), facts.last()];
    if !matches!(ends, [Some(Fact::RunStarted { .. }), Some(Fact::RunEnded { .. })]) {
        return vec![format!("the events begin or end with another: {ends:?}")];
    }
    let folded = compact(&report);
    if last.ends_with(&format!(r#""report":{folded}}}"#)) {
        return Vec::new();
    }
    vec![format!("folding the events gives {folded}, not the last line: {last}")]
}

/// As the program writes a line.
fn compact(value: &impl serde::Serialize) -> String {
    let line = p2p_probe::render::json::line(value).expect("events and reports are JSON");
    String::from_utf8(line).expect("JSON is UTF-8").trim_end().to_owned()
}
