//! webrtc-direct (libp2p specs, webrtc/webrtc-direct.md), protocol versions 1 and 2, for dialing and for listening.
//!
//! ```text
//! libp2p streams ─► substream ─► framing ─► data channels (dcep) ─► SCTP ─► DTLS ─► ICE ─► one UDP socket
//! ```
//!
//! The protocol is a state machine (`connection`) that is given datagrams and the time, and gives datagrams, events and
//! its next deadline; ICE, DTLS and SCTP are the crates `is`, `dimpl` and `sctp-proto`. A driver moves its datagrams. It is
//! polled by whoever polls the connection, so that a dial spawns nothing; only a listener has a task, for its socket.
//!
//! All futures may be dropped at any time: a dropped dial or connection says goodbye and is gone. Time-outs of a dial
//! belong to the caller. [`bounds`], [`framing`], [`substream`], [`noise`], [`prologue`], [`certhash`] and [`sdp`] know neither sockets nor
//! DTLS: a browser brings those itself.

pub mod bounds;
pub mod certhash;
pub mod framing;
pub mod noise;
pub mod prologue;
pub mod sdp;
pub mod substream;
mod version;

#[cfg(feature = "native")]
mod native;

pub use certhash::Fingerprint;
#[cfg(feature = "native")]
pub use native::*;
pub use version::{Version, random};
