//! What can be wrong about a WebSocket.

use std::io;

use async_tungstenite::tungstenite::{
    self,
    error::{CapacityError, ProtocolError},
};
use thiserror::Error;

use crate::transport::tap::{Speaks, banner, speaks};

/// Why a server did not become a WebSocket.
#[derive(Debug, Error)]
pub enum UpgradeError {
    /// It answered with another status than 101.
    #[error("HTTP status {status}")]
    HttpStatus {
        /// The status code.
        status: u16,
        /// Where it redirects to: the `Location` header, safe to print, at most 1,024 characters.
        location: Option<String>,
        /// The `Server` header, safe to print, at most 128 characters.
        server: Option<String>,
    },
    /// It does not speak HTTP/1.
    #[error("not HTTP")]
    NotHttp {
        /// The protocol it speaks instead, where its first bytes tell.
        speaks: Option<Speaks>,
        /// The first line it sent, safe to print.
        banner: String,
    },
    /// It speaks HTTP but breaks the rules.
    #[error("WebSocket handshake: {what}")]
    Failed {
        /// The rule.
        what: &'static str,
    },
    /// The stream failed; `UnexpectedEof` where it ended before the answer was complete.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why a client did not become a WebSocket.
#[derive(Debug, Error)]
pub enum AcceptError {
    /// It sent a proper request that asks for something else, and got `answered`.
    #[error("{method} {target} is no WebSocket upgrade")]
    NotUpgrade {
        /// The method, safe to print, at most 16 characters.
        method: String,
        /// The request's target, safe to print, at most 128 characters.
        target: String,
        /// The status that it was answered with.
        answered: u16,
    },
    /// It does not speak HTTP/1.
    #[error("not HTTP")]
    NotHttp {
        /// The protocol it speaks instead, where its first bytes tell.
        speaks: Option<Speaks>,
        /// The first line it sent, safe to print.
        banner: String,
    },
    /// It asked for an upgrade but breaks the rules.
    #[error("WebSocket handshake: {what}")]
    Failed {
        /// The rule.
        what: &'static str,
    },
    /// The stream failed; `UnexpectedEof` where it ended before the request was complete.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why an established WebSocket broke: inside the `io::Error` of a read or write, found with `get_ref()`.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum WebSocketFault {
    /// The peer sent text; libp2p uses binary messages alone.
    #[error("text instead of binary messages")]
    TextFrame,
    /// The peer sent a message of more than [`MAX_MESSAGE_BYTES`](super::MAX_MESSAGE_BYTES).
    #[error("a message of {size} bytes or more")]
    MessageTooLarge {
        /// Its size as far as known, in bytes.
        size: usize,
    },
    /// The peer broke another rule of RFC 6455.
    #[error("{0}")]
    Violation(&'static str),
    /// The stream below ended without a close frame; the `io::Error` is `UnexpectedEof`.
    #[error("ended without a close frame")]
    NoCloseFrame,
    /// One side closed the WebSocket, and more was written; the `io::Error` is `BrokenPipe`.
    #[error("already closed")]
    Closed,
}

/// Why no head could be read.
#[derive(Debug)]
pub(super) enum HeadError {
    NotHttp(Vec<u8>),
    Failed(&'static str),
    Io(io::Error),
}

impl From<HeadError> for UpgradeError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::NotHttp(first) => Self::NotHttp { speaks: speaks(&first), banner: banner(&first) },
            HeadError::Failed(what) => Self::Failed { what },
            HeadError::Io(error) => Self::Io(error),
        }
    }
}

impl From<HeadError> for AcceptError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::NotHttp(first) => Self::NotHttp { speaks: speaks(&first), banner: banner(&first) },
            HeadError::Failed(what) => Self::Failed { what },
            HeadError::Io(error) => Self::Io(error),
        }
    }
}

impl From<WebSocketFault> for io::Error {
    fn from(fault: WebSocketFault) -> Self {
        let kind = match fault {
            WebSocketFault::NoCloseFrame => io::ErrorKind::UnexpectedEof,
            WebSocketFault::Closed => io::ErrorKind::BrokenPipe,
            WebSocketFault::TextFrame | WebSocketFault::MessageTooLarge { .. } | WebSocketFault::Violation(_) => {
                io::ErrorKind::InvalidData
            }
        };
        Self::new(kind, fault)
    }
}

/// The stream's own errors stay as they are, so that a reset is still told from an end.
pub(super) fn io_error(error: tungstenite::Error) -> io::Error {
    use tungstenite::Error as E;
    match error {
        E::Io(error) => error,
        E::ConnectionClosed | E::AlreadyClosed | E::Protocol(ProtocolError::SendAfterClosing) => WebSocketFault::Closed.into(),
        E::Protocol(ProtocolError::ResetWithoutClosingHandshake) => WebSocketFault::NoCloseFrame.into(),
        E::Protocol(violation) => WebSocketFault::Violation(rule(&violation)).into(),
        E::Capacity(CapacityError::MessageTooLong { size, .. }) => WebSocketFault::MessageTooLarge { size }.into(),
        E::Utf8(_) => WebSocketFault::Violation("text that is not UTF-8").into(),
        // What is left belongs to the handshake or to TLS, which are not the library's here.
        _ => WebSocketFault::Violation("protocol error").into(),
    }
}

/// The rule that was broken.
fn rule(violation: &ProtocolError) -> &'static str {
    use ProtocolError as P;
    match violation {
        P::ReceivedAfterClosing => "data after a close frame",
        P::NonZeroReservedBits => "reserved bits are set",
        P::UnmaskedFrameFromClient => "a client's frame is not masked",
        P::MaskedFrameFromServer => "a server's frame is masked",
        P::FragmentedControlFrame => "a control frame in fragments",
        P::ControlFrameTooBig => "a control frame of more than 125 bytes",
        P::UnknownControlFrameType(_) | P::UnknownDataFrameType(_) | P::InvalidOpcode(_) => "an unknown opcode",
        P::UnexpectedContinueFrame => "a continuation of nothing",
        P::ExpectedFragment(_) => "a message inside another",
        P::InvalidCloseSequence => "a malformed close frame",
        _ => "protocol error",
    }
}
