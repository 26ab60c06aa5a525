//! What each part of a multiaddr means, and whether p2p-probe can dial the whole.

use multiaddr::{Multiaddr, Protocol};

use crate::{
    model::{Cause, Scope, Transport},
    plan::{self, Parsed},
};

/// A multiaddr in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// Its parts, in order.
    pub parts: Vec<Part>,
    /// How far it reaches.
    pub scope: Scope,
    /// The transport that it asks for; `None` for a dnsaddr, whose records tell. The error says why there is none.
    pub transport: Result<Option<Transport>, Cause>,
}

/// One part of a multiaddr.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// As it is written: `/tcp/4001`.
    pub text: String,
    /// What it means.
    pub meaning: &'static str,
}

/// The multiaddr in words.
#[must_use]
pub fn address(address: &Multiaddr) -> Explained {
    let transport = plan::parse(address).map(|parsed| match parsed {
        Parsed::Route(route) => Some(route.transport),
        Parsed::Dnsaddr { .. } => None,
    });
    Explained { parts: parts(address), scope: Scope::of(address), transport }
}

fn parts(address: &Multiaddr) -> Vec<Part> {
    let mut relayed = false;
    let mut parts = Vec::new();
    for protocol in address {
        let meaning = match &protocol {
            Protocol::P2p(_) if relayed => "the peer behind the relay: the dial ends there",
            Protocol::P2p(_) if address.iter().any(|part| part == Protocol::P2pCircuit) => {
                "the relay: it has to prove this peer ID"
            }
            other => meaning(other.tag()),
        };
        relayed |= protocol == Protocol::P2pCircuit;
        parts.push(Part { text: protocol.to_string(), meaning });
    }
    parts
}

/// What a protocol means, by its name in the multiaddr table.
const MEANINGS: &[(&str, &str)] = &[
    ("ip4", "an IPv4 address"),
    ("ip6", "an IPv6 address"),
    ("ip6zone", "the network interface that the link-local address after it belongs to"),
    ("ipcidr", "the length of a network's prefix: a range, not an address to dial"),
    ("dns", "a name, looked up for IPv4 and IPv6 addresses"),
    ("dns4", "a name, looked up for IPv4 addresses (A records)"),
    ("dns6", "a name, looked up for IPv6 addresses (AAAA records)"),
    ("dnsaddr", "a name whose TXT records (_dnsaddr.<name>) hold whole multiaddrs"),
    ("tcp", "a TCP port"),
    ("udp", "a UDP port"),
    ("sctp", "an SCTP port; no libp2p node listens there"),
    ("dccp", "a DCCP port; no libp2p node listens there"),
    ("udt", "UDT over UDP; no libp2p node speaks it any more"),
    ("utp", "uTP over UDP; no libp2p node speaks it any more"),
    ("quic", "QUIC in its retired draft 29: current nodes listen on /quic-v1"),
    ("quic-v1", "QUIC version 1 (RFC 9000): encrypted and multiplexed by itself"),
    ("webtransport", "WebTransport: HTTP/3 over the QUIC before it, for browsers"),
    ("webrtc-direct", "WebRTC without a signalling server, for browsers"),
    ("webrtc", "WebRTC set up through a relay, between browsers"),
    ("certhash", "the hash of the certificate that the node will show; it changes when the certificate is rotated"),
    ("ws", "WebSocket, without TLS of its own"),
    ("wss", "WebSocket over TLS: the server needs a certificate for the name"),
    ("x-parity-ws", "WebSocket at a path, without TLS of its own"),
    ("x-parity-wss", "WebSocket over TLS at a path"),
    ("tls", "TLS: what stands after it runs inside"),
    ("sni", "the name that TLS asks the server for, in place of the host's"),
    ("noise", "Noise; it is negotiated anyway and need not stand in an address"),
    ("http", "HTTP"),
    ("https", "HTTP over TLS"),
    ("http-path", "a path on an HTTP server"),
    ("p2p", "the peer: it has to prove this peer ID"),
    ("p2p-circuit", "through the relay before it (circuit relay v2)"),
    ("p2p-webrtc-star", "a retired signalling server for WebRTC"),
    ("p2p-webrtc-direct", "a retired form of WebRTC: current nodes listen on /webrtc-direct"),
    ("p2p-websocket-star", "a retired rendezvous server"),
    ("p2p-stardust", "a retired rendezvous server"),
    ("onion", "a Tor onion service, version 2 (switched off in 2021)"),
    ("onion3", "a Tor onion service and its port"),
    ("garlic64", "an I2P destination"),
    ("garlic32", "an I2P destination, hashed"),
    ("unix", "a Unix socket on the same machine"),
    ("memory", "a channel inside one process, for tests"),
];

fn meaning(tag: &str) -> &'static str {
    MEANINGS.iter().find(|(name, _)| *name == tag).map_or("a part that p2p-probe does not know", |(_, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";

    fn explained(text: &str) -> Explained {
        address(&text.parse().expect(text))
    }

    #[test]
    fn every_part_has_its_meaning() {
        let explained = explained(&format!("/dns4/a.example/tcp/443/tls/sni/b.example/ws/p2p/{PEER}"));
        let texts: Vec<&str> = explained.parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(texts, ["/dns4/a.example", "/tcp/443", "/tls", "/sni/b.example", "/ws", &format!("/p2p/{PEER}")]);
        assert_eq!((explained.scope, explained.transport), (Scope::Dns, Ok(Some(Transport::Wss))));
    }

    #[test]
    fn every_protocol_that_parses_is_known() {
        let every = "/ip4/1.2.3.4/ip6/::1/ip6zone/a/ipcidr/8/dns/a/dns4/a/dns6/a/dnsaddr/a/tcp/1/udp/1/sctp/1/dccp/1/udt/utp/quic\
            /quic-v1/webtransport/webrtc-direct/webrtc/ws/wss/x-parity-ws/%2Fa/x-parity-wss/%2Fa/tls/sni/a/noise/http/https\
            /http-path/a/p2p-circuit/p2p-webrtc-star/p2p-webrtc-direct/p2p-websocket-star/p2p-stardust/unix/a/memory/1\
            /onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234/onion/aaimaq4ygg2iegci:80";
        for part in explained(every).parts {
            assert!(!part.meaning.contains("does not know"), "{}", part.text);
        }
    }

    #[test]
    fn a_relay_and_the_peer_behind_it_are_told_apart() {
        let explained = explained(&format!("/ip4/1.2.3.4/tcp/1/p2p/{PEER}/p2p-circuit/p2p/{PEER}"));
        assert!(explained.parts[2].meaning.starts_with("the relay"));
        assert!(explained.parts[4].meaning.starts_with("the peer behind"));
        assert_eq!(explained.scope, Scope::Relay);
    }
}
