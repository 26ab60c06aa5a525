//! The arguments of what only prints: explanations, schemas, completions, manual pages.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Explain a code of a report, or what an address means; without an argument, list all codes
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  p2p-probe explain udp-silent\n  p2p-probe explain /dns4/node.example.org/tcp/443/wss")]
pub(in crate::cli) struct ExplainArgs {
    /// A code or a multiaddr
    pub(in crate::cli) what: Option<String>,
    /// Write all causes as a Markdown table
    #[arg(long, hide = true, conflicts_with = "what")]
    pub(in crate::cli) markdown: bool,
}

/// Print the JSON Schema of a report, an event or a comparison
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  p2p-probe schema > report.schema.json\n  p2p-probe schema event")]
pub(in crate::cli) struct SchemaArgs {
    /// Of what
    #[arg(default_value = "report")]
    pub(in crate::cli) what: SchemaOf,
}

/// What a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SchemaOf {
    /// What `--format json` writes
    Report,
    /// A line of what `--format ndjson` writes
    Event,
    /// What `compare --format json` writes
    Comparison,
}

/// Print a script that completes arguments in a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  source <(p2p-probe completions bash)\n  p2p-probe completions zsh > ~/.zfunc/_p2p-probe")]
pub(in crate::cli) struct CompletionsArgs {
    /// The shell
    pub(in crate::cli) shell: clap_complete::Shell,
}

/// Print the manual page, or write the pages of all subcommands
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  p2p-probe man | man -l -\n  p2p-probe man --out ~/.local/share/man/man1")]
pub(in crate::cli) struct ManArgs {
    /// Write every page into this folder
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
}
