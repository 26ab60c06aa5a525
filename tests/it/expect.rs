//! What a scenario expects of a report, and where a report falls short of it.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Matches anything that is there and is not null.
const ANY: &str = "*";
const NULL: &str = "<null>";
const ABSENT: &str = "<absent>";

/// Part of an attempt; members that are not named here may be anything.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Attempt {
    /// Which attempt: the first of this address, else the one of the same place in the list.
    pub address: Option<String>,
    /// All stages in their order, as `connect passed`.
    pub stages: Option<Vec<String>>,
    /// What stages found, by stage.
    #[serde(default)]
    pub found: BTreeMap<String, Value>,
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

impl Attempt {
    /// Every way in which the report's attempt differs.
    pub fn compare(&self, place: usize, report: &Value) -> Vec<String> {
        let attempts = report["attempts"].as_array().map_or(&[][..], Vec::as_slice);
        let actual = match &self.address {
            Some(address) => attempts.iter().find(|attempt| attempt["address"] == address.as_str()),
            None => attempts.get(place),
        };
        let Some(actual) = actual else {
            return vec![format!("no attempt {}", self.address.clone().unwrap_or(place.to_string()))];
        };
        let mut faults = Vec::new();
        compare(&Value::Object(self.members.clone()), actual, &format!("attempt {place}"), &mut faults);
        let stages: Vec<String> = stages(actual).iter().map(in_short).collect();
        match &self.stages {
            Some(expected) if !alike(expected, &stages) => faults.push(format!("stages are {stages:?}, not {expected:?}")),
            _ => {}
        }
        for (name, expected) in &self.found {
            let stage = stages_named(actual, name);
            compare(expected, &stage["found"], &format!("{name}.found"), &mut faults);
        }
        faults
    }
}

fn alike(expected: &[String], actual: &[String]) -> bool {
    expected.len() == actual.len() && expected.iter().zip(actual).all(|(expected, actual)| one_of(expected, actual))
}

/// The codes of `verdict.hints` or `verdict.warnings`.
pub fn codes<'a>(report: &'a Value, list: &str) -> Vec<&'a str> {
    let entries = report["verdict"][list].as_array().map_or(&[][..], Vec::as_slice);
    entries.iter().filter_map(|entry| entry["code"].as_str()).collect()
}

pub fn stages(attempt: &Value) -> &[Value] {
    attempt["stages"].as_array().map_or(&[], Vec::as_slice)
}

fn stages_named(attempt: &Value, name: &str) -> Value {
    stages(attempt).iter().find(|stage| stage["stage"] == name).cloned().unwrap_or_default()
}

fn in_short(stage: &Value) -> String {
    let word = |member: &str| stage[member].as_str().unwrap_or("?").to_owned();
    format!("{} {}", word("stage"), word("outcome"))
}

/// Whether `expected`, which may list alternatives as `closed|reset`, names `actual`.
pub fn one_of(expected: &str, actual: &str) -> bool {
    expected == actual || expected.split('|').any(|expected| expected == actual)
}

/// Adds to `faults` where `actual` lacks what `expected` names. Each element expected of a list may be anywhere in it.
/// An empty list is expected to be empty.
pub fn compare(expected: &Value, actual: &Value, place: &str, faults: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(members), Value::Object(actual)) => {
            for (name, expected) in members {
                let place = format!("{place}.{name}");
                match actual.get(name) {
                    Some(actual) => compare(expected, actual, &place, faults),
                    None if expected == ABSENT => {}
                    None => faults.push(format!("{place} is absent, not {expected}")),
                }
            }
        }
        (Value::Array(elements), Value::Array(actual)) => {
            if elements.is_empty() && !actual.is_empty() {
                faults.push(format!("{place} is not empty: {}", Value::Array(actual.clone())));
            }
            for expected in elements {
                let found = actual.iter().any(|actual| {
                    let mut faults = Vec::new();
                    compare(expected, actual, "", &mut faults);
                    faults.is_empty()
                });
                if !found {
                    faults.push(format!("{place} lacks {expected}: {}", Value::Array(actual.clone())));
                }
            }
        }
        (Value::String(expected), Value::String(actual)) if one_of(expected, actual) => {}
        (Value::String(expected), actual) if expected == ANY && !actual.is_null() => {}
        (Value::String(expected), Value::Null) if expected == NULL => {}
        _ if expected == actual => {}
        _ => faults.push(format!("{place} is {actual}, not {expected}")),
    }
}
