//! The program as its users meet it: run against peers, name servers and networks that behave as they should, and
//! against many that do not.
#![cfg(feature = "native")]
#![allow(missing_docs, reason = "a test binary has no API")]
#![allow(unreachable_pub, reason = "modules of one binary")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may fail at once; its peers have a clock and tasks of their own"
)]

mod autonat;
#[path = "../browser/mod.rs"]
mod browser;
mod certificate;
mod cli;
mod dns;
mod expect;
mod interop;
mod lab;
mod listen;
mod namespace;
mod nat;
#[cfg(feature = "page")]
mod page;
mod peer;
mod program;
mod relay;
mod rules;
mod saved;
mod scenario;
mod webrtc;
