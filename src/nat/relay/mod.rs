//! Circuit relay v2 (<https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md>): reaching a peer through another
//! one that both can reach.
//!
//! A peer that cannot be dialed keeps a slot at a relay (`RESERVE`). A dialer asks the relay to connect it (`CONNECT`, the
//! HOP protocol), the relay asks the peer (the STOP protocol), and from then on the two streams are one byte stream, on which
//! dialer and peer make a connection of their own.

mod book;
mod circuit;
mod hop;
mod pump;
mod service;
mod stop;
#[cfg(test)]
#[cfg(feature = "native")]
mod tests;
mod voucher;
pub(super) mod wire;

pub use book::RelayLimits;
pub use circuit::{Circuit, Meter};
pub use hop::{Answer, Limits, Reservation, connect, reserve};
pub use service::{Circuits, Guest, Registration, Relay};
pub use stop::Incoming;
pub use wire::{HOP, STOP};
