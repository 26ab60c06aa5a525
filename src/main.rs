//! Parse, run, render, exit code; nothing else.
fn main() {}
