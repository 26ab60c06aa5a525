//! Why a connection did not come about, or ended. Typed where the layer still knows; nothing is read from a text.

use std::io;

use super::certificate::{CertificateError, Shown};

/// How a connection ended, during its handshake or after.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The peer said goodbye (DTLS `close_notify`).
    #[error("closed by the peer")]
    ByPeer,
    /// The peer's SCTP aborted or shut down.
    #[error("the peer ended the SCTP association")]
    Association,
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
            Ended::Association | Ended::DtlsAlert(_) | Ended::Dtls(_) => io::ErrorKind::ConnectionReset,
            Ended::Socket(kind) => *kind,
            Ended::ByPeer | Ended::Certificate(_) | Ended::Locally => io::ErrorKind::ConnectionAborted,
        };
        Self::new(kind, ended)
    }
}

/// Why a dial brought no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nothing listens on that UDP port: the host said so.
    #[error("the UDP port is closed")]
    Refused,
    /// No way there: the network said so. The error's kind tells host from network.
    #[error("the address cannot be reached")]
    Unreachable(#[source] io::Error),
    /// This machine's own rules forbid sending there.
    #[error("sending is forbidden on this machine")]
    Forbidden(#[source] io::Error),
    /// Another fault of the local socket.
    #[error("the socket failed")]
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

impl DialError {
    /// What a fault of a connected socket means. Windows says "reset" for a closed port.
    pub(super) fn of_socket(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Self::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable(error),
            io::ErrorKind::PermissionDenied => Self::Forbidden(error),
            _ => Self::Io(error),
        }
    }
}

/// Why a dialer's handshake brought no connection.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The dialer did not finish within the limit.
    #[error("the handshake took too long")]
    TimedOut,
    /// It failed, as a dial does.
    #[error(transparent)]
    Failed(#[from] DialError),
}
