//! Reports that were saved: shown again, compared, refused.

use crate::program::{self, Run};
use serde_json::Value;
use std::io::Write;
use std::path::Path;

const EXAMPLE: &str = include_str!("../schema/example.json");

fn run<const N: usize>(home: &Path, arguments: [&str; N]) -> Run {
    let mut command = program::command(home, arguments);
    command.current_dir(home);
    program::run(command)
}

fn home_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(home.path().join(name), text).expect("a file");
    }
    home
}

#[test]
fn a_saved_report_is_shown_as_it_was() {
    let home = home_with(&[]);
    let dial = ["dial", "/ip4/127.0.0.1/tcp/1", "--format", "ndjson", "-o", "run.ndjson"];
    assert_eq!(run(home.path(), dial).exit, 1);
    let shown = run(home.path(), ["show", "run.ndjson", "--format", "json"]);
    assert_eq!((shown.exit, shown.stderr.as_str()), (0, ""));
    let lines = std::fs::read_to_string(home.path().join("run.ndjson")).expect("events");
    let last: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert_eq!(serde_json::from_str::<Value>(&shown.stdout).expect("a report"), last["report"]);
    let text = run(home.path(), ["show", "run.ndjson"]);
    assert!(text.exit == 0 && text.stdout.contains("nothing listens there"), "{}", text.stdout);
    let html = run(home.path(), ["show", "run.ndjson", "--format", "html"]);
    assert!(html.stdout.starts_with("<!DOCTYPE html>") && html.stdout.contains("nothing listens there"), "{}", html.stdout);
    let direct = run(home.path(), ["dial", "/ip4/127.0.0.1/tcp/1", "--format", "html"]);
    assert!(direct.exit == 1 && direct.stdout.ends_with("</html>"), "{}", direct.stdout);
}

#[test]
fn comparing_ends_with_what_came_out() {
    let works = EXAMPLE.replacen(
        "\"outcome\": \"failed\", \"cause\": { \"code\": \"wrong-peer\"",
        "\"outcome\": \"passed\", \"x\": { \"code\": \"wrong-peer\"",
        1,
    );
    let home = home_with(&[
        ("a.json", EXAMPLE),
        ("b.json", &works),
        ("later.json", &EXAMPLE.replace("\"wrong-peer\"", "\"of-tomorrow\"")),
    ]);
    let same = run(home.path(), ["compare", "a.json", "a.json"]);
    assert_eq!((same.exit, same.stderr.as_str()), (0, ""), "{}", same.stdout);
    let differs = run(home.path(), ["compare", "a.json", "b.json", "--format", "json"]);
    assert_eq!(differs.exit, 1, "{}", differs.stderr);
    let comparison: Value = serde_json::from_str(&differs.stdout).expect("JSON");
    assert_eq!((&comparison["same"], &comparison["transports"][0]["relation"]), (&Value::Bool(false), &Value::from("differs")));
    assert_eq!(comparison["transports"][0]["reasons"][0]["code"], "other-answers");
    let html = run(home.path(), ["compare", "a.json", "b.json", "--format", "html", "-o", "c.html"]);
    assert_eq!((html.exit, html.stdout.as_str()), (1, ""), "{}", html.stderr);
    assert!(std::fs::read_to_string(home.path().join("c.html")).expect("a page").contains("other-answers"));
    assert_eq!(run(home.path(), ["compare", "a.json", "later.json"]).exit, 0, "unknown codes are accepted");
}

#[test]
fn a_report_comes_from_stdin_as_well() {
    let home = home_with(&[("a.json", EXAMPLE)]);
    let mut command = program::command(home.path(), ["compare", "-", "a.json"]);
    command.current_dir(home.path()).stdin(std::process::Stdio::piped());
    let mut child = command.spawn().expect("p2p-probe");
    child.stdin.take().expect("a pipe").write_all(EXAMPLE.as_bytes()).expect("written");
    let run: Run = child.wait_with_output().expect("its output").into();
    assert_eq!(run.exit, 0, "{}", run.stderr);
}

#[test]
fn what_cannot_be_read_is_said_in_one_sentence() {
    let big = format!("{EXAMPLE}{}", " ".repeat(8 << 20));
    let home = home_with(&[
        ("a.json", EXAMPLE),
        ("empty", ""),
        ("text", "hello"),
        ("half", &EXAMPLE[..200]),
        ("other", "{}"),
        ("big", &big),
    ]);
    for bad in ["empty", "text", "half", "other", "big", "missing", "."] {
        for run in [run(home.path(), ["show", bad]), run(home.path(), ["compare", "a.json", bad])] {
            assert_eq!((run.exit, run.stdout.as_str()), (2, ""), "{bad}");
            assert_eq!(run.stderr.lines().count(), 1, "{bad}: {}", run.stderr);
            assert!(run.stderr.contains(bad), "{bad}: {}", run.stderr);
        }
    }
    assert_eq!(run(home.path(), ["compare", "-", "-"]).exit, 2);
}
