//! p2p-probe answers one question: can this libp2p peer be reached, over what, from here, and if not, why and what would help?
//!
//! Every fact is an event, a report is the fold of events, a verdict is a pure function of a report, a renderer is a
//! pure function of a report to bytes, and only a probe touches the network:
//!
//! ```text
//! argument ─► Target ─► Plan ─► Engine ─► Stream<Event> ─► Report::apply ─► diagnose ─► render
//!                                │  ▲          └─► progress bar · JSON lines · page callback
//!                                ▼  │
//!                        probes (native | browser | Node)
//! ```

/// The tests of the engine share a runtime with a program of its own.
#[cfg(test)]
extern crate self as p2p_probe;

#[cfg(feature = "native")]
pub mod cli;
pub mod compare;
pub mod diagnose;
pub mod engine;
pub mod explain;
mod fault;
#[cfg(feature = "native")]
pub mod identity;
#[cfg(feature = "session")]
pub mod inbound;
pub mod model;
pub mod nat;
#[cfg(feature = "native")]
pub mod native;
#[cfg(feature = "native")]
pub mod node;
mod order;
pub mod peer_id;
pub mod plan;
#[cfg(feature = "session")]
pub mod probe;
pub mod redact;
pub mod render;
pub mod saved;
pub mod schema;
#[cfg(feature = "session")]
pub mod session;
pub mod target;
#[cfg(feature = "session")]
pub mod transport;
mod words;
