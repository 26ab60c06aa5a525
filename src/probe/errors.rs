//! What errors mean: of the system, and of the layers below a connection. A listener has the same ones.

use std::{io, net::SocketAddr};

use crate::{
    engine::Fault,
    model::Cause,
    native::network,
    session::fault_of,
    transport::{
        SocketFault,
        libp2p_tls::CertError,
        quic::Ended,
        tls::TlsFault,
        webrtc_direct::{self, DialError},
    },
};

/// What the system says when a router or the host answers that something is not there or not allowed, in errors without a name of
/// their own: `ENOPROTOOPT`, `EHOSTDOWN` and `ENONET` (icmp(7)).
#[cfg(any(target_os = "linux", target_os = "android"))]
const TOLD_FROM_AFAR: [i32; 3] = [92, 112, 64];
/// Other systems tell fewer of these answers, by errors that have a name.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const TOLD_FROM_AFAR: [i32; 0] = [];

/// What an error of a socket that connects to this address means.
///
/// Over IPv6 the answer of a firewall that something is prohibited, as several send it by default, reads like a ban of this
/// machine; where it is one, the system gives no way there.
pub(crate) fn of_connect_to(error: &io::Error, remote: SocketAddr) -> Fault {
    if error.kind() == io::ErrorKind::PermissionDenied && remote.is_ipv6() && network::source_of(remote.ip()).is_some() {
        return Fault::new(
            Cause::Unreachable { what: "host".into() },
            "a firewall there or on the way says that it is prohibited",
        );
    }
    of_connect(error)
}

/// What an error of a connecting socket means.
pub(crate) fn of_connect(error: &io::Error) -> Fault {
    use io::ErrorKind as Kind;
    let cause = match error.kind() {
        Kind::ConnectionRefused => Cause::Refused,
        Kind::ConnectionReset | Kind::ConnectionAborted => Cause::Reset,
        Kind::HostUnreachable => Cause::Unreachable { what: "host".into() },
        Kind::NetworkUnreachable | Kind::NetworkDown => Cause::Unreachable { what: "network".into() },
        Kind::PermissionDenied => Cause::ForbiddenLocally,
        Kind::TimedOut => Cause::TimedOut,
        // It came about, and was ended by the other side before it was looked at.
        Kind::BrokenPipe | Kind::NotConnected => Cause::Closed,
        _ if error.raw_os_error().is_some_and(|errno| TOLD_FROM_AFAR.contains(&errno)) => {
            Cause::Unreachable { what: "host".into() }
        }
        _ => return of_this_machine(error),
    };
    Fault::new(cause, error)
}

/// What an error of a socket that has not sent anything yet means.
pub(super) fn of_this_machine(error: &io::Error) -> Fault {
    Fault::new(Cause::LocalFault { errno: error.raw_os_error() }, error)
}

/// What an error of an open stream means. What was never sent is no fault of the other side.
pub(crate) fn of_stream(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::InvalidInput => of_this_machine(error),
        _ => Fault::from_io(error, Cause::Closed),
    }
}

/// What a failed TLS handshake below a WebSocket means.
pub(crate) fn of_tls(fault: &TlsFault) -> Fault {
    let cause = match fault {
        TlsFault::NotTls { speaks, banner } => {
            return Fault::new(Cause::NotTls { speaks: speaks.map(|speaks| speaks.to_string()) }, banner);
        }
        TlsFault::Io(error) => return of_stream(error),
        TlsFault::Alert { name, .. } => Cause::TlsFailed { alert: Some((*name).into()) },
        TlsFault::Other(_) => Cause::TlsFailed { alert: None },
    };
    Fault::new(cause, fault)
}

/// What the end of a QUIC handshake means.
pub(crate) fn of_quic(ended: &Ended) -> Cause {
    match ended {
        Ended::TlsAlert { alert, .. } => Cause::QuicFailed { alert: Some(*alert) },
        Ended::Transport { .. } | Ended::VersionMismatch => Cause::QuicFailed { alert: None },
        Ended::Declined | Ended::ByPeer { .. } => Cause::Closed,
        Ended::Locally => Cause::LocalFault { errno: None },
        Ended::Reset => Cause::Reset,
        Ended::TimedOut => Cause::TimedOut,
    }
}

/// What a certificate means that proves no libp2p peer.
pub(crate) fn of_certificate(rejected: &CertError) -> Cause {
    match rejected {
        CertError::UnsupportedKey { kind } => Cause::UnsupportedKey { kind: kind.to_string() },
        CertError::NoExtension => Cause::NotLibp2p { speaks: Some("TLS".into()) },
        other => Cause::HandshakeFailed { what: other.to_string(), alert: None },
    }
}

/// What a connected UDP socket says.
pub(super) fn of_socket(fault: &SocketFault) -> Fault {
    match fault {
        SocketFault::Refused => Fault::new(Cause::Refused, fault),
        SocketFault::Unreachable(error) | SocketFault::Forbidden(error) => of_connect(error),
        SocketFault::Local(error) => of_this_machine(error),
    }
}

/// What stopped a handshake of webrtc-direct, in whatever stage it was.
pub(crate) fn of_webrtc(error: DialError) -> Fault {
    let words = error.to_string();
    let cause = match error {
        DialError::Socket(fault) => return of_socket(&fault),
        DialError::Io(error) => return of_stream(&error),
        DialError::Setup(_) => Cause::LocalFault { errno: None },
        DialError::Silent => Cause::UdpSilent,
        DialError::CertHashMismatch { actual } => Cause::CertHashMismatch { actual: actual.fingerprint.to_string() },
        DialError::DtlsFailed { alert, .. } => Cause::DtlsFailed { alert },
        DialError::ChannelFailed(ended) => match ended {
            webrtc_direct::Ended::TimedOut => Cause::TimedOut,
            ended => Cause::ChannelFailed { what: ended.to_string() },
        },
        DialError::Noise(error) => return fault_of(&error),
        DialError::Ended(ended) => return Fault::from_io(&ended.into(), Cause::Closed),
    };
    Fault::from(cause).say(&words)
}

#[cfg(test)]
mod tests {
    use std::{
        net::{SocketAddr, TcpListener},
        time::Duration,
    };

    use socket2::{Domain, SockRef, Socket, Type};

    use super::*;

    /// A busy machine looks at a connection only when it is over already.
    #[test]
    fn what_ended_before_it_was_looked_at_is_no_fault_of_this_machine() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to: SocketAddr = listener.local_addr().unwrap();
        for gently in [true, false] {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            // It is on its way.
            let _ = socket.connect(&to.into());
            let (accepted, _) = listener.accept().unwrap();
            if gently {
                accepted.shutdown(std::net::Shutdown::Write).unwrap();
            }
            SockRef::from(&accepted).set_linger(Some(Duration::ZERO)).unwrap();
            drop(accepted);
            let error = std::iter::repeat_with(|| socket.take_error().unwrap()).flatten().next().unwrap();
            let cause = of_connect(&error).cause;
            assert_eq!(cause, if gently { Cause::Closed } else { Cause::Reset }, "{error}");
        }
    }
}
