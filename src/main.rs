//! Parse, run, render, exit code; nothing else.

fn main() -> std::process::ExitCode {
    p2p_probe::cli::run(std::env::args_os())
}
