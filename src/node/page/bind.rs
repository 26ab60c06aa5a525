//! Where the page is.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use tokio::net::TcpListener;

use super::super::{BindError, Certificate};
use crate::model::Scope;

/// The page's port, counted from that of the node: after TCP and QUIC, WebSocket and webrtc-direct, and WSS.
pub const PORT_OFFSET: u16 = 3;

/// Where to serve the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// On loopback at this port or, when that is taken, at any.
    Loopback(u16),
    /// Here and nowhere else.
    At(SocketAddr),
}

pub(super) fn port(at: Where) -> Result<(TcpListener, SocketAddr), BindError> {
    let bound = match at {
        Where::At(address) => listen(address).map_err(|source| (address, source)),
        Where::Loopback(port) => {
            let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            listen(at(port)).or_else(|_| listen(at(0))).map_err(|source| (at(port), source))
        }
    };
    bound.map_err(|(address, source)| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { kind: "TCP", port: address.port(), ip: address.ip() },
        io::ErrorKind::PermissionDenied => BindError::Forbidden { kind: "TCP", port: address.port() },
        _ => BindError::System { address: format!("{address} for the page"), source },
    })
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = super::super::bind::tcp(address, false)?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

/// What to open in a browser, the furthest reaching first. HTTPS stands before HTTP.
pub(super) fn urls(local: SocketAddr, tls: Option<&Certificate>) -> Vec<String> {
    let mut hosts: Vec<IpAddr> = vec![local.ip()];
    if local.ip().is_unspecified() {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        hosts = interfaces.iter().map(if_addrs::Interface::ip).filter(|ip| ip.is_ipv4() == local.is_ipv4()).collect();
        hosts.retain(|ip| Scope::of_ip(*ip) != Scope::LinkLocal);
        hosts.sort_by_key(|ip| (ip.is_loopback(), *ip));
        hosts.dedup();
    }
    let mut urls = Vec::new();
    for ip in hosts {
        let socket = SocketAddr::new(ip, local.port());
        if let Some(tls) = tls {
            let name = tls.name_for(ip).map_or_else(|| socket.to_string(), |name| format!("{name}:{}", local.port()));
            urls.push(format!("https://{name}/"));
        }
        urls.push(format!("http://{socket}/"));
    }
    urls.sort_by_key(|url| !url.starts_with("https:"));
    urls.dedup();
    urls
}
