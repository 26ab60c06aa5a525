//! Multiaddrs of webrtc-direct (libp2p specs, webrtc/webrtc-direct.md, "Addressing").

use std::net::{IpAddr, SocketAddr};

use multiaddr::{Multiaddr, Protocol};

use super::super::certhash::Fingerprint;

/// What an address says: `/ip4/…/udp/…/webrtc-direct[/certhash/…]…[/p2p/…]`, with `/ip6` as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) socket: SocketAddr,
    /// The certificates that it names by a hash that is known here.
    pub(super) certhashes: Vec<Fingerprint>,
}

impl Address {
    /// Reads an address; none if it is of another kind. Who is meant is for the caller to compare.
    pub(super) fn parse(address: &Multiaddr) -> Option<Self> {
        let mut parts = address.iter();
        let ip: IpAddr = match parts.next()? {
            Protocol::Ip4(ip) => ip.into(),
            Protocol::Ip6(ip) => ip.into(),
            _ => return None,
        };
        let (Some(Protocol::Udp(port)), Some(Protocol::WebRTCDirect)) = (parts.next(), parts.next()) else { return None };
        let mut certhashes = Vec::new();
        let mut named = false;
        for part in parts {
            match part {
                Protocol::Certhash(hash) if !named => certhashes.extend(Fingerprint::of_certhash(&hash)),
                Protocol::P2p(_) if !named => named = true,
                _ => return None,
            }
        }
        Some(Self { socket: (ip, port).into(), certhashes })
    }

    /// Whether it leads anywhere, to a certificate that can be compared.
    pub(super) fn can_be_dialed(&self) -> bool {
        !self.socket.ip().is_unspecified() && self.socket.port() != 0 && !self.certhashes.is_empty()
    }

    /// As a multiaddr.
    pub(super) fn to_multiaddr(&self) -> Multiaddr {
        let bare = Multiaddr::from(self.socket.ip()).with(Protocol::Udp(self.socket.port())).with(Protocol::WebRTCDirect);
        self.certhashes.iter().fold(bare, |address, hash| address.with(Protocol::Certhash(hash.multihash())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTHASH: &str = "uEiAUDp0D0HEvP43E4dzXPUiG5qNBXqP8ASEWFtiCZdn-sw";
    const PEER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    fn parse(text: &str) -> Option<Address> {
        Address::parse(&text.parse().unwrap())
    }

    #[test]
    fn an_address_is_read_and_written() {
        for host in ["/ip4/192.0.2.1", "/ip6/2001:db8::1"] {
            let text = format!("{host}/udp/4001/webrtc-direct/certhash/{CERTHASH}");
            let address = parse(&text).unwrap();
            assert!(address.can_be_dialed() && address.certhashes.len() == 1, "{text}");
            assert_eq!(address.to_multiaddr().to_string(), text);
            assert_eq!(parse(&format!("{text}/p2p/{PEER}")), Some(address));
            let two = parse(&format!("{text}/certhash/{CERTHASH}")).unwrap();
            assert_eq!(two.certhashes.len(), 2);
        }
    }

    #[test]
    fn what_leads_nowhere_is_told_apart() {
        for text in ["/ip4/192.0.2.1/udp/1/webrtc-direct", "/ip4/0.0.0.0/udp/1/webrtc-direct", "/ip6/::1/udp/0/webrtc-direct"] {
            assert!(!parse(text).unwrap().can_be_dialed(), "{text}");
        }
        let others = [
            "/ip4/192.0.2.1/udp/1/quic-v1".to_owned(),
            "/ip4/192.0.2.1/tcp/1/webrtc-direct".to_owned(),
            "/dns4/example.org/udp/1/webrtc-direct".to_owned(),
            format!("/ip4/192.0.2.1/udp/1/webrtc-direct/p2p/{PEER}/certhash/{CERTHASH}"),
            format!("/ip4/192.0.2.1/udp/1/webrtc-direct/p2p/{PEER}/p2p-circuit"),
            "/webrtc-direct".to_owned(),
        ];
        for text in &others {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
