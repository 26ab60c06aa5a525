//! Where a node listens, and what to dial to get there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use multiaddr::{Multiaddr, Protocol};

use super::{BindError, Config};
use crate::{
    model::{Scope, Transport},
    native::network,
    plan::{self, Host, Parsed, Route},
};

/// One port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) transport: Transport,
    pub(super) socket: SocketAddr,
}

impl Spot {
    /// Reads an address to listen on. A peer ID at its end says nothing new.
    pub(super) fn parse(address: &Multiaddr) -> Result<Self, BindError> {
        let unsupported = || BindError::Unsupported { address: address.to_string() };
        match plan::parse(address) {
            Ok(Parsed::Route(Route { transport, host: Host::Ip(ip, zone), port, .. })) if served(transport) => {
                let socket = match (ip, zone.as_deref().and_then(network::zone_index)) {
                    (IpAddr::V6(ip), Some(zone)) => SocketAddrV6::new(ip, port, 0, zone).into(),
                    (ip, _) => SocketAddr::new(ip, port),
                };
                Ok(Self { transport, socket })
            }
            _ => Err(unsupported()),
        }
    }

    /// As a multiaddr.
    pub(super) fn address(self) -> Multiaddr {
        let host = Multiaddr::from(self.socket.ip());
        let port = self.socket.port();
        match self.transport {
            Transport::Quic => host.with(Protocol::Udp(port)).with(Protocol::QuicV1),
            Transport::WebrtcDirect => host.with(Protocol::Udp(port)).with(Protocol::WebRTCDirect),
            Transport::Ws => host.with(Protocol::Tcp(port)).with(Protocol::Ws("/".into())),
            Transport::Wss => host.with(Protocol::Tcp(port)).with(Protocol::Tls).with(Protocol::Ws("/".into())),
            _ => host.with(Protocol::Tcp(port)),
        }
    }

    /// Whether its port is one of UDP.
    pub(super) fn is_udp(self) -> bool {
        matches!(self.transport, Transport::Quic | Transport::WebrtcDirect)
    }

    /// The same port of another address.
    fn at(self, ip: IpAddr) -> Self {
        Self { socket: SocketAddr::new(ip, self.socket.port()), ..self }
    }
}

fn served(transport: Transport) -> bool {
    matches!(transport, Transport::Tcp | Transport::Ws | Transport::Wss | Transport::Quic | Transport::WebrtcDirect)
}

/// All interfaces, both families: `port` for TCP and QUIC, the next for WebSocket and webrtc-direct and, with a certificate, the
/// one after for WebSocket over TLS. With 0 each takes any that is free.
#[must_use]
pub fn everywhere(port: u16, wss: bool) -> Vec<Multiaddr> {
    let above = |offset: u16| if port == 0 { 0 } else { port.saturating_add(offset) };
    let mut ports = vec![
        (Transport::Tcp, above(0)),
        (Transport::Quic, above(0)),
        (Transport::Ws, above(1)),
        (Transport::WebrtcDirect, above(1)),
    ];
    if wss {
        ports.push((Transport::Wss, above(2)));
    }
    let any = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let spots =
        any.into_iter().flat_map(|ip| ports.iter().map(move |(transport, port)| (*transport, SocketAddr::new(ip, *port))));
    spots.map(|(transport, socket)| Spot { transport, socket }.address()).collect()
}

/// The addresses to dial, with the peer ID.
pub(super) fn dialable(config: &Config, bound: &[Spot]) -> Vec<Multiaddr> {
    let peer = Protocol::P2p(config.identity.public().to_peer_id());
    let with_peer = |address: Multiaddr| match address.iter().last() {
        Some(Protocol::P2p(_)) => address,
        _ => address.with(peer.clone()),
    };
    let mut interfaces = network::on_links();
    interfaces.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    let mut addresses: Vec<Multiaddr> = config.announce.iter().cloned().map(with_peer).collect();
    let listened = expand(bound, &interfaces).into_iter().map(|spot| named(spot, config));
    for address in listened.map(with_peer) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// The ports at each address that leads to them, the furthest reaching first.
fn expand(bound: &[Spot], interfaces: &[IpAddr]) -> Vec<Spot> {
    let mut spots = Vec::new();
    for spot in bound {
        let ip = spot.socket.ip();
        if ip.is_unspecified() {
            spots.extend(interfaces.iter().filter(|own| own.is_ipv4() == ip.is_ipv4()).map(|own| spot.at(*own)));
        } else {
            spots.push(*spot);
        }
    }
    // The order of `Scope` is from the internet to the machine itself. The sort is stable.
    spots.sort_by_key(|spot| Scope::of_ip(spot.socket.ip()));
    spots
}

/// As a multiaddr that says by which name or hash the certificate is found in order.
fn named(spot: Spot, config: &Config) -> Multiaddr {
    let (ip, port) = (spot.socket.ip(), spot.socket.port());
    match (spot.transport, &config.tls, &config.webrtc) {
        (Transport::Wss, Some(certificate), _) => match certificate.name_for(ip) {
            Some(name) => Multiaddr::from(ip)
                .with(Protocol::Tcp(port))
                .with(Protocol::Tls)
                .with(Protocol::Sni(name.to_owned().into()))
                .with(Protocol::Ws("/".into())),
            None => spot.address(),
        },
        (Transport::WebrtcDirect, _, Some(certificate)) => {
            spot.address().with(Protocol::Certhash(certificate.fingerprint().multihash()))
        }
        _ => spot.address(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::told;

    fn spot(address: &str) -> Spot {
        Spot::parse(&address.parse().unwrap()).unwrap()
    }

    #[test]
    fn what_can_be_listened_on() {
        for address in ["/ip4/0.0.0.0/tcp/1", "/ip6/::/udp/1/quic-v1", "/ip4/127.0.0.1/tcp/0/ws", "/ip6/::1/tcp/4/tls/ws"] {
            assert_eq!(spot(address).address().to_string(), address);
        }
        assert_eq!(spot("/ip4/1.2.3.4/tcp/1/wss"), spot("/ip4/1.2.3.4/tcp/1/tls/ws"));
        let not = ["/dns4/a.example/tcp/1", "/ip4/1.2.3.4/udp/1", "/ip4/1.2.3.4", "/unix/a"];
        for address in not {
            let error = Spot::parse(&address.parse().unwrap()).unwrap_err();
            assert!(error.to_string().contains(address), "{error}");
        }
    }

    #[test]
    fn ports_follow_each_other() {
        let text = |port, wss| everywhere(port, wss).iter().map(ToString::to_string).collect::<Vec<_>>();
        let v4 = [
            "/ip4/0.0.0.0/tcp/4011",
            "/ip4/0.0.0.0/udp/4011/quic-v1",
            "/ip4/0.0.0.0/tcp/4012/ws",
            "/ip4/0.0.0.0/udp/4012/webrtc-direct",
            "/ip4/0.0.0.0/tcp/4013/tls/ws",
        ];
        assert_eq!(text(4011, true)[..5], v4);
        assert_eq!(text(4011, false).len(), 8);
        assert!(text(0, true).iter().all(|address| address.contains("/0")));
    }

    #[test]
    fn a_wildcard_becomes_the_addresses_of_its_family_and_the_furthest_come_first() {
        let interfaces = ["127.0.0.1", "192.168.1.5", "8.8.4.4", "::1", "2606:4700::1"].map(|ip| ip.parse().unwrap());
        let bound = [spot("/ip4/0.0.0.0/tcp/1"), spot("/ip6/::1/tcp/2")];
        let addresses: Vec<_> = expand(&bound, &interfaces).into_iter().map(Spot::address).collect();
        let dialable: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        assert_eq!(dialable, ["/ip4/8.8.4.4/tcp/1", "/ip4/192.168.1.5/tcp/1", "/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/2"]);
        assert_eq!(told(&addresses, Some(interfaces[0])).len(), 4);
        assert_eq!(told(&addresses, Some(interfaces[2])).len(), 2);
    }

    #[test]
    fn announced_addresses_come_first_and_name_the_peer() {
        let identity = libp2p_identity::Keypair::generate_ed25519();
        let peer = identity.public().to_peer_id();
        let mut config = Config::new(Vec::new(), identity);
        config.announce = vec!["/dns4/node.example.org/tcp/4011".parse().unwrap()];
        let addresses = dialable(&config, &[spot("/ip4/127.0.0.1/tcp/4011")]);
        let expected = [format!("/dns4/node.example.org/tcp/4011/p2p/{peer}"), format!("/ip4/127.0.0.1/tcp/4011/p2p/{peer}")];
        assert_eq!(addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }
}
