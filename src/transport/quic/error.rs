//! Why a connection did not come about, or ended. Typed where the layer still knows; nothing is read from a text.

use quinn::{ConnectionError, TransportErrorCode};

use crate::transport::SocketFault;
use crate::transport::libp2p_tls::{CertError, SetupError};

/// Longest close reason kept, in bytes of what the peer sent.
const MAX_REASON: usize = 256;

/// How a connection ended, during its handshake or after.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// A TLS alert (RFC 8446, section 6). 120 from a server means that it does not speak libp2p over QUIC.
    #[error("TLS alert {alert} by {}", side(*by_peer))]
    TlsAlert {
        /// The alert's number.
        alert: u8,
        /// The peer raised it; else we did.
        by_peer: bool,
    },
    /// The peer's QUIC server turned the connection away (`CONNECTION_REFUSED`): too busy, or a limit for this address.
    #[error("the peer declined the connection")]
    Declined,
    /// Another QUIC transport error (RFC 9000, section 20.1).
    #[error("QUIC error {code:#x} by {}", side(*by_peer))]
    Transport {
        /// The error code.
        code: u64,
        /// The peer raised it; else we did.
        by_peer: bool,
    },
    /// The peer's application closed the connection.
    #[error("closed by the peer")]
    ByPeer {
        /// Its code. None where the handshake was not over: QUIC hides it then.
        code: Option<u64>,
        /// Its words, cut to 256 bytes, not escaped.
        reason: String,
    },
    /// We closed it.
    #[error("closed here")]
    Locally,
    /// A stateless reset: the peer has lost its memory of the connection.
    #[error("reset by the peer")]
    Reset,
    /// Nothing was heard for the idle time-out.
    #[error("timed out")]
    TimedOut,
    /// The peer speaks QUIC, but not version 1.
    #[error("no common QUIC version")]
    VersionMismatch,
}

fn side(by_peer: bool) -> &'static str {
    if by_peer { "the peer" } else { "us" }
}

impl From<ConnectionError> for Ended {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::VersionMismatch => Self::VersionMismatch,
            ConnectionError::TransportError(e) => transport(e.code, false, &[]),
            ConnectionError::ConnectionClosed(frame) => transport(frame.error_code, true, &frame.reason),
            ConnectionError::ApplicationClosed(frame) => {
                Self::ByPeer { code: Some(frame.error_code.into_inner()), reason: words(&frame.reason) }
            }
            ConnectionError::Reset => Self::Reset,
            ConnectionError::TimedOut => Self::TimedOut,
            ConnectionError::LocallyClosed => Self::Locally,
            ConnectionError::CidsExhausted => Self::Transport { code: TransportErrorCode::INTERNAL_ERROR.into(), by_peer: false },
        }
    }
}

/// Alerts are the codes 0x100 to 0x1ff (RFC 9001, section 4.8).
fn transport(code: TransportErrorCode, by_peer: bool, reason: &[u8]) -> Ended {
    let number = u64::from(code);
    if let Some(alert) = number.checked_sub(0x100).and_then(|n| u8::try_from(n).ok()) {
        return Ended::TlsAlert { alert, by_peer };
    }
    match code {
        TransportErrorCode::CONNECTION_REFUSED if by_peer => Ended::Declined,
        TransportErrorCode::APPLICATION_ERROR if by_peer => Ended::ByPeer { code: None, reason: words(reason) },
        _ => Ended::Transport { code: number, by_peer },
    }
}

fn words(reason: &[u8]) -> String {
    String::from_utf8_lossy(&reason[..reason.len().min(MAX_REASON)]).into_owned()
}

/// Why a dial brought no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The socket: what the network or this machine said.
    #[error(transparent)]
    Socket(#[from] SocketFault),
    /// No TLS configuration could be made of our key.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// quinn took the address or the configuration for unusable.
    #[error(transparent)]
    Unusable(#[from] quinn::ConnectError),
    /// The peer's certificate proves no libp2p peer, or one with a key kind unknown here.
    #[error("the peer's certificate was rejected")]
    BadCertificate(#[source] CertError),
    /// Not one datagram came back until QUIC gave up.
    #[error("no answer")]
    Silent,
    /// Something answered, and the handshake ended.
    #[error("the handshake ended: {0}")]
    Ended(Ended),
}

/// Why a dialer's handshake brought no connection.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The dialer did not finish within the limit.
    #[error("the handshake took too long")]
    TimedOut,
    /// No TLS configuration could be made: a local fault.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The dialer's certificate proves no libp2p peer.
    #[error("the dialer's certificate was rejected")]
    BadCertificate(#[source] CertError),
    /// The handshake ended. An alert by the peer tells its reason for certain.
    #[error("the handshake ended: {0}")]
    Ended(Ended),
}
