//! Ports of this machine.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use super::{Config, accept::Listener, address::Spot};
use crate::{
    model::Transport,
    native::port,
    transport::{quic, webrtc_direct},
};

/// Dialers that the system keeps until they are looked at.
const BACKLOG: i32 = 256;
/// On Unix this allows to listen again while old connections linger; elsewhere it would let others take the port over.
const REUSE_ADDRESS: bool = cfg!(unix);

/// Why a node cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error("{kind} port {port} of {ip} is in use; choose another one (--port or --listen), or 0 for any that is free")]
    InUse {
        /// `TCP` or `UDP`.
        kind: &'static str,
        /// The port.
        port: u16,
        /// The address.
        ip: std::net::IpAddr,
    },
    /// The system does not let this user have the port.
    #[error("this user may not listen on {kind} port {port}; choose another one (--port or --listen)")]
    Forbidden {
        /// `TCP` or `UDP`.
        kind: &'static str,
        /// The port.
        port: u16,
    },
    /// Another program has the place where the page was to be.
    #[error("{at} is in use, where the page was to be; choose another place for it (--page-addr), or do without (--no-page)")]
    PageInUse {
        /// The place.
        at: SocketAddr,
    },
    /// The system does not let this user have the page's port.
    #[error(
        "this user may not listen on {at} for the page; choose another place for it (--page-addr), or do without (--no-page)"
    )]
    PageForbidden {
        /// The place.
        at: SocketAddr,
    },
    /// No such address here.
    #[error("cannot listen on {address}")]
    System {
        /// The address.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Not a kind of address to listen on.
    #[error(
        "cannot listen on {address}; possible are /ip4/…/tcp/…, …/tcp/…/ws, …/tcp/…/wss, …/udp/…/quic-v1 and …/udp/…/webrtc-direct, with ip4 or ip6"
    )]
    Unsupported {
        /// The address.
        address: String,
    },
    /// No certificate for `/wss`.
    #[error("{address} needs a certificate: name its files with --tls-cert and --tls-key")]
    NoCertificate {
        /// The address.
        address: String,
    },
    /// No certificate for webrtc-direct.
    #[error(transparent)]
    Webrtc(#[from] webrtc_direct::CertificateError),
    /// A partner that could be anybody.
    #[error("the partner {address} is to be named with its peer ID, as its `listen` prints it: …/p2p/12D3…")]
    PartnerUnnamed {
        /// The address.
        address: String,
    },
    /// Nothing to listen on.
    #[error("no address to listen on")]
    Nothing,
}

/// Binds all addresses, and tells what they became. A machine without IPv6 serves the other wildcard alone.
pub(super) fn all(config: &mut Config) -> Result<(Vec<Listener>, Vec<Spot>), BindError> {
    let mut listeners = Vec::new();
    let mut bound = Vec::new();
    let mut left_out = None;
    if let Some(partner) = config.partner.as_ref().filter(|partner| !super::dialback::names_a_peer(partner)) {
        return Err(BindError::PartnerUnnamed { address: partner.to_string() });
    }
    for address in &config.listen.clone() {
        let spot = Spot::parse(address)?;
        if spot.transport == Transport::WebrtcDirect && config.webrtc.is_none() {
            config.webrtc = Some(webrtc_direct::Certificate::generate()?);
        }
        match one(config, spot) {
            Ok((listener, socket)) => {
                listeners.push(listener);
                bound.push(Spot { socket, ..spot });
            }
            Err(BindError::System { source, .. }) if spot.socket.ip().is_unspecified() && no_such_family(&source) => {
                left_out = Some(BindError::System { address: address.to_string(), source });
            }
            Err(error) => return Err(error),
        }
    }
    if bound.is_empty() {
        return Err(left_out.unwrap_or(BindError::Nothing));
    }
    Ok((listeners, bound))
}

fn one(config: &Config, spot: Spot) -> Result<(Listener, SocketAddr), BindError> {
    let because = |source: io::Error| {
        let (kind, port) = (if spot.is_udp() { "UDP" } else { "TCP" }, spot.socket.port());
        match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse { kind, port, ip: spot.socket.ip() },
            io::ErrorKind::PermissionDenied => BindError::Forbidden { kind, port },
            _ => BindError::System { address: spot.address().to_string(), source },
        }
    };
    if spot.transport == Transport::Wss && config.tls.is_none() {
        return Err(BindError::NoCertificate { address: spot.address().to_string() });
    }
    if spot.transport == Transport::Quic {
        let listener = udp(spot.socket).and_then(|socket| quic::Listener::new(socket, &config.identity, config.limits.of_quic()));
        let listener = listener.map_err(because)?;
        let local = listener.local_addr().map_err(because)?;
        return Ok((Listener::quic(listener, local), local));
    }
    if spot.transport == Transport::WebrtcDirect
        && let Some(certificate) = config.webrtc.clone()
    {
        let (identity, limits) = (&config.identity, config.limits.of_quic());
        let listener = udp(spot.socket).and_then(|socket| webrtc_direct::Listener::new(socket, identity, certificate, limits));
        let listener = listener.map_err(because)?;
        let local = listener.local_addr().map_err(because)?;
        return Ok((Listener::Webrtc(Box::new(listener), local), local));
    }
    let listener = tcp(spot.socket, !config.via.is_empty()).map_err(because)?;
    let local = listener.local_addr().map_err(because)?;
    Ok((Listener::tcp(listener, spot.transport), local))
}

/// A port that is to dial too is shared with the sockets that do, but only once it is known that nobody else has it.
pub(super) fn tcp(address: SocketAddr, dials: bool) -> io::Result<TcpListener> {
    let alone = socket(address, Type::STREAM, Protocol::TCP)?;
    alone.set_reuse_address(REUSE_ADDRESS)?;
    alone.bind(&address.into())?;
    let socket = if dials {
        let bound = alone.local_addr()?;
        drop(alone);
        let shared = socket(address, Type::STREAM, Protocol::TCP)?;
        port::share(&shared)?;
        shared.bind(&bound)?;
        shared
    } else {
        alone
    };
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Each family has sockets of its own, so that an IPv4 dialer is never shown as an IPv6 one.
fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// `EAFNOSUPPORT` of Linux, of the BSDs with macOS, and of Windows; kinds of errors have no name for it.
const NO_SUCH_FAMILY: [i32; 3] = [97, 47, 10047];

/// An address that is not available is how a family looks that is switched off.
fn no_such_family(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error().is_some_and(|code| NO_SUCH_FAMILY.contains(&code))
}
