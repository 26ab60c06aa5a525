//! Where a multiaddr leads first: an IP address, and a port above it.

use std::net::{IpAddr, SocketAddr};

use multiaddr::{Multiaddr, Protocol};

use super::Layer4;

/// The IP address that a multiaddr begins with, behind its zone if it has one.
#[must_use]
pub fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().find(|part| !matches!(part, Protocol::Ip6zone(_)))? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

/// The protocol, IP address and port that a multiaddr begins with; none where it has a zone, which a socket address lacks.
#[must_use]
pub fn socket_of(address: &Multiaddr) -> Option<(Layer4, SocketAddr)> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some((Layer4::Tcp, SocketAddr::new(ip, port))),
        Protocol::Udp(port) => Some((Layer4::Udp, SocketAddr::new(ip, port))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_what_it_begins_with() {
        let read = |text: &str| {
            let address = text.parse().unwrap();
            let socket = socket_of(&address).map(|(layer, at)| format!("{layer} {at}"));
            (ip_of(&address).map(|ip| ip.to_string()).unwrap_or_default(), socket.unwrap_or_default())
        };
        for (address, ip, socket) in [
            ("/ip4/11.22.33.44/tcp/4001/ws", "11.22.33.44", "TCP 11.22.33.44:4001"),
            ("/ip6/2606::1/udp/4001/quic-v1", "2606::1", "UDP [2606::1]:4001"),
            ("/ip6zone/eth0/ip6/fe80::1/tcp/1", "fe80::1", ""),
            ("/ip4/11.22.33.44", "11.22.33.44", ""),
            ("/dns4/node.example.org/tcp/1", "", ""),
            ("/dns4/node.example.org/ip4/11.22.33.44/tcp/1", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(read(address), (ip.to_owned(), socket.to_owned()), "{address}");
        }
    }
}
