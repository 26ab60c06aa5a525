//! QUIC v1 for libp2p (RFC 9000, ALPN `libp2p`, libp2p TLS 1.3) on quinn, for dialing and for listening.
//!
//! The stock transport hides why a handshake failed, starts slowly, accepts without limits and owns its socket. This
//! one takes a bound socket from the caller, hands STUN-class datagrams on it aside, keeps every error typed, names
//! the peer only after the handshake, and asks its limits before anything is allocated for a dialer.
//!
//! All futures may be dropped at any time: a dropped dial or handshake closes its connection. Time-outs of a dial
//! belong to the caller, who can tell silence from a handshake that hangs by [`Progress`]. Everything here needs a
//! Tokio runtime with I/O and time.

mod config;
mod dial;
mod error;
mod fault;
mod listen;
mod muxer;
mod progress;
mod socket;
mod stun;
mod substream;
mod under_test;
mod unproven;
mod writable;

pub use dial::{Dialed, dial};
pub use error::{AcceptError, DialError, Ended};
pub(crate) use fault::{is_from_network, is_too_long, received};
pub use listen::{Accepted, Arrival, Listener};
pub use muxer::Connection;
pub use progress::Progress;
pub use stun::StunDatagram;
pub use substream::Substream;

pub use super::limits::Limits;
pub(crate) use super::limits::{Gate, Permit, source};

#[cfg(test)]
mod tests;
