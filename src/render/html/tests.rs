//! Whole reports as HTML. What stands in them comes from strangers.

use serde_json::{Value, json};

use super::{beside, comparison, page, report};
use crate::{
    compare::compare,
    model::{Listener, Report},
};

const EXAMPLE: &str = include_str!("../../../tests/schema/example.json");

fn example() -> Report {
    serde_json::from_str(EXAMPLE).unwrap()
}

/// The same of the own network.
fn network(text: &str) -> Value {
    let stages = json!([{ "stage": "connect", "outcome": "failed", "cause": { "code": "timed-out" }, "start_ms": 1.0, "elapsed_ms": 1500.0 }]);
    let by = json!({ "method": "autonat-v2", "vantage": text, "from": text, "contacted_before": true, "outcome": "failed",
        "cause": { "code": "timed-out" }, "stages": stages, "message": text });
    json!({
        "status": "unknown", "summary": text, "ipv4": null, "ipv6": null,
        "inbound": [{ "address": text, "transport": "tcp", "outcome": "failed", "cause": { "code": "timed-out" }, "by": [by] }],
        "port_mapping": [{ "protocol": "upnp", "outcome": "passed", "gateway": text, "external": text, "mapped": [text], "verified": false, "message": text }],
        "relays": [{ "via": text, "outcome": "passed", "expires": text, "limit_ms": 120_000, "limit_bytes": 131_072, "addresses": [text] }],
        "hole_punches": [{ "via": text, "transport": "tcp", "outcome": "passed", "attempt": 1, "peer": text }],
        "remedies": [{ "code": text, "text": text, "address": text, "command": text }],
        "local": { "addresses": [{ "address": text, "scope": "private" }], "usable": [{ "family": "ipv4", "source": text, "outcome": "failed" }],
            "nat64": "present", "nat64_prefix": text, "udp_receive_buffer": null },
        "vantages": [{ "vantage": text, "kind": "libp2p", "address": text, "observed": text, "offers": [text] }],
    })
}

/// Everything that a report can hold, with `text` wherever somebody else chooses the text.
fn full(text: &str) -> Report {
    let found = json!({
        "records": [text], "resolver": text, "local": text, "version": text, "suite": text, "alpn": text, "server": text, "location": text,
        "certificate": { "names": [text], "issuer": text, "not_before": text, "not_after": text, "fingerprint": text },
        "protocol": text, "peer": text, "local_peer": text, "agent": text, "observed": text,
    });
    let pinged =
        json!({ "sent": 3, "received": 3, "min_ms": 1.0, "median_ms": 1.5, "max_ms": 4.0, "samples_ms": [1.0, 4.0, 1.5] });
    let attempt = |id: u32, outcome: Value, stages: Value| {
        let mut attempt = json!({
            "id": id, "direction": "outbound", "source": "target", "transport": "tcp", "address": text, "remote": text, "names": [text],
            "version": text, "start_ms": 1.0, "elapsed_ms": 9.0, "stages": stages,
        });
        attempt.as_object_mut().unwrap().extend(outcome.as_object().unwrap().clone());
        attempt
    };
    let failed = json!({ "outcome": "failed", "cause": { "code": "not-libp2p", "speaks": text } });
    let mut bad = json!({ "stage": "secure", "start_ms": 3.0, "elapsed_ms": 7.0, "found": found, "message": text });
    bad.as_object_mut().unwrap().extend(failed.as_object().unwrap().clone());
    let stages = json!([
        { "stage": "resolve", "outcome": "passed", "shared": true, "start_ms": 0, "elapsed_ms": 1.0 },
        { "stage": "connect", "outcome": "passed", "start_ms": 1.0, "elapsed_ms": 2.0 },
        bad,
        { "stage": "identify", "outcome": "unknown", "why": { "code": text }, "start_ms": 10.0, "elapsed_ms": null },
        { "stage": "ping", "outcome": "passed", "start_ms": 10.0, "elapsed_ms": 6.5, "found": pinged },
    ]);
    let mut value: Value = serde_json::from_str(EXAMPLE).unwrap();
    value["tool"] = json!({ "name": text, "version": text, "runtime": "browser", "user_agent": text });
    value["started"] = json!(text);
    value["target"]["input"] = json!(text);
    value["attempts"] = json!([
        attempt(1, failed, stages),
        attempt(2, json!({ "outcome": "failed", "cause": { "code": text, "more": text } }), json!([])),
        { "id": 3, "direction": "outbound", "source": "target", "transport": null, "address": text, "remote": null, "names": [],
          "outcome": "skipped", "why": { "code": text }, "start_ms": null, "elapsed_ms": null, "stages": [] },
    ]);
    value["transports"]["ws"] = json!("not-offered");
    value["peers"] = json!([{
        "id": text, "expected": true, "attempts": [1], "agent": text, "protocol_version": text, "protocols": [text], "announced_total": 101,
        "announced": [{ "address": text, "scope": "public", "attempt": 1 }, { "address": text, "scope": "private", "attempt": 3 }, { "address": text, "scope": "dns", "attempt": null }],
    }]);
    value["nat"] = network(text);
    let advice = json!([{ "code": text, "text": "do", "address": text, "command": text }]);
    value["verdict"] =
        json!({ "code": text, "ok": false, "summary": text, "hints": advice, "warnings": advice, "evidence": [1] });
    let mut report: Report = serde_json::from_value(value).unwrap();
    let mut inbound = report.attempts[0].clone();
    inbound.direction = crate::model::Direction::Inbound;
    report.listener = Some(Listener { attempts: vec![inbound] });
    report
}

#[test]
fn the_example_renders() {
    insta::assert_snapshot!(report(&example()).replace("><", ">\n<"));
}

#[test]
fn what_strangers_say_is_text_and_nothing_else() {
    let hostile = "\"'><script src=x onerror=y></script><img style=\"a\"><!-- &lt; \u{202e}\u{200b}\u{1b}[2J javascript:x";
    let harmless = "plain";
    // Escaped, the one text takes no other tags and attributes than the other.
    let tags = |html: &str| html.chars().filter(|c| "<>\"".contains(*c)).collect::<String>();
    for make in [|text: &str| report(&full(text)), |text: &str| comparison(&compare(&full(text), &full(text)), [text, text])] {
        let (bad, good) = (make(hostile), make(harmless));
        assert_eq!(tags(&bad), tags(&good));
        assert!(good.contains("plain") && bad.contains("&lt;script"), "the text is shown");
        for never in ["<script", "<img", "style=", "<!--", "\u{202e}", "\u{200b}", "\u{1b}"] {
            let shown = bad.replace("style=&quot;", "");
            assert!(!shown.contains(never), "{never:?}");
        }
    }
}

#[test]
fn there_is_no_inline_style_script_or_handler() {
    for html in [report(&full("x")), report(&example()), page(&report(&example()))] {
        for never in [" style=", "<script", " on", "javascript:", "http://", "https://"] {
            let found = html.find(never).map(|at| &html[at..(at + 40).min(html.len())]);
            assert!(found.is_none_or(|found| never == " on" && !found[..12.min(found.len())].contains('=')), "{found:?}");
        }
    }
    let whole = page("");
    assert!(whole.starts_with("<!DOCTYPE html>") && whole.contains("default-src 'none'"), "{whole:.400}");
}

#[test]
fn every_part_is_shown_and_named_for_those_who_do_not_see() {
    let html = report(&full("x"));
    for part in [
        "Addresses",
        "Pings",
        "The listener saw it",
        "Announced: 101 addresses",
        "Warnings",
        "The own network",
        "What was found",
        "not offered",
        "Who tried",
        "which had been sent to: ",
        "connect 150",
        "120 s, 131072 bytes each way",
        "nowhere",
        "NAT64",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    for labelled in html.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(&labelled), "{labelled}");
    }
    assert_eq!(html.matches("<svg").count(), html.matches("aria-hidden=\"true\" focusable=\"false\"").count());
    let other = beside(&full("x"), "b");
    assert!(ids.iter().all(|id| !other.contains(&format!("id=\"{id}\""))));
}

#[test]
fn what_the_listener_saw_stands_beside_the_dial_or_by_itself() {
    let mut seen = full("x");
    assert!(!report(&seen).contains("The other end"), "both ends are known by the dialer's peer ID");
    for stage in &mut seen.attempts[0].stages {
        stage.found.local_peer = None;
    }
    let apart = report(&seen);
    assert!(apart.contains("The other end") && !apart.contains("The listener saw it"));
    seen.listener = Some(Listener::default());
    assert!(report(&seen).contains("saw none of these dials"));
}

#[test]
fn a_run_renders_from_its_first_event_on() {
    assert!(report(&Report::default()).contains("nothing yet"));
    let mut running = example();
    running.verdict = None;
    running.attempts[0].elapsed_ms = None;
    running.attempts[0].stages[2].elapsed_ms = None;
    assert!(report(&running).contains("running"));
}

#[test]
fn a_file_with_very_many_addresses_is_cut() {
    let mut many = example();
    let attempt = many.attempts[0].clone();
    many.attempts = (1..=1000).map(|id| crate::model::Attempt { id, ..attempt.clone() }).collect();
    let html = report(&many);
    assert_eq!(html.matches("class=\"attempt\"").count(), super::DRAWN);
    assert!(html.contains("and 800 more"));
}

#[test]
fn the_own_network_is_told_of_where_a_dial_told_of_it() {
    let mut dial = full("x");
    assert!(report(&dial).contains("The own network"));
    let nat = dial.nat.as_mut().unwrap();
    (nat.vantages, nat.inbound) = Default::default();
    assert!(!report(&dial).contains("The own network"), "whatever a dial knows of this machine without having asked");
    dial.target.kind = crate::model::TargetKind::Network;
    assert!(report(&dial).contains("The own network"));
}

#[test]
fn each_link_of_the_announced_addresses_has_a_name() {
    let html = beside(&full("x"), "r");
    let links: Vec<&str> = html.split("<a ").skip(1).map(|rest| rest.split('>').next().unwrap_or_default()).collect();
    assert!(!links.is_empty() && links.iter().all(|link| link.contains("id=\"rannounced0-")), "{links:?}");
}
