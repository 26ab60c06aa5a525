//! What a person types and sees: arguments, subcommands, progress, exit codes. Nothing else prints.

mod args;
mod dial;
mod explain;
mod listen;
mod nat;
mod output;
mod page;
mod pages;
mod progress;
mod saved;
mod signals;
mod values;

use std::{
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser as _};

pub use crate::model::{Exit, exit};
use crate::render::clean;
use args::{Cli, Color, Command, Common};

/// Runs the program with these arguments, the first of which is its own name.
pub fn run<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(help_or_error) => {
            // Help to a closed pipe is no error.
            let _ = help_or_error.print();
            return if help_or_error.use_stderr() { Exit::Fault } else { Exit::Good }.into();
        }
    };
    trace(&cli.common);
    let done = match cli.command {
        Command::Dial(args) => dial::dial(&args, &cli.common),
        Command::Listen(args) => listen::listen(&args, &cli.common),
        Command::Nat(args) => nat::nat(&args, &cli.common),
        Command::Show(args) => saved::show(&args, &cli.common),
        Command::Compare(args) => saved::compare(&args, &cli.common),
        Command::Page(args) => page::page(&args, &cli.common),
        Command::Explain(args) => explain::explain(&args, &cli.common),
        Command::Schema(args) => pages::schema(&args),
        Command::Completions(args) => pages::completions(&args, Cli::command()),
        Command::Man(args) => pages::man(&args, Cli::command()),
    };
    done.unwrap_or_else(|error| {
        // Without stderr there is nobody left to tell.
        let _ = writeln!(io::stderr(), "error: {}", clean(&format!("{error:#}")));
        Exit::Fault
    })
    .into()
}

/// Logs to stderr, with `-v` only: setting it up takes longer than a dial on loopback may.
fn trace(common: &Common) {
    let default = match common.verbose {
        0 => return,
        1 => "p2p_probe=debug",
        2 => "p2p_probe=trace",
        _ => "trace",
    };
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let color = match common.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never,
    };
    // A second subscriber is refused; the first one stays.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(color).with_writer(io::stderr).try_init();
}
