//! Everything that an attempt found, for those who want to know.

use maud::{Markup, html};
use serde_json::Value;

use super::said;
use crate::model::{Attempt, Found};

/// How many items of a list are shown.
const ITEMS: usize = 20;

/// Members by stage. What is drawn elsewhere is left out.
pub(super) fn details(attempt: &Attempt, id: &str) -> Markup {
    let found: Vec<(String, Vec<(String, String)>)> = attempt
        .stages
        .iter()
        .filter_map(|stage| Some((stage.stage.to_string(), members(&as_value(&stage.found)?))))
        .filter(|(_, members)| !members.is_empty())
        .collect();
    html! {
        @if !found.is_empty() {
            details.found id=(id) {
                summary { "What was found" }
                table {
                    thead.hidden { tr { th scope="col" { "Stage" } th scope="col" { "What" } th scope="col" { "Value" } } }
                    @for (stage, members) in &found {
                        tbody {
                            @for (at, (name, value)) in members.iter().enumerate() {
                                tr {
                                    @if at == 0 { th scope="rowgroup" rowspan=(members.len()) { (stage) } }
                                    td { (said(name)) }
                                    td { code { (said(value)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// By way of text, as everything is written and read: another way would be more WebAssembly.
fn as_value(found: &Found) -> Option<Value> {
    serde_json::from_slice(&serde_json::to_vec(found).ok()?).ok()
}

fn members(found: &Value) -> Vec<(String, String)> {
    let Value::Object(members) = found else { return Vec::new() };
    let mut rows = Vec::new();
    for (name, value) in members.iter().filter(|(name, _)| *name != "samples_ms") {
        match value {
            Value::Object(inner) => {
                rows.extend(inner.iter().map(|(part, value)| (words(&format!("{name} {part}")), text(value))));
            }
            other if name.ends_with("_ms") => rows.push((words(name.trim_end_matches("_ms")), format!("{} ms", text(other)))),
            other => rows.push((words(name), text(other))),
        }
    }
    rows
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "not known".into(),
        Value::Array(values) => {
            let more = if values.len() > ITEMS { ", …" } else { "" };
            values.iter().take(ITEMS).map(text).collect::<Vec<_>>().join(", ") + more
        }
        other => other.to_string(),
    }
}
