//! Options of every run that ends in a report: how and where it is written.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What every run that ends in a report takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    /// Replace IP addresses and peer IDs, always the same by the same
    #[arg(long, help_heading = "Output")]
    pub(super) redact: bool,
    /// How to write the report
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(in crate::cli) format: Format,
    /// Write to this file, whole or not at all; - for stdout
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// For people
    Text,
    /// One JSON document at the end, indented
    Json,
    /// One JSON event a line as it happens, the report at the end
    Ndjson,
    /// A page at the end that needs no other file
    Html,
}
