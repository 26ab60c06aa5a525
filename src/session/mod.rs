//! How a byte stream becomes a secured, multiplexed libp2p connection, and how that is used: in both roles, without a
//! Swarm, on any transport. It knows the model's [`Cause`](crate::model::Cause) and nothing of probes or the engine.
//!
//! ```text
//! byte stream ─► secure_* ─► Secured ─► multiplex_* ─► Multiplexed ─► Session ─► identify · ping · open(protocol)
//!                                     StreamMuxerBox of QUIC, … ─┘
//! ```
//!
//! A dial costs two round trips after connect: proposal and first message of `/noise` go in one flight, then the last
//! noise message, the proposal of `/yamux/1.0.0` and the request of identify in the next. Nothing here spawns, sleeps or
//! reads a clock: the futures are polled in place, and what needs time is handed a [`Clock`]. Every future may be dropped.

mod clock;
mod connection;
pub(crate) mod frame;
mod identify;
mod inbound;
mod link;
mod negotiate;
mod opener;
mod ping;
mod service;
#[cfg_attr(not(feature = "native"), path = "tls_absent.rs")]
mod tls;
mod upgrade;

#[cfg(test)]
#[cfg(feature = "native")]
mod tests;

pub use crate::fault::Fault;
use crate::fault::chain;
pub use clock::Clock;
pub use connection::Session;
pub use identify::{Identified, Us};
pub use inbound::Noted;
pub use negotiate::{Confirmation, Proposal, Unanswered, answer, propose};
pub use opener::Opener;
pub use ping::Pings;
pub use service::Service;
#[cfg(feature = "native")]
pub(crate) use upgrade::key_name;
pub use upgrade::{
    BoxedStream, ByteStream, Multiplexed, Secured, fault_of, key_type, multiplex_inbound, multiplex_outbound, secure_inbound,
    secure_outbound, secure_webtransport,
};
