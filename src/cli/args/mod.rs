//! The arguments as they are typed, and what they ask for.

mod dial;
mod listen;
mod nat;
mod pages;
mod report;
#[cfg(test)]
mod tests;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::{
    page::PageArgs,
    saved::{CompareArgs, ShowArgs},
};
pub(super) use dial::DialArgs;
pub(super) use listen::{ListenArgs, ListenFormat};
pub(super) use nat::NatArgs;
pub(super) use pages::{CompletionsArgs, ExplainArgs, ManArgs, SchemaArgs, SchemaOf};
pub(super) use report::{Format, ReportArgs};

/// Tells whether a libp2p peer can be reached, over what, from here, and if not, why and what would help.
#[derive(Debug, Parser)]
#[command(name = "p2p-probe", version, max_term_width = 100, after_help = EXAMPLES, propagate_version = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) common: Common,
}

const EXAMPLES: &str = "\
Examples:
  p2p-probe dial --self                                      check that p2p-probe works here
  p2p-probe dial /dns4/node.example.org/tcp/4001             can it be reached over TCP?
  p2p-probe dial /dnsaddr/bootstrap.libp2p.io --format json  every address, for a program
  p2p-probe listen                                           be dialed, and see by whom
  p2p-probe nat --via /dns4/node.example.org/tcp/4011        can others reach this machine?
  p2p-probe compare home.json office.json                    what works from where, and why not
  p2p-probe explain certificate-expired                      what a code means

Exit codes: 0 reachable, 1 not reachable or not told, 2 usage or internal error, 130 interrupted";

/// What every subcommand takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(super) color: Color,
    /// Show no progress
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(super) quiet: bool,
    /// Log to stderr; more often, more of it
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub(super) verbose: u8,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Dial(Box<DialArgs>),
    Listen(Box<ListenArgs>),
    Nat(Box<NatArgs>),
    Page(PageArgs),
    Show(ShowArgs),
    Compare(CompareArgs),
    Explain(ExplainArgs),
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}
