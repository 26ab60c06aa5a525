//! The cases of tests/compare.toml.

use serde_json::{Map, Value, json};

use super::{Comparison, SCHEMA, compare};
use crate::{
    model::{Report, RuntimeKind},
    render::{Style, comparison},
};

/// A report from its short form.
fn report(short: &Value, input: &str) -> Report {
    let text = |member: &str, default: &str| short[member].as_str().unwrap_or(default).to_owned();
    let mut report: Report = serde_json::from_str(include_str!("../../tests/schema/example.json")).unwrap();
    report.tool.runtime = serde_json::from_value(json!(text("runtime", "native"))).unwrap();
    report.started.0 = text("started", "2026-11-22T10:00:00.000Z");
    report.target.peer = short["peer"].as_str().map(str::to_owned);
    report.target.input = report.target.peer.clone().unwrap_or_else(|| input.into());
    report.options.redacted = short["redacted"].as_bool().unwrap_or(false);
    (report.verdict, report.transports) = (None, crate::model::Transports::default());
    let attempts = short["attempts"].as_array().unwrap().iter().zip(1..);
    report.attempts = attempts.map(|(short, id)| serde_json::from_value(attempt(short, id)).unwrap()).collect();
    if let Some(agent) = short["agent"].as_str() {
        report.peers = vec![crate::model::Peer { agent: Some(agent.into()), expected: true, ..Default::default() }];
    }
    report
}

fn attempt(short: &Value, id: u32) -> Value {
    let outcome = |members: &mut Map<String, Value>| match (&short["cause"], &short["why"]) {
        (Value::Null, Value::Null) => drop(members.insert("outcome".into(), json!("passed"))),
        (Value::Null, why) => {
            members.insert("outcome".into(), json!(if short["skipped"] == true { "skipped" } else { "unknown" }));
            members.insert("why".into(), json!({ "code": why }));
        }
        (cause, _) => {
            members.insert("outcome".into(), json!("failed"));
            members.insert("cause".into(), cause.clone());
        }
    };
    let mut stage = json!({ "stage": short["stage"].as_str().unwrap_or("connect"), "start_ms": 0, "elapsed_ms": 2.5 });
    if short["seen"].is_string() {
        stage["stage"] = json!("tls");
        stage["found"] = json!({ "certificate": { "names": [], "issuer": "", "not_before": "", "not_after": "", "fingerprint": short["seen"] } });
    }
    outcome(stage.as_object_mut().unwrap());
    let at = if short["at"].is_null() { &short["to"] } else { &short["at"] };
    let mut attempt = json!({
        "id": id, "direction": "outbound", "source": "target", "transport": short["on"], "address": short["to"], "remote": at,
        "names": [], "start_ms": if short["skipped"] == true { Value::Null } else { json!(0) }, "elapsed_ms": 2.5,
        "stages": if short["why"].is_null() { json!([stage]) } else { json!([]) },
    });
    outcome(attempt.as_object_mut().unwrap());
    attempt
}

fn found(comparison: &Comparison, transport: &str) -> String {
    let row = comparison.transports.iter().find(|row| row.transport.to_string() == transport).unwrap();
    let relation = serde_json::to_value(row.relation).unwrap().as_str().unwrap().to_owned();
    row.reasons.iter().fold(relation, |words, reason| format!("{words} {}", reason.code.code()))
}

#[test]
fn the_cases() {
    let table: Value = toml::from_str(include_str!("../../tests/compare.toml")).unwrap();
    let cases = table["case"].as_array().unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let (a, b) = (report(&case["a"], "/dnsaddr/node.example.org"), report(&case["b"], "/dnsaddr/node.example.org"));
        let there = compare(&a, &b);
        assert_eq!(json!(there.same), case["same"], "{name}");
        assert_eq!(serde_json::to_value(there.target).unwrap(), *case.get("target").unwrap_or(&json!("same")), "{name}");
        if let Some(summary) = case["summary"].as_str() {
            assert_eq!(there.summary, summary, "{name}");
        }
        for (transport, expected) in case["rows"].as_object().unwrap() {
            assert_eq!(found(&there, transport), expected.as_str().unwrap(), "{name}: {transport}");
        }
        let notes: Vec<_> = there.notes.iter().map(|note| note.code.code()).collect();
        assert_eq!(json!(notes), *case.get("notes").unwrap_or(&json!([])), "{name}");
        let json = serde_json::to_value(&there).unwrap();
        let valid = jsonschema::validate(crate::schema::comparison().as_value(), &json);
        assert!(valid.is_ok(), "{name}: {valid:?}");
        // The other way round the same is said.
        let back = compare(&b, &a);
        assert_eq!((back.same, back.target), (there.same, there.target), "{name}");
        for row in &there.transports {
            assert_eq!(found(&back, &row.transport.to_string()), found(&there, &row.transport.to_string()), "{name}");
        }
    }
}

#[test]
fn a_report_is_the_same_as_itself() {
    let report: Report = serde_json::from_str(include_str!("../../tests/schema/example.json")).unwrap();
    let itself = compare(&report, &report);
    assert_eq!((itself.same, itself.schema.as_str()), (Some(true), SCHEMA));
    assert!(itself.notes.is_empty() && itself.transports.iter().all(|row| row.reasons.is_empty()));
    assert_eq!(compare(&Report::default(), &Report::default()).same, None);
}

#[test]
fn it_is_shown_to_people() {
    let table: Value = toml::from_str(include_str!("../../tests/compare.toml")).unwrap();
    let case = table["case"].as_array().unwrap().iter().find(|case| case["b"]["runtime"] == "browser").unwrap();
    let (a, mut b) = (report(&case["a"], "/dnsaddr/node.example.org"), report(&case["b"], "/dnsaddr/node.example.org"));
    assert_eq!(b.tool.runtime, RuntimeKind::Browser);
    b.tool.user_agent = Some("Firefox/153\u{1b}[2J".into());
    insta::assert_snapshot!(comparison(&compare(&a, &b), ["a.json", "b\u{202e}.json"], &Style::PLAIN));
}
