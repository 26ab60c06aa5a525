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
    bound.map_err(|(at, source)| because(at, source))
}

/// What the options of the node's own ports do not mend has words of its own.
fn because(at: SocketAddr, source: io::Error) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::PageInUse { at },
        io::ErrorKind::PermissionDenied => BindError::PageForbidden { at },
        _ => BindError::System { address: format!("{at} for the page"), source },
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_named_the_place_of_the_page_hears_how_to_name_another() {
        let at: SocketAddr = "0.0.0.0:80".parse().unwrap();
        for kind in [io::ErrorKind::AddrInUse, io::ErrorKind::PermissionDenied] {
            let words = because(at, kind.into()).to_string();
            for part in ["0.0.0.0:80", "the page", "--page-addr", "--no-page"] {
                assert!(words.contains(part), "{part}: {words}");
            }
            assert!(!words.contains("--port") && !words.contains("--listen"), "{words}");
        }
    }
}
