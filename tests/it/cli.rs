//! The command line: streams, exit codes, colours, signals, pages.

use crate::program::{self, Live, Run};
use crate::rules;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

/// Refused on any machine that has no service there.
const REFUSED: &str = "/ip4/127.0.0.1/tcp/1";
const ESCAPE: char = '\u{1b}';

fn run<const N: usize>(arguments: [&str; N]) -> Run {
    let home = tempfile::tempdir().expect("a folder");
    program::run(program::command(home.path(), arguments))
}

/// What it prints on a terminal, which `script` (Debian: bsdutils) makes.
fn on_a_terminal(arguments: &str, variables: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("script");
    command.args(["-qec", &format!("{} {arguments} 2>/dev/null", program::binary().display()), "/dev/null"]);
    program::settle(&mut command, home.path());
    command.env("TERM", "xterm-256color").envs(variables.iter().copied());
    program::run(command).stdout
}

#[test]
fn text_is_for_people_and_plain_when_piped() {
    let run = run(["dial", REFUSED]);
    assert_eq!(run.exit, 1);
    assert_eq!(rules::streams(&run), Vec::<String>::new());
    assert!(run.stdout.contains(REFUSED), "{}", run.stdout);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    assert!(!run.stdout.trim_start().starts_with('{'), "{}", run.stdout);
}

#[test]
fn colour_is_for_terminals_and_can_be_refused() {
    let dial = format!("dial {REFUSED}");
    assert!(on_a_terminal(&dial, &[]).contains(ESCAPE));
    assert!(!on_a_terminal(&dial, &[("NO_COLOR", "1")]).contains(ESCAPE));
    assert!(!on_a_terminal(&format!("{dial} --color never"), &[]).contains(ESCAPE));
    assert!(run(["dial", REFUSED, "--color", "always"]).stdout.contains(ESCAPE));
}

#[test]
fn a_file_gets_the_report_instead_of_stdout() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("report.json");
    let arguments = ["dial", REFUSED, "--format", "json", "-o", file.to_str().expect("UTF-8")];
    let run = program::run(program::command(home.path(), arguments));
    assert_eq!((run.exit, run.stdout.as_str()), (1, ""), "{}", run.stderr);
    let report = std::fs::read_to_string(file).expect("the report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(rules::faults(&report, 1), Vec::<String>::new());
}

#[test]
fn a_dash_is_stdout() {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = program::command(home.path(), ["dial", REFUSED, "-o", "-"]);
    command.current_dir(home.path());
    let run = program::run(command);
    assert!(run.exit == 1 && run.stdout.contains(REFUSED), "{}", run.stdout);
    assert!(!home.path().join("-").exists());
}

#[test]
fn a_closed_pipe_is_no_error() {
    for (arguments, exit) in [(vec!["schema"], 0), (vec!["dial", REFUSED], 1), (vec!["dial", REFUSED, "--format", "ndjson"], 1)] {
        let home = tempfile::tempdir().expect("a folder");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = program::command(home.path(), &arguments);
        command.stdout(writer);
        let run = program::run(command);
        assert_eq!((run.exit, run.stderr.as_str()), (exit, ""), "{arguments:?}");
    }
}

/// Dials a listener that accepts and keeps silent, and sends a signal once the dialer has spoken. The connection lasts as long
/// as it is held.
fn signalled(mut command: Command, name: &str, format: &str) -> (Live, TcpStream) {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("/ip4/127.0.0.1/tcp/{}", silent.local_addr().expect("bound").port());
    let home = tempfile::tempdir().expect("a folder");
    program::settle(&mut command, home.path());
    command.args(["dial", &address, "--format", format]);
    let live = Live::start(command);
    let (mut accepted, _) = silent.accept().expect("a dialer");
    accepted.read_exact(&mut [0]).expect("the dialer speaks");
    live.signal(name);
    (live, accepted)
}

fn interrupted(name: &str, format: &str) -> Run {
    // These tests may run under nohup themselves.
    let mut command = Command::new("env");
    command.arg(format!("--default-signal={name}")).arg(program::binary());
    let (live, _silent) = signalled(command, name, format);
    live.finish()
}

#[test]
fn an_interrupt_still_gives_the_report_so_far() {
    for name in ["TERM", "HUP"] {
        assert_eq!(interrupted(name, "json").exit, 130, "{name}");
    }
    let run = interrupted("INT", "json");
    assert_eq!(run.exit, 130, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).expect("a report");
    assert_eq!(report["complete"], false);
    assert_eq!(report["verdict"]["code"], "inconclusive");
    assert_eq!(report["attempts"][0]["why"]["code"], "interrupted", "{report}");
    assert_eq!(rules::faults(&report, 1), Vec::<String>::new(), "{report}");

    let events = interrupted("INT", "ndjson");
    assert_eq!(events.exit, 130);
    assert_eq!(rules::fold(&events.stdout), Vec::<String>::new());
}

#[test]
fn a_terminal_that_is_closed_is_ignored_under_nohup() {
    let mut nohup = Command::new("nohup");
    nohup.arg(program::binary());
    let (live, silent) = signalled(nohup, "HUP", "json");
    drop(silent);
    let run = live.finish();
    assert_eq!(run.exit, 1, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).expect("a report");
    assert_eq!(report["verdict"]["code"], "dropped-after-accept", "{report}");
}

#[test]
fn a_key_that_cannot_be_kept_is_met_with_what_can_be_done() {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join("file"), "").expect("a file");
    let mut command = program::command(home.path(), ["listen", "--port", "0"]);
    command.env("XDG_DATA_HOME", home.path().join("file"));
    let run = program::run(command);
    assert_eq!((run.exit, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("--identity") && run.stderr.contains("--ephemeral"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

#[test]
fn help_has_examples() {
    for arguments in [vec!["--help"], vec!["dial", "--help"], vec!["listen", "--help"]] {
        let home = tempfile::tempdir().expect("a folder");
        let run = program::run(program::command(home.path(), &arguments));
        assert_eq!(run.exit, 0, "{}", run.stderr);
        assert!(run.stdout.contains("Examples:"), "{arguments:?}: {}", run.stdout);
        assert!(run.stdout.contains("p2p-probe "), "{arguments:?}: {}", run.stdout);
    }
    for arguments in [vec!["completions", "bash"], vec!["man"], vec!["schema"], vec!["schema", "event"], vec!["--version"]] {
        let home = tempfile::tempdir().expect("a folder");
        let run = program::run(program::command(home.path(), &arguments));
        assert!(run.exit == 0 && !run.stdout.is_empty() && run.stderr.is_empty(), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn every_code_of_the_schema_is_explained() {
    let schema: Value = serde_json::from_str(&run(["schema"]).stdout).expect("JSON");
    let mut codes = BTreeSet::new();
    for family in ["Cause", "WhyCode", "VerdictCode", "HintCode", "WarningCode"] {
        let before = codes.len();
        collect(&schema["$defs"][family], &mut codes);
        assert!(codes.len() > before, "the schema has no codes of {family}");
    }
    for code in codes {
        let page = run(["explain", &code]);
        assert_eq!(page.exit, 0, "{code}: {}", page.stderr);
        assert!(page.stdout.contains(&code) && page.stdout.lines().count() > 1, "{code}: {}", page.stdout);
    }
    assert_eq!(run(["explain", "no-such-code"]).exit, 2);
}

/// The constants of a definition: of the codes themselves, or of members called `code`.
fn collect(definition: &Value, codes: &mut BTreeSet<String>) {
    for alternative in ["oneOf", "anyOf"].iter().filter_map(|kind| definition[kind].as_array()).flatten() {
        let code = alternative["const"].as_str().or(alternative["properties"]["code"]["const"].as_str());
        codes.extend(code.map(str::to_owned));
        collect(alternative, codes);
    }
    codes.extend(definition["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
}

#[test]
fn an_address_is_explained_part_by_part() {
    let page = run(["explain", "/dns4/node.test/tcp/443/tls/ws/p2p/12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ"]);
    assert_eq!((page.exit, page.stderr.as_str()), (0, ""));
    for part in ["/dns4/node.test", "/tcp/443", "/tls", "/ws", "/p2p/12D3KooW"] {
        assert!(page.stdout.contains(part), "{part}: {}", page.stdout);
    }
}
