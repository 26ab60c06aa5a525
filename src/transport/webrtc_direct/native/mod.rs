//! What needs sockets and DTLS.
//!
//! # Where this is not what the documents say
//!
//! libp2p specs, webrtc (webrtc-direct.md r2, README.md):
//! - A listener is a full agent of ICE in the controlled role, not a lite one ("Connection Establishment"): pion nominates 200 ms
//!   later where it is asked nothing itself. Where its USERNAME would be longer than `is` writes it is lite, but for checks of
//!   our own to where none was answered yet.
//! - The handshake's channel is not closed after the handshake ("Connection Security"): rust-libp2p takes no further channels
//!   then.
//! - Closing a stream's half does not wait for its `FIN_ACK`, which some never send ("Closing an `RTCDataChannel`"); closing the
//!   connection waits for what was written to be acknowledged by SCTP, for [half a second](muxer::Connection).
//! - Messages are up to 16 KiB, not 1,204 bytes ("Head-of-line blocking"). A flag waits no longer for it, since SCTP cuts them.
//!
//! STUN (RFC 8489): a check that does not get past the gate hears nothing, not even an error (sections 9.1.3 and 6.3.1): the answer
//! to an unknown sender would be one more thing to send to forged addresses. Plain questions are answered, so many in a time. An attribute that is not known is passed over. A check
//! without FINGERPRINT is taken, one with MESSAGE-INTEGRITY-SHA256 alone is not.
//!
//! ICE (RFC 8445):
//! - One candidate on each side and none gathered, so no pairs to sort (section 6.1) and no pacing (section 14). Loopback is a
//!   candidate (section 5.1.1.1). The first repetition is due after 250 ms, not 500 (section 14.3),
//!   sooner where the other version was answered sooner, and is a transaction of its own.
//! - DTLS begins at the first answered check; nomination goes on beside. Data go to where the last genuine record came from,
//!   nominated or not (section 12.1): the other side may have moved and not yet nominated.
//! - In a conflict of roles (section 7.3.1.1) `is` has the agent with the larger tie-breaker keep its role, whichever that is.
//! - A ufrag of version 1 may be shorter than a password, which it is as well (RFC 8839, section 5.4): go-libp2p takes it too.
//! - Consent (RFC 7675, section 5.1) comes of answers to our checks or, as `is` has it, of a signed check within the last 15 s:
//!   some browsers stop to answer while they go on asking. A listener answers a hello before it has consent, with no more than
//!   three times what came. A lite one asks for none, and ends 15 s after the last check.
//!
//! DTLS (RFC 8842, 8827): any certificate of a dialer is taken, which Noise then vouches for. An alert or record before there are
//! keys ends a handshake only if a second passes without anything better, since anybody may have sent it. There are no cookies
//! (RFC 6347, section 4.2.1), which would cost each dial a round trip: an address gets no more than three times what it sent
//! until an answered check or the handshake itself proves that the dialer is there, and a hello is looked at only where it
//! comes from an address that signed a check. Nobody is accepted before that proof: a ufrag is its own password, so that who
//! signs may have forged where it signs from. One thing is left to who forges exactly that address and port: a whole hello
//! put between the dialer's first check and its own hello, blindly and within one round trip, stops that one handshake. It
//! is answered, and no dialer gets over an answer to a hello that it has not sent.
//!
//! SCTP (RFC 9260, 8261):
//! - The first time-out is 300 ms and the least 250, not 1 s (section 16). Neither the handshake nor data are given up after so
//!   many (sections 8.1 and 8.2): ICE tells whether the other side is still there. There are no heartbeats of our own (section
//!   8.3), and no discovery of the path's MTU (section 7.3): packets are as long as any path takes.
//! - An INIT that comes once the association stands is dropped, and not answered (section 5.2.2): nobody restarts one within the
//!   same DTLS connection, and a late copy must not end it.
//! - The state cookie is a random number that the association keeps, not signed state (section 5.1.3): who gets here has keys.
//! - An unknown chunk is treated as its type asks, but not reported (section 3.2).
//! - A FORWARD-TSN is passed over (RFC 3758): nobody gives up on messages of reliable channels. A RE-CONFIG that overtakes data is
//!   taken for lost, and is repeated (RFC 6525, section 5.2.2, has it wait).
//! - Data without any end the connection by a DTLS alert, not by an ABORT (section 6.2). Of more than 2,048 chunks that wait to be
//!   read the rest is taken for lost.
//! - A goodbye is a SHUTDOWN and a `close_notify` at once; its answer is not waited for (section 9.2).
//!
//! Data channels (RFC 8831, 8832):
//! - Whoever opened a channel closes it; one that its opener leaves open is closed when room is needed.
//! - An id of the wrong parity is taken while it is free, and an OPEN for the handshake's channel is passed over: both are seen
//!   (RFC 8832, section 6, has both closed).
//! - Type, priority, label and protocol of a channel change nothing: all are used as reliable and ordered (RFC 8832,
//!   section 5.1).
//! - A message of a deprecated or unknown payload type is taken for binary data (RFC 8831, section 6.6).

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
mod recent;
mod records;
mod routes;
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
