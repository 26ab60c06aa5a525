//! What errors of the system mean.

use std::io;

use crate::{engine::Fault, model::Cause};

/// What an error of a connecting socket means.
pub(super) fn of_connect(error: &io::Error) -> Fault {
    use io::ErrorKind as Kind;
    let cause = match error.kind() {
        Kind::ConnectionRefused => Cause::Refused,
        Kind::ConnectionReset | Kind::ConnectionAborted => Cause::Reset,
        Kind::HostUnreachable => Cause::Unreachable { what: "host".into() },
        Kind::NetworkUnreachable | Kind::NetworkDown => Cause::Unreachable { what: "network".into() },
        Kind::PermissionDenied => Cause::ForbiddenLocally,
        Kind::TimedOut => Cause::TimedOut,
        _ => return of_this_machine(error),
    };
    Fault::new(cause, error)
}

/// What an error of a socket that has not sent anything yet means.
pub(super) fn of_this_machine(error: &io::Error) -> Fault {
    Fault::new(Cause::LocalFault { errno: error.raw_os_error() }, error)
}

/// What an error of an open stream means. What was never sent is no fault of the other side.
pub(super) fn of_stream(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::InvalidInput => of_this_machine(error),
        _ => Fault::from_io(error, Cause::Closed),
    }
}
