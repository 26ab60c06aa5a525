//! What a connected UDP socket says of the way to its remote.

use std::io;

/// A fault of a connected UDP socket, by what it tells.
#[derive(Debug, thiserror::Error)]
pub enum SocketFault {
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
    Local(#[source] io::Error),
}

impl From<io::Error> for SocketFault {
    /// Windows says "reset" for a closed port.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Self::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable(error),
            io::ErrorKind::PermissionDenied => Self::Forbidden(error),
            _ => Self::Local(error),
        }
    }
}
