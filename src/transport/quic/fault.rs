//! Which errors of a UDP socket are news from the network.

use std::io;

/// `EMSGSIZE`, for which `io::ErrorKind` has no name.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MESSAGE_TOO_LONG: i32 = 90;
/// `WSAEMSGSIZE`.
#[cfg(windows)]
const MESSAGE_TOO_LONG: i32 = 10040;
/// `EMSGSIZE` of the BSDs and macOS.
#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
const MESSAGE_TOO_LONG: i32 = 40;

/// Larger than the path or the interface allows: expected while QUIC searches the path's MTU.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(MESSAGE_TOO_LONG)
}

/// An error that some router or host sent us, not a fault of the socket.
pub(crate) fn is_from_network(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable, PermissionDenied};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable | PermissionDenied)
        || is_too_long(error)
}

/// An error as it is to be understood when it came with a packet: a router's "prohibited" reads like a ban of our own.
pub(crate) fn received(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::PermissionDenied => io::Error::new(io::ErrorKind::HostUnreachable, error),
        _ => error,
    }
}
