//! Speed and memory beside go-libp2p, measured in one run on one machine and printed as a table of ratios.
//!
//! Nothing here asserts a time. The exit code is 0 when everything could be measured, whatever came out.
#![allow(missing_docs, reason = "a benchmark has no API")]
#![allow(unreachable_pub, reason = "modules of one binary")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a benchmark prints what its clock says"
)]

mod bulk;
mod dialer;
mod dials;
mod first_packet;
mod go;
mod held;
mod lab;
mod line;
mod listen;
mod measure;
mod nat;
mod ours;
mod own;
mod perf;
#[cfg(target_os = "linux")]
mod reflector;
#[cfg(not(target_os = "linux"))]
#[path = "no_reflector.rs"]
mod reflector;
mod size;
mod table;
mod upload;

use std::process::ExitCode;
use table::{Row, Table};

/// A part by the name it is chosen by: `cargo bench -- NAME…`; all of them unless any is named.
type Part = (&'static str, fn() -> anyhow::Result<Vec<Row>>);
const PARTS: [Part; 9] = [
    ("dials", dials::measure),
    ("first-packet", first_packet::measure),
    ("self", own::measure),
    ("line", line::measure),
    ("bulk", bulk::measure),
    ("listen", listen::measure),
    ("held", held::measure),
    ("nat", nat::measure),
    ("size", size::measure),
];

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("bench: {error:#}");
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == line::WITHIN) {
        return line::within(words.get(1).map(String::as_str));
    }
    if let Some((upload::COMMAND, words)) = words.split_first().map(|(word, words)| (word.as_str(), words)) {
        return upload::run(words).map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS);
    }
    if let Some(unknown) = words.iter().find(|word| PARTS.iter().all(|(name, _)| name != word)) {
        let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        eprintln!("bench: no part {unknown}; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    if let Err(error) = ours::build() {
        return failed(&error);
    }
    let mut table = Table::default();
    let mut missing = Vec::new();
    for (name, measure) in PARTS.iter().filter(|(name, _)| words.is_empty() || words.iter().any(|word| word == name)) {
        eprintln!("measuring {name} …");
        match measure() {
            Ok(rows) => table.extend(rows),
            Err(error) => missing.push(format!("{name}: {error:#}")),
        }
    }
    print!("{table}");
    for sentence in &missing {
        eprintln!("not measured: {sentence}");
    }
    if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
