//! What a multiaddr says about how to dial it.

use std::{fmt, net::IpAddr};

use libp2p_identity::PeerId;
use multiaddr::{Multiaddr, Protocol, multihash::Multihash};

use crate::model::{Cause, Transport};

/// How to reach an address: a host, a port and the layers on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The transport.
    pub transport: Transport,
    /// Where.
    pub host: Host,
    /// TCP or UDP port.
    pub port: u16,
    /// The name that TLS asks for, where the address has an `/sni` of its own.
    pub sni: Option<String>,
    /// The path of a WebSocket.
    pub path: String,
    /// The certificates that webrtc-direct and WebTransport may show.
    pub certhashes: Vec<Multihash<64>>,
    /// The peer expected at the other end.
    pub peer: Option<PeerId>,
    /// How the relay is reached, where the transport is one: host, port and layers are the relay's then.
    pub circuit: Option<Box<Circuit>>,
}

impl Route {
    /// The transport of the connection that leaves this machine.
    #[must_use]
    pub fn carrier(&self) -> Transport {
        self.circuit.as_ref().map_or(self.transport, |circuit| circuit.transport)
    }
}

/// The way to a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// The transport of the connection to it.
    pub transport: Transport,
    /// Who it has to be; none where the address does not say.
    pub relay: Option<PeerId>,
}

/// Where an address leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An IP address, with the zone of a link-local one.
    Ip(IpAddr, Option<String>),
    /// A name to look up.
    Name(Lookup),
}

/// A look-up in DNS. Displayed as the part of a multiaddr that asks for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lookup {
    /// The name.
    pub name: String,
    /// What is asked for.
    pub records: Records,
}

/// The records that a look-up asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Records {
    /// A and AAAA.
    Any,
    /// A.
    V4,
    /// AAAA.
    V6,
    /// TXT records of `_dnsaddr.<name>`.
    Dnsaddr,
}

impl Lookup {
    /// Records shown in a report; an answer may hold many more.
    pub const RECORDS_SHOWN: usize = 20;
    /// Characters shown of a record: a TXT record may be 64 KiB.
    pub const RECORD_LENGTH: usize = 300;

    /// The name to ask for. With a dot in it, it is absolute: search domains of this machine would find another host.
    #[must_use]
    pub fn absolute(&self) -> String {
        let prefix = if self.records == Records::Dnsaddr { "_dnsaddr." } else { "" };
        let name = self.name.trim_end_matches('.');
        let dot = if name.contains('.') { "." } else { "" };
        format!("{prefix}{name}{dot}")
    }

    /// Whether the name can be a host's (RFC 1123, section 2.1, and the underscore that some have). Another one cannot be asked
    /// for everywhere: in a URL many characters mean something else. Letters beyond ASCII are for whoever asks to write in it.
    #[must_use]
    pub fn is_of_a_host(&self) -> bool {
        is_host_name(&self.name)
    }

    /// What it means that there is no such record.
    #[must_use]
    pub fn no_record(&self) -> Cause {
        let family = match self.records {
            Records::Any => "any",
            Records::V4 => "ipv4",
            Records::V6 => "ipv6",
            Records::Dnsaddr => "dnsaddr",
        };
        Cause::NameHasNoAddress { family: family.into() }
    }
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.records {
            Records::Any => "dns",
            Records::V4 => "dns4",
            Records::V6 => "dns6",
            Records::Dnsaddr => "dnsaddr",
        };
        write!(f, "/{kind}/{}", self.name)
    }
}

/// The longest name, and the longest of its labels (RFC 1035, section 2.3.4).
const NAME: usize = 253;
const LABEL: usize = 63;

/// See [`Lookup::is_of_a_host`].
pub(super) fn is_host_name(name: &str) -> bool {
    let fits = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
    let letter = |c: char| match c {
        '-' | '_' => true,
        _ if c.is_ascii() => c.is_ascii_alphanumeric(),
        _ => !c.is_whitespace() && !c.is_control(),
    };
    fits(name, NAME)
        && name.strip_suffix('.').unwrap_or(name).split('.').all(|label| fits(label, LABEL) && label.chars().all(letter))
}

/// What an address asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A dial.
    Route(Route),
    /// A look-up that leads to further addresses, which have to end with `suffix`.
    Dnsaddr {
        /// The look-up.
        lookup: Lookup,
        /// The rest of the address, most often `/p2p/…`.
        suffix: Multiaddr,
    },
}

/// Reads an address. A circuit whose relay stands behind a `/dnsaddr` is a look-up. The error is the cause of an attempt that fails without a dial.
pub fn parse(address: &Multiaddr) -> Result<Parsed, Cause> {
    if let Some(at) = address.iter().position(|part| part == Protocol::P2pCircuit) {
        return circuit(address, at);
    }
    let mut parts = address.iter().peekable();
    let zone = match parts.peek() {
        Some(Protocol::Ip6zone(zone)) => Some(zone.to_string()),
        _ => None,
    };
    if zone.is_some() {
        parts.next();
    }
    let host = match parts.next() {
        Some(Protocol::Ip4(ip)) => Host::Ip(ip.into(), None),
        Some(Protocol::Ip6(ip)) => Host::Ip(ip.into(), zone),
        Some(Protocol::Dns(name)) => Host::Name(Lookup { name: name.into(), records: Records::Any }),
        Some(Protocol::Dns4(name)) => Host::Name(Lookup { name: name.into(), records: Records::V4 }),
        Some(Protocol::Dns6(name)) => Host::Name(Lookup { name: name.into(), records: Records::V6 }),
        Some(Protocol::Dnsaddr(name)) => {
            let lookup = Lookup { name: name.into(), records: Records::Dnsaddr };
            return Ok(Parsed::Dnsaddr { lookup, suffix: parts.collect() });
        }
        other => return Err(unsupported(other)),
    };
    let (udp, port) = match parts.next() {
        Some(Protocol::Tcp(port)) => (false, port),
        Some(Protocol::Udp(port)) => (true, port),
        other => return Err(other.map_or_else(|| unsupported(address.iter().next()), |part| unsupported(Some(part)))),
    };
    let rest: Vec<Protocol<'_>> = parts.collect();
    let Layers { transport, sni, path, certhashes, peer } = if udp { over_udp(&rest) } else { over_tcp(&rest) }?;
    Ok(Parsed::Route(Route { transport, host, port, sni, path, certhashes, peer, circuit: None }))
}

struct Layers {
    transport: Transport,
    sni: Option<String>,
    path: String,
    certhashes: Vec<Multihash<64>>,
    peer: Option<PeerId>,
}

impl Layers {
    fn new(transport: Transport, peer: Option<PeerId>) -> Self {
        Self { transport, sni: None, path: "/".into(), certhashes: Vec::new(), peer }
    }
}

fn over_tcp(rest: &[Protocol<'_>]) -> Result<Layers, Cause> {
    let (rest, peer) = split_peer(rest);
    let websocket = |transport, path: &str| {
        let mut layers = Layers::new(transport, peer);
        if !path.is_empty() {
            // Some write the path of `/x-parity-ws` without its slash.
            layers.path = if path.starts_with('/') { path.into() } else { format!("/{path}") };
        }
        layers
    };
    match rest {
        [.., Protocol::Ws(path) | Protocol::Wss(path)] if !is_path(path) => Err(unsupported(rest.last().cloned())),
        [] => Ok(Layers::new(Transport::Tcp, peer)),
        [Protocol::Ws(path)] => Ok(websocket(Transport::Ws, path)),
        [Protocol::Wss(path)] | [Protocol::Tls, Protocol::Ws(path)] => Ok(websocket(Transport::Wss, path)),
        [Protocol::Tls, Protocol::Sni(name), Protocol::Ws(path)] => {
            Ok(Layers { sni: Some(name.to_string()), ..websocket(Transport::Wss, path) })
        }
        // What does not belong behind a WebSocket is the part to name, not the WebSocket.
        [Protocol::Ws(_) | Protocol::Wss(_), other, ..] | [other, ..] => Err(unsupported(Some(other.clone()))),
    }
}

/// Whether a request line can carry it; what follows a `#` is never sent (RFC 9110, section 4.2.5).
fn is_path(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

fn over_udp(rest: &[Protocol<'_>]) -> Result<Layers, Cause> {
    let (rest, peer) = split_peer(rest);
    let with = |transport, certhashes| Layers { certhashes, ..Layers::new(transport, peer) };
    match rest {
        [Protocol::QuicV1] => Ok(Layers::new(Transport::Quic, peer)),
        [Protocol::QuicV1, Protocol::WebTransport, hashes @ ..] => Ok(with(Transport::Webtransport, certhashes(hashes)?)),
        [Protocol::WebRTCDirect, hashes @ ..] => Ok(with(Transport::WebrtcDirect, certhashes(hashes)?)),
        [] => Err(unsupported(Some(Protocol::Udp(0)))),
        [Protocol::QuicV1, other, ..] | [other, ..] => Err(unsupported(Some(other.clone()))),
    }
}

/// The hashes of an address, which stand together.
fn certhashes(parts: &[Protocol<'_>]) -> Result<Vec<Multihash<64>>, Cause> {
    let hash = |part: &Protocol<'_>| match part {
        Protocol::Certhash(hash) => Ok(*hash),
        other => Err(unsupported(Some(other.clone()))),
    };
    parts.iter().map(hash).collect()
}

/// Takes a `/p2p/…` off the end.
fn split_peer<'a, 'b>(rest: &'a [Protocol<'b>]) -> (&'a [Protocol<'b>], Option<PeerId>) {
    match rest {
        [rest @ .., Protocol::P2p(peer)] => (rest, Some(*peer)),
        _ => (rest, None),
    }
}

/// An address through a relay: the relay's own address has to stand before `/p2p-circuit`, and nothing but a peer after it.
fn circuit(address: &Multiaddr, at: usize) -> Result<Parsed, Cause> {
    let relay: Multiaddr = address.iter().take(at).collect();
    let after: Vec<Protocol<'_>> = address.iter().skip(at + 1).collect();
    let (rest, target) = split_peer(&after);
    if let Some(other) = rest.iter().find(|part| !matches!(part, Protocol::P2p(_))) {
        return Err(unsupported(Some(other.clone())));
    }
    match parse(&relay) {
        Ok(Parsed::Route(route)) => {
            let circuit = Some(Box::new(Circuit { transport: route.transport, relay: route.peer }));
            Ok(Parsed::Route(Route { transport: Transport::Relay, peer: target, circuit, ..route }))
        }
        Ok(Parsed::Dnsaddr { lookup, .. }) => Ok(Parsed::Dnsaddr { lookup, suffix: address.iter().skip(1).collect() }),
        // An address without a host names no relay; one that cannot be dialed says why.
        Err(_) if relay.iter().all(|part| matches!(part, Protocol::P2p(_))) => Err(Cause::NeedsRelay),
        Err(cause) => Err(cause),
    }
}

fn unsupported(part: Option<Protocol<'_>>) -> Cause {
    Cause::UnsupportedAddress { part: part.map_or_else(|| "/".into(), |part| format!("/{}", part.tag())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";
    const RELAY: &str = "QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ";

    fn transport(address: &str) -> Result<Transport, Cause> {
        match parse(&address.parse().expect(address))? {
            Parsed::Route(route) => Ok(route.transport),
            Parsed::Dnsaddr { .. } => panic!("{address} is a route"),
        }
    }

    #[test]
    fn every_transport_is_recognised() {
        let table = [
            ("/ip4/1.2.3.4/tcp/4001", Transport::Tcp),
            ("/ip6/::1/tcp/4001/ws", Transport::Ws),
            ("/dns4/a.example/tcp/443/wss", Transport::Wss),
            ("/dns4/a.example/tcp/443/tls/ws", Transport::Wss),
            ("/dns4/a.example/tcp/443/tls/sni/b.example/ws", Transport::Wss),
            ("/ip4/1.2.3.4/udp/4001/quic-v1", Transport::Quic),
            ("/ip4/1.2.3.4/udp/4001/quic-v1/webtransport", Transport::Webtransport),
            ("/ip4/1.2.3.4/udp/4001/webrtc-direct", Transport::WebrtcDirect),
            ("/ip6zone/eth0/ip6/fe80::1/tcp/1", Transport::Tcp),
        ];
        for (address, expected) in table {
            assert_eq!(transport(address), Ok(expected), "{address}");
            assert_eq!(transport(&format!("{address}/p2p/{PEER}")), Ok(expected), "{address} with a peer");
        }
    }

    #[test]
    fn a_circuit_is_the_relays_address_and_the_peer_behind_it() {
        let route = |address: &str| match parse(&address.parse().expect(address)) {
            Ok(Parsed::Route(route)) => Ok((route.transport, route.carrier(), route.peer.is_some(), route.circuit)),
            Ok(Parsed::Dnsaddr { lookup, suffix }) => panic!("{lookup}{suffix}"),
            Err(cause) => Err(cause),
        };
        let relay = Some(RELAY.parse().unwrap());
        for (outer, transport) in [("tcp/1", Transport::Tcp), ("tcp/1/ws", Transport::Ws), ("udp/1/quic-v1", Transport::Quic)] {
            let circuit = |relay| Some(Box::new(Circuit { transport, relay }));
            let whole = format!("/ip4/1.2.3.4/{outer}/p2p/{RELAY}/p2p-circuit/p2p/{PEER}");
            assert_eq!(route(&whole), Ok((Transport::Relay, transport, true, circuit(relay))));
            let bare = format!("/ip4/1.2.3.4/{outer}/p2p-circuit");
            assert_eq!(route(&bare), Ok((Transport::Relay, transport, false, circuit(None))));
        }
        let unsupported = |part: &str| Err(Cause::UnsupportedAddress { part: part.into() });
        let twice = format!("/ip4/1.2.3.4/tcp/1/p2p/{RELAY}/p2p-circuit/p2p/{PEER}/p2p-circuit/p2p/{PEER}");
        assert_eq!(route(&twice), unsupported("/p2p-circuit"));
        assert_eq!(route(&format!("/ip4/1.2.3.4/tcp/1/p2p/{RELAY}/p2p-circuit/webrtc/p2p/{PEER}")), unsupported("/webrtc"));
        assert_eq!(route(&format!("/ip4/1.2.3.4/udp/1/quic/p2p/{RELAY}/p2p-circuit/p2p/{PEER}")), unsupported("/quic"));
        assert_eq!(route(&format!("/p2p/{RELAY}/p2p-circuit/p2p/{PEER}")), Err(Cause::NeedsRelay));
    }

    #[test]
    fn a_websocket_path_begins_with_a_slash() {
        for (address, expected) in [
            ("/ip4/1.2.3.4/tcp/1/ws", "/"),
            ("/ip4/1.2.3.4/tcp/1/x-parity-ws/%2Fa%2Fb", "/a/b"),
            ("/ip4/1.2.3.4/tcp/1/x-parity-ws/a", "/a"),
        ] {
            let parsed = parse(&address.parse().expect(address));
            assert!(matches!(&parsed, Ok(Parsed::Route(route)) if route.path == expected), "{parsed:?}");
        }
    }

    #[test]
    fn names_of_hosts() {
        let (label, long) = ("a".repeat(63), "a.".repeat(126));
        for name in [
            "a",
            "node.example.org",
            "node.example.org.",
            "_x.a-b.example",
            "1-2-3-4.example",
            "127.0.0.1",
            "b\u{fc}cher.example",
        ]
        .into_iter()
        .chain(["\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}.example", &label, &format!("{long}a")])
        {
            assert!(is_host_name(name), "{name:?}");
        }
        for name in [
            "",
            ".",
            "a..b",
            ".a",
            "a b",
            "a\u{a0}b",
            "user@host",
            "host:80",
            "a%2Fb",
            "a?b",
            "a#b",
            "a/b",
            "::1",
            "*.example",
            "a\tb",
        ]
        .into_iter()
        .chain(["a\u{80}b", &format!("{label}a"), &format!("{long}aa")])
        {
            assert!(!is_host_name(name), "{name:?}");
        }
    }

    #[test]
    fn what_cannot_be_dialed_names_its_part() {
        let table = [
            ("/ip4/1.2.3.4/tcp/1/x-parity-ws/%2Fa%20b", "/x-parity-ws"),
            ("/ip4/1.2.3.4/tcp/1/x-parity-ws/%2Fa%0d%0aX:%20y", "/x-parity-ws"),
            ("/ip4/1.2.3.4/tcp/1/x-parity-ws/%2Fa%23b", "/x-parity-ws"),
            ("/ip4/1.2.3.4/tcp/1/tls/x-parity-ws/%2Fa%23b", "/x-parity-ws"),
            ("/ip4/1.2.3.4/udp/4001/quic", "/quic"),
            ("/unix/tmp%2Fsocket", "/unix"),
            ("/ip4/1.2.3.4/udp/4001", "/udp"),
            ("/ip4/1.2.3.4", "/ip4"),
            ("/ip4/1.2.3.4/tcp/1/tls", "/tls"),
            ("/ip4/1.2.3.4/tcp/9090/ws/p2p-webrtc-star", "/p2p-webrtc-star"),
            ("/memory/7", "/memory"),
        ];
        for (address, part) in table {
            assert_eq!(transport(address), Err(Cause::UnsupportedAddress { part: part.into() }), "{address}");
        }
        assert_eq!(transport(&format!("/p2p/{PEER}")), Err(Cause::UnsupportedAddress { part: "/p2p".into() }));
        assert_eq!(transport("/p2p-circuit"), Err(Cause::NeedsRelay));
    }
}
