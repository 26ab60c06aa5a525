//! `show` and `compare`: reports that were saved.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::{Exit, args::Common, output::Output};
use crate::{
    compare::compare as compare_reports,
    model::Report,
    render::{self, html, json},
    saved,
};

/// Show a report that was saved
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  p2p-probe show report.json
  p2p-probe show report.json --format html -o report.html
  p2p-probe dial /dnsaddr/bootstrap.libp2p.io --format ndjson | tee run.ndjson | p2p-probe show -

Exit codes: 0 shown, whatever it says; 2 no report to be read")]
pub(super) struct ShowArgs {
    /// What `--format json` or `--format ndjson` wrote, here or in the page; - for stdin
    file: PathBuf,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: SavedFormat,
    /// Write to this file, whole or not at all; - for stdout
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
}

/// Compare two saved reports: which transports work from where, and why the difference
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  p2p-probe compare home.json office.json
  p2p-probe compare terminal.json page.json --format json | jq -r '.transports[] | select(.relation == \"differs\").transport'

Exit codes: 0 the same transports work from both; 1 they differ, or there is nothing to compare; 2 no report to be read")]
pub(super) struct CompareArgs {
    /// A report; - for stdin
    a: PathBuf,
    /// Another report; - for stdin
    b: PathBuf,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: SavedFormat,
    /// Write to this file, whole or not at all; - for stdout
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
}

/// How something saved is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SavedFormat {
    /// For people
    Text,
    /// One JSON document, indented
    Json,
    /// A page that needs no other file
    Html,
}

pub(super) fn show(args: &ShowArgs, common: &Common) -> anyhow::Result<Exit> {
    let report = read(&args.file)?;
    write(args.output.as_deref(), |output| {
        Ok(match args.format {
            SavedFormat::Text => render::text(&report, &output.style(common)).into_bytes(),
            SavedFormat::Json => json::pretty(&report)?,
            SavedFormat::Html => html::page(&html::report(&report)).into_bytes(),
        })
    })?;
    Ok(Exit::Good)
}

pub(super) fn compare(args: &CompareArgs, common: &Common) -> anyhow::Result<Exit> {
    anyhow::ensure!(!(is_stdin(&args.a) && is_stdin(&args.b)), "only one of the two reports can come from stdin");
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    let comparison = compare_reports(&a, &b);
    let [a, b] = [&args.a, &args.b].map(|path| path.display().to_string());
    write(args.output.as_deref(), |output| {
        Ok(match args.format {
            SavedFormat::Text => render::comparison(&comparison, [&a, &b], &output.style(common)).into_bytes(),
            SavedFormat::Json => json::pretty(&comparison)?,
            SavedFormat::Html => html::page(&html::comparison(&comparison, [&a, &b])).into_bytes(),
        })
    })?;
    Ok(if comparison.same == Some(true) { Exit::Good } else { Exit::Bad })
}

fn write(path: Option<&Path>, bytes: impl FnOnce(&Output) -> anyhow::Result<Vec<u8>>) -> anyhow::Result<()> {
    let mut output = Output::open(path)?;
    let bytes = bytes(&output)?;
    output.write(&bytes)?;
    output.finish()
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The report of a file, of which no more is read than a report may have.
fn read(path: &Path) -> anyhow::Result<Report> {
    let (name, opened): (_, io::Result<Box<dyn Read>>) = if is_stdin(path) {
        ("stdin".to_owned(), Ok(Box::new(io::stdin().lock())))
    } else {
        (path.display().to_string(), File::open(path).map(|file| Box::new(file) as Box<dyn Read>))
    };
    let mut bytes = Vec::new();
    let most = u64::try_from(saved::LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    opened.and_then(|file| file.take(most).read_to_end(&mut bytes)).with_context(|| format!("cannot read {name}"))?;
    saved::read(&bytes).map_err(|unreadable| anyhow::anyhow!("{name} {unreadable}"))
}
