//! Why a connection did not come about, or ended. Typed where the layer still knows; nothing is read from a text.

use std::io;

use super::certificate::{CertificateError, Shown};
use crate::transport::SocketFault;

/// How a connection ended, during its handshake or after.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The peer said goodbye (DTLS `close_notify`).
    #[error("closed by the peer")]
    ByPeer,
    /// The peer's SCTP aborted or shut down.
    #[error("the peer ended the SCTP association")]
    Association,
    /// The peer sends what SCTP forbids, or more pieces of messages than anybody does.
    #[error("the peer breaks the rules of SCTP")]
    Rules,
    /// A DTLS alert that ends the connection (RFC 8446, section 6).
    #[error("DTLS alert {0}")]
    DtlsAlert(u8),
    /// DTLS cannot go on.
    #[error("DTLS failed: {0}")]
    Dtls(String),
    /// The server shows another certificate than its address promises.
    #[error("another certificate than the address promises")]
    Certificate(Shown),
    /// Nothing was heard any more: connectivity checks stay unanswered.
    #[error("timed out")]
    TimedOut,
    /// We closed it.
    #[error("closed here")]
    Locally,
    /// The local socket failed.
    #[error("the socket failed: {0}")]
    Socket(io::ErrorKind),
}

impl From<Ended> for io::Error {
    fn from(ended: Ended) -> Self {
        let kind = match &ended {
            Ended::TimedOut => io::ErrorKind::TimedOut,
            Ended::Association | Ended::Rules | Ended::DtlsAlert(_) | Ended::Dtls(_) => io::ErrorKind::ConnectionReset,
            Ended::Socket(kind) => *kind,
            Ended::ByPeer | Ended::Certificate(_) | Ended::Locally => io::ErrorKind::ConnectionAborted,
        };
        Self::new(kind, ended)
    }
}

/// Why a dial brought no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The socket: what the network or this machine said.
    #[error(transparent)]
    Socket(#[from] SocketFault),
    /// The stream of the handshake failed.
    #[error("the stream failed")]
    Io(#[source] io::Error),
    /// No certificate of our own.
    #[error(transparent)]
    Setup(#[from] CertificateError),
    /// Nobody answers a check. Datagrams may have come that are no answer.
    #[error("no answer")]
    Silent,
    /// The server shows another certificate than its address promises.
    #[error("another certificate than the address promises")]
    CertHashMismatch {
        /// The one it shows.
        actual: Shown,
    },
    /// The DTLS handshake failed.
    #[error("the DTLS handshake failed: {what}")]
    DtlsFailed {
        /// The alert that came, if one came.
        alert: Option<u8>,
        /// Words for a reader.
        what: String,
    },
    /// The SCTP association did not come about.
    #[error("no data channel: {0}")]
    ChannelFailed(Ended),
    /// The Noise handshake failed.
    #[error("the noise handshake failed")]
    Noise(#[source] libp2p_noise::Error),
    /// The connection ended.
    #[error("the connection ended: {0}")]
    Ended(Ended),
}

/// Why a dialer's handshake brought no connection.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The dialer did not finish within the limit.
    #[error("the handshake took too long")]
    TimedOut,
    /// Too many connections are from where the dialer proved to be, which is not where it began.
    #[error("too many connections from there")]
    TooMany,
    /// It failed, as a dial does.
    #[error(transparent)]
    Failed(#[from] DialError),
}
