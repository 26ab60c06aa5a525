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

/// What an error of an open stream means.
pub(super) fn of_stream(error: &io::Error) -> Fault {
    use io::ErrorKind as Kind;
    let cause = match error.kind() {
        Kind::ConnectionReset => Cause::Reset,
        Kind::TimedOut => Cause::TimedOut,
        Kind::UnexpectedEof | Kind::BrokenPipe | Kind::ConnectionAborted | Kind::NotConnected | Kind::WriteZero => Cause::Closed,
        Kind::InvalidInput => Cause::LocalFault { errno: error.raw_os_error() },
        _ => match error.raw_os_error() {
            Some(_) => return of_connect(error),
            None => Cause::Closed,
        },
    };
    Fault::new(cause, error)
}
