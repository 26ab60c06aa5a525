//! Placeholders of scenarios.

use crate::expect::Attempt;
use serde_json::Value;
use std::collections::BTreeMap;

/// Values for the placeholders.
pub type Values = BTreeMap<String, String>;

impl Attempt {
    pub fn filled(&self, values: &Values) -> Self {
        Self {
            address: self.address.as_ref().map(|address| fill(address, values)),
            stages: self.stages.clone(),
            found: self.found.iter().map(|(name, found)| (name.clone(), fill_all(found, values))).collect(),
            members: self.members.iter().map(|(name, value)| (name.clone(), fill_all(value, values))).collect(),
        }
    }
}

pub fn fill(text: &str, values: &Values) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

pub fn fill_all(value: &Value, values: &Values) -> Value {
    match value {
        Value::String(text) => fill(text, values).into(),
        Value::Array(list) => list.iter().map(|value| fill_all(value, values)).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), fill_all(value, values))).collect(),
        other => other.clone(),
    }
}
