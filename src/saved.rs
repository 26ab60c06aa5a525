//! Reports that were saved: one JSON document, or the events of a run line by line.

use serde_json::Value;

use crate::model::{Event, Fact, Report, SCHEMA};

/// The largest file that is read, in bytes. A run of all that p2p-probe takes on, 132 addresses with a hundred pings each,
/// writes a tenth of it.
pub const LARGEST: usize = 8 << 20;

/// Why a file is not read as a report. Each is one sentence, to be put after the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// More bytes than any report has.
    #[error("is larger than {} MiB, and no report is", LARGEST >> 20)]
    TooLarge,
    /// Nothing in it.
    #[error("is empty; a run that was ended before its report leaves such a file")]
    Empty,
    /// Not JSON, or not all of it.
    #[error("is not JSON: {0}")]
    NotJson(String),
    /// JSON of another kind.
    #[error("is JSON, but not a report of p2p-probe: it has no `\"schema\": \"{SCHEMA}\"`")]
    NotAReport,
    /// Events without the start of a run: what `listen` writes.
    #[error("holds events, but not those of a dial: there is no `run-started` among them")]
    NotARun,
    /// A report of another version.
    #[error("is a report of another version, {0:?}; this p2p-probe reads {SCHEMA:?}")]
    OtherVersion(String),
    /// A member that is not as the schema has it.
    #[error("is a report that does not keep to its schema (`p2p-probe schema`): {0}")]
    Malformed(String),
}

/// The report in what `--format json` or `--format ndjson` wrote. Codes that this version does not know are kept as they
/// are; of events without a `report` at their end, it is folded from them.
pub fn read(bytes: &[u8]) -> Result<Report, Unreadable> {
    if bytes.len() > LARGEST {
        return Err(Unreadable::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match serde_json::from_slice::<Value>(first) {
        Ok(line) if line.get("event").is_some() => events(bytes),
        _ => document(bytes),
    }
}

fn document(bytes: &[u8]) -> Result<Report, Unreadable> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| Unreadable::NotJson(error.to_string()))?;
    match value.get("schema").and_then(Value::as_str) {
        Some(SCHEMA) => report(bytes),
        Some(other) if other.starts_with("p2p-probe/report/") => Err(Unreadable::OtherVersion(short(other))),
        _ => Err(Unreadable::NotAReport),
    }
}

/// Reads a report as the event that it ends a run with: all that is read are events, so that the code that reads a report is
/// there once, in a page that has to fetch it.
fn report(bytes: &[u8]) -> Result<Report, Unreadable> {
    let event = [br#"{"event":"report","t_ms":0,"run":0,"report":"#, bytes, b"}"].concat();
    let event: Event = serde_json::from_slice(&event).map_err(|error| Unreadable::Malformed(error.to_string()))?;
    match event.fact {
        Fact::Report { report } => Ok(*report),
        _ => Err(Unreadable::NotAReport),
    }
}

fn events(bytes: &[u8]) -> Result<Report, Unreadable> {
    let mut folded = Report::default();
    for (at, line) in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate() {
        if line.is_empty() {
            continue;
        }
        let event: Event =
            serde_json::from_slice(line).map_err(|error| Unreadable::Malformed(format!("line {}: {error}", at + 1)))?;
        match event.fact {
            Fact::Report { report } => return Ok(*report),
            _ => folded.apply(&event),
        }
    }
    match folded.schema.as_str() {
        SCHEMA => Ok(folded),
        "" => Err(Unreadable::NotARun),
        other => Err(Unreadable::OtherVersion(short(other))),
    }
}

/// Enough of a foreign word to recognise it.
fn short(word: &str) -> String {
    word.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::json;

    const EXAMPLE: &str = include_str!("../tests/schema/example.json");

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let report = read(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(read(&json::line(&report).unwrap()).unwrap(), report);
        let unknown =
            EXAMPLE.replace("\"wrong-peer\", \"ok\"", "\"of-tomorrow\", \"ok\"").replace("use-actual-peer", "hint-of-tomorrow");
        assert_eq!(read(unknown.as_bytes()).unwrap().verdict.unwrap().code.code(), "of-tomorrow");
    }

    #[test]
    fn events_give_their_report_with_the_last_line_or_without() {
        let started = r#"{"event":"run-started","t_ms":0,"run":0,"schema":"p2p-probe/report/1","tool":{"name":"p2p-probe","version":"0.1.0","runtime":"native"},"started":"2026-11-22T10:00:00.000Z","target":{"kind":"peer","input":"/ip4/1.2.3.4/tcp/1","peer":null},"options":{"transports":null,"family":null,"security":null,"announced":true,"private":false,"timeout_ms":1,"deadline_ms":1,"pings":1,"concurrency":1,"redacted":false},"capabilities":["tcp"]}"#;
        let report = read(started.as_bytes()).unwrap();
        assert_eq!(report.target.input, "/ip4/1.2.3.4/tcp/1");
        let whole = read(EXAMPLE.as_bytes()).unwrap();
        let last = format!("{{\"event\":\"report\",\"t_ms\":1,\"run\":0,\"report\":{}}}", serde_json::to_string(&whole).unwrap());
        assert_eq!(read(format!("{started}\n{last}\n").as_bytes()).unwrap(), whole);
    }

    #[test]
    fn what_is_no_report_is_said_in_one_sentence() {
        let half = &EXAMPLE[..EXAMPLE.len() / 2];
        let cases: [(&str, &str); 9] = [
            ("", "empty"),
            (" \n ", "empty"),
            (half, "not JSON"),
            ("\u{1}\u{2}", "not JSON"),
            ("[]", "not a report"),
            ("{\"schema\": 3}", "not a report"),
            ("{\"schema\": \"p2p-probe/report/2\"}", "another version"),
            ("{\"schema\": \"p2p-probe/report/1\"}", "missing field"),
            ("{\"event\":\"listening\",\"t_ms\":0,\"run\":0,\"address\":\"/ip4/1.2.3.4/tcp/1\"}", "run-started"),
        ];
        for (text, expected) in cases {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains('\n'), "{text:.40}: {error}");
        }
    }

    #[test]
    fn a_file_has_a_largest_size() {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        bytes.resize(LARGEST, b' ');
        assert!(read(&bytes).is_ok());
        bytes.push(b' ');
        assert_eq!(read(&bytes), Err(Unreadable::TooLarge));
        let deep = format!("{{\"schema\":\"p2p-probe/report/1\",\"x\":{}", "[".repeat(100_000));
        assert!(matches!(read(deep.as_bytes()), Err(Unreadable::NotJson(_))));
    }
}
