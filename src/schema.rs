//! The JSON Schemas of what p2p-probe writes, made from the model.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};

use crate::{
    compare::Comparison,
    model::{Event, Report},
};

/// The schema of a report (`--format json`, the last line of `--format ndjson`).
#[must_use]
pub fn report() -> Schema {
    of::<Report>()
}

/// The schema of an event (`--format ndjson`).
#[must_use]
pub fn event() -> Schema {
    of::<Event>()
}

/// The schema of a comparison (`compare --format json`).
#[must_use]
pub fn comparison() -> Schema {
    of::<Comparison>()
}

/// As it is written: members that are always there are required.
fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::model::{Direction, Fact, Micros, NameResolved, Options, Outcome, Source, Stamp, Target, Tool, WhyCode};

    fn file(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema").join(name)
    }

    fn read(name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(file(name)).expect(name)).expect(name)
    }

    fn assert_valid(schema: &Schema, instance: &Value) {
        let validator = jsonschema::validator_for(schema.as_value()).expect("a schema");
        let errors: Vec<String> =
            validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path)).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }

    #[test]
    fn the_files_are_the_schemas() {
        for (name, schema) in [("report.json", report()), ("event.json", event()), ("comparison.json", comparison())] {
            // `P2P_PROBE_BLESS=1 cargo test` writes them anew after a change of the model.
            if std::env::var_os("P2P_PROBE_BLESS").is_some() {
                let bytes = crate::render::json::pretty(&schema).unwrap();
                std::fs::write(file(name), bytes).unwrap();
            }
            assert!(read(name) == schema.to_value(), "tests/schema/{name} is not current: run this test with P2P_PROBE_BLESS=1");
        }
    }

    #[test]
    fn the_example_of_the_format_is_a_report() {
        let example = read("example.json");
        let parsed: Report = serde_json::from_value(example.clone()).expect("the example reads");
        let written = serde_json::to_value(&parsed).unwrap();
        assert_valid(&report(), &written);
        // Members may be added; what the example says comes back as it is.
        assert_contains(&written, &example, "");
    }

    fn assert_contains(whole: &Value, part: &Value, path: &str) {
        match (whole, part) {
            (Value::Object(whole), Value::Object(part)) => {
                for (name, value) in part {
                    let path = format!("{path}/{name}");
                    assert_contains(whole.get(name).unwrap_or_else(|| panic!("{path} is missing")), value, &path);
                }
            }
            (Value::Array(whole), Value::Array(part)) => {
                assert_eq!(whole.len(), part.len(), "{path}");
                for (at, (whole, part)) in whole.iter().zip(part).enumerate() {
                    assert_contains(whole, part, &format!("{path}/{at}"));
                }
            }
            // 1 and 1.0 are one number.
            (Value::Number(whole), Value::Number(part)) => assert_eq!(whole.as_f64(), part.as_f64(), "{path}"),
            _ => assert_eq!(whole, part, "{path}"),
        }
    }

    /// A report as it was written before `nat` was measured.
    #[test]
    fn a_report_of_an_earlier_version_is_read() {
        let mut report = serde_json::to_value(Report::default()).unwrap();
        report["nat"] = serde_json::json!({
            "status": "unknown", "why": { "code": "too-few-vantages" }, "summary": "Not tested.", "ipv4": null, "ipv6": null,
            "inbound": [], "local": { "addresses": [{ "address": "192.168.1.5", "scope": "private" }], "nat64": "unknown",
            "udp_receive_buffer": 212_992 }, "port_mapping": [], "relays": [], "hole_punches": [], "remedies": []
        });
        let read: Report = serde_json::from_value(report).unwrap();
        assert_eq!(read.nat.unwrap().local.addresses[0].address, "192.168.1.5");
    }

    /// The example of `nat` in the format's description.
    #[test]
    fn the_example_of_nat_is_read() {
        let example = read("nat.json");
        let parsed: crate::model::Nat = serde_json::from_value(example.clone()).expect("the example reads");
        let written = serde_json::to_value(&parsed).unwrap();
        let mut report: Report = serde_json::from_value(read("example.json")).unwrap();
        report.nat = Some(parsed);
        assert_valid(&super::report(), &serde_json::to_value(&report).unwrap());
        assert_contains(&written, &example, "");
    }

    #[test]
    fn a_report_in_the_making_and_its_events_are_valid() {
        let planned = Fact::AttemptPlanned {
            attempt: 1,
            address: "/dns4/a.example/tcp/1".into(),
            remote: None,
            names: vec!["/dns4/a.example".into()],
            transport: None,
            source: Source::Target,
            direction: Direction::Outbound,
            version: None,
            why: Some(WhyCode::NotYetDialable.into()),
            cause: None,
        };
        let facts = [
            Fact::RunStarted {
                schema: crate::model::SCHEMA.into(),
                tool: Tool::default(),
                started: Stamp("2026-01-02T03:04:05.678Z".into()),
                target: Target::default(),
                options: Options::default(),
                capabilities: vec![],
            },
            Fact::LocalNetwork {
                families: vec![],
                sources: vec![crate::model::LocalAddress::new(std::net::Ipv4Addr::new(192, 168, 1, 5).into())],
                udp_receive_buffer: None,
            },
            Fact::NameResolved(NameResolved {
                name: "/dns4/a.example".into(),
                start_ms: Micros(1),
                elapsed_ms: Micros(2),
                outcome: Outcome::Passed,
                found: crate::model::Found::default(),
                message: None,
            }),
            planned,
            Fact::RunEnded { complete: true },
        ];
        let events: Vec<Event> = facts.into_iter().map(|fact| Event { t_ms: Micros(3), run: 0, fact }).collect();
        let folded = Report::of(&events);
        assert_valid(&report(), &serde_json::to_value(&folded).unwrap());
        let last = Event { t_ms: Micros(4), run: 0, fact: Fact::Report { report: Box::new(folded) } };
        for event in events.iter().chain([&last]) {
            let value = serde_json::to_value(event).unwrap();
            assert_valid(&super::event(), &value);
            let read: Event = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), value);
        }
    }
}
