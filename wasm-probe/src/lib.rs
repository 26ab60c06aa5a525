//! p2p-probe in a page and in Node: the engine, plan, session, fold, verdict and renderers of the crate `p2p-probe`, run over
//! the JS transport (`js/contract.js`).
//!
//! ```text
//! JS: probe(target, options, onEvent) ─► run ─► engine ─► probes ─► Transport ─► contract ─► net, WebSocket
//!                         │                                  └────► RTCPeerConnection, WebTransport (in a page)
//!                         ◄─ a line for each event, at last a Report
//! ```
//!
//! The host never calls into this program but through the exported functions; everything else are promises that it settles.

#![cfg(target_family = "wasm")]

mod comparison;
mod connection;
mod error;
mod listen;
mod names;
mod options;
mod panic;
mod permission;
mod platform;
mod probe;
mod report;
mod run;
mod runtime;
mod transport;
mod webrtc;
mod webtransport;

pub use comparison::{Comparison, compare};
pub use connection::Connection;
pub use listen::listen;
pub use report::Report;
pub use run::{probe, version};
pub use runtime::Js;
pub use transport::{JsError, JsTransport};
