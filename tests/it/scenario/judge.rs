//! Holds what a run left against what its scenario expects.

use super::Scenario;
use super::values::{Values, fill, fill_all};
use crate::expect;
use crate::program::Run;
use crate::rules::{self, Schema};
use serde_json::Value;

impl Scenario {
    pub fn judge(&self, run: &Run, values: &Values, schema: &Schema, faults: &mut Vec<String>) {
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
        faults.extend(rules::faults(&report, self.lenient(run.exit, &report)));
        self.compare(&report, values, faults);
        if faults.len() > before {
            faults.push(format!("the report: {report}"));
        }
    }

    /// The exit code that the verdict alone would give: `--strict` makes an error of any failed attempt.
    pub fn lenient(&self, exit: i32, report: &Value) -> i32 {
        let strict = self.args.iter().any(|argument| argument == "--strict");
        if strict && report["verdict"]["ok"] == true { 0 } else { exit }
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
