//! What needs sockets and DTLS.
//!
//! # Where this is not what the documents say
//!
//! libp2p specs, webrtc:
//! - A listener is a full agent of ICE in the controlled role, not a lite one: pion nominates 200 ms later where it is asked
//!   nothing itself. Where its USERNAME would be longer than `is` writes it is lite.
//! - The handshake's channel is not closed after the handshake: rust-libp2p takes no further channels then.
//! - Closing a stream's half does not wait for its `FIN_ACK`, which some never send; closing the connection waits for what was
//!   written to be acknowledged by SCTP, for [half a second](muxer::Connection).
//! - Messages are up to 16 KiB, not 1,204 bytes. A flag waits no longer for it, since SCTP cuts them.
//!
//! ICE (RFC 8445): one candidate on each side and none gathered, so no pairs to sort and no pacing. Loopback is a candidate. The
//! first repetition is due after 250 ms, not 500. DTLS begins at the first answered check; nomination and consent (RFC 7675) go
//! on beside.
//!
//! DTLS (RFC 8842, 8827): any certificate of a dialer is taken, which Noise then vouches for. No cookies: the address was
//! validated by ICE or gets no more than three times what it sent. An alert or record before there are keys ends a handshake only
//! if a second passes without anything better, since anybody may have sent it. Whoever forges a source and puts a whole hello
//! of its own before the dialer's stops that one handshake, as with any DTLS: nothing tells them apart then.
//!
//! SCTP (RFC 9260, 8261):
//! - The first time-out is 300 ms and the least 250, not 1 s. Neither the handshake nor data are given up after so many: ICE tells
//!   whether the other side is still there. There are no heartbeats, and no discovery of the path's MTU: packets are as long as
//!   any path takes.
//! - An INIT that comes once the association stands is dropped, and not answered (section 5.2.2): nobody restarts one within the
//!   same DTLS connection, and a late copy must not end it.
//! - A goodbye is a SHUTDOWN and a `close_notify` at once; its answer is not waited for.
//!
//! Data channels (RFC 8831, 8832):
//! - Whoever opened a channel closes it; one that its opener leaves open is closed when room is needed.
//! - An id of the wrong parity is taken while it is free, and an OPEN for the handshake's channel is passed over: both are seen.
//! - Type, priority, label and protocol of a channel change nothing: all are used as reliable and ordered.
//! - A message of a deprecated or unknown payload type is taken for binary data.

mod ack;
mod address;
mod asking;
mod batch;
mod beside;
mod certificate;
mod channel;
mod channels;
mod config;
mod connection;
mod credentials;
mod credit;
mod dcep;
mod dial;
mod driver;
mod dtls;
mod error;
mod exchange;
mod flow;
mod hub;
mod ice;
mod link;
mod listen;
mod muxer;
mod noise;
mod packet;
mod place;
mod plain;
mod port;
mod provider;
mod question;
mod records;
mod sctp;
mod shared;
mod stream;
mod stun;
mod transport;
mod versions;
mod waiting;
mod window;

pub use beside::Beside;
pub use certificate::{Certificate, CertificateError, Shown};
pub use dial::{Ask, Dial, Dialed, Step};
pub use error::{AcceptError, DialError, Ended};
pub use listen::{Accepted, Arrival, Listener};
pub use muxer::Connection;
pub use stream::Stream;
pub use transport::{Output, Transport, TransportFault};
pub use versions::Versions;

#[cfg(any(test, feature = "fuzz"))]
#[doc(hidden)]
pub mod fuzz;

#[cfg(test)]
use super::Version;
#[cfg(test)]
mod tests;
