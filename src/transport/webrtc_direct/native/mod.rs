//! What needs sockets and DTLS.

mod ack;
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
mod port;
mod provider;
mod records;
mod sctp;
mod shared;
mod stream;
mod stun;
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
pub use versions::Versions;

#[cfg(any(test, feature = "fuzz"))]
#[doc(hidden)]
pub mod fuzz;

#[cfg(test)]
use super::Version;
#[cfg(test)]
mod tests;
