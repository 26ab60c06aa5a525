//! p2p-probe in a page and in Node: the engine, plan, session, fold, verdict and renderers of the crate `p2p-probe`, run over
//! the JS transport (`js/contract.js`).
//!
//! ```text
//! JS: probe(target, options, onEvent) ─► run ─► engine ─► probes ─► Transport ─► contract ─► net, WebSocket
//!                         │                                  └────► RTCPeerConnection, WebTransport (in a page)
//!                         ◄─ a line for each event, at last a Report
//! ```
//!
//! The host calls into this program through the exported functions; everything else are promises that it settles. Two things are
//! handed out besides, and called by the platform:
//! - what hears an `AbortSignal` (`run::Abort`): wherever the page aborts, also from within `onEvent`, while this program is on the
//!   stack. So it notes and wakes: it borrows nothing that is held while JavaScript is called, and calls none itself.
//! - what hears the events of an `RTCPeerConnection` and its channels (`webrtc::events::On`): in tasks of the platform, never while
//!   this program is on the stack. It may call the platform, and nothing of the page's.
//!
//! In the other direction every call to what a page brings along catches (`contract`), for a foreign host may throw anywhere.

#![cfg(target_family = "wasm")]

mod comparison;
mod connection;
mod contract;
mod error;
mod listen;
mod listener;
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
