//! What a person types to name a peer: a multiaddr. Anything else is refused with the multiaddr that was probably meant.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use libp2p_identity::PeerId;
use multiaddr::{Multiaddr, Protocol};

use crate::{
    model::{Target, TargetKind},
    peer_id,
};

/// The longest target that is read: a relayed address with certificate hashes has some 500 bytes.
pub const LONGEST: usize = 4096;
/// The port that most libp2p nodes listen on.
pub(crate) const USUAL_PORT: u16 = 4001;
/// How much of a refused input an error repeats.
const SHOWN: usize = 120;

/// Why an input names no peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}{}", Meant(.meant.as_deref()))]
pub struct TargetError {
    /// What is wrong with it.
    pub problem: Problem,
    /// The multiaddr that was probably meant.
    pub meant: Option<String>,
}

/// What is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing there.
    #[error("the target is empty; give a multiaddr such as /dns4/node.example.org/tcp/4001")]
    Empty,
    /// More than [`LONGEST`].
    #[error("the target is longer than {LONGEST} bytes, which no multiaddr is")]
    TooLong,
    /// A URL.
    #[error("\"{0}\" is a URL, not a multiaddr")]
    Url(String),
    /// A host and a port.
    #[error("\"{0}\" is a host and a port, not a multiaddr")]
    HostPort(String),
    /// A host without a port.
    #[error("\"{0}\" is a host without a transport and a port, not a multiaddr")]
    Host(String),
    /// A peer ID without an address.
    #[error("\"{0}\" is a peer ID alone; a dial needs an address of that peer too")]
    PeerAlone(String),
    /// A multiaddr without its first slash.
    #[error("\"{0}\" lacks the slash that a multiaddr begins with")]
    NoSlash(String),
    /// A part that is no protocol of multiaddr.
    #[error("\"{input}\" is not a multiaddr: there is no protocol \"/{part}\"")]
    UnknownPart {
        /// The input.
        input: String,
        /// The part.
        part: String,
    },
    /// A part whose value is missing or cannot be read.
    #[error("\"{input}\" is not a multiaddr: the value of \"/{part}\" is {}", if *.missing { "missing" } else { "not valid" })]
    BadValue {
        /// The input.
        input: String,
        /// The part and its value.
        part: String,
        /// Whether there is no value.
        missing: bool,
    },
    /// Nothing that could be recognised.
    #[error("\"{0}\" is not a multiaddr; one looks like /dns4/node.example.org/tcp/4001/p2p/12D3KooW…")]
    Nothing(String),
}

/// The end of an error's sentence.
struct Meant<'a>(Option<&'a str>);

impl fmt::Display for Meant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |meant| write!(f, "; you probably meant {meant}"))
    }
}

/// Reads a target. Every multiaddr is one, also one that cannot be dialed: that is for the run to say.
pub fn parse(input: &str) -> Result<(Target, Vec<Multiaddr>), TargetError> {
    let input = input.trim();
    let address = multiaddr(input)?;
    let target = Target { kind: TargetKind::Peer, input: input.into(), peer: named_peer(&address).map(PeerId::to_base58) };
    Ok((target, vec![address]))
}

/// Reads a multiaddr as people write them: with a slash at its end, a peer ID as a CID, or the path of a Unix socket with
/// its slashes.
pub fn multiaddr(input: &str) -> Result<Multiaddr, TargetError> {
    if input.len() > LONGEST {
        return Err(TargetError { problem: Problem::TooLong, meant: None });
    }
    let trimmed = input.trim_end_matches('/');
    if trimmed.is_empty() {
        return Err(TargetError { problem: Problem::Empty, meant: None });
    }
    if !trimmed.starts_with('/') {
        return Err(not_a_multiaddr(trimmed));
    }
    trimmed.parse().or_else(|_| lenient(trimmed))
}

/// The peer that an address names: the last `/p2p`; behind a relay the one after `/p2p-circuit`.
#[must_use]
pub fn named_peer(address: &Multiaddr) -> Option<PeerId> {
    address.iter().fold(None, |peer, part| match part {
        Protocol::P2p(peer) => Some(peer),
        Protocol::P2pCircuit => None,
        _ => peer,
    })
}

/// Part by part, so that an error can name the part.
fn lenient(input: &str) -> Result<Multiaddr, TargetError> {
    let mut address = Multiaddr::empty();
    let mut parts = input[1..].split('/').peekable();
    while let Some(name) = parts.peek().copied() {
        if name == "unix" {
            parts.next();
            let path: Vec<&str> = parts.collect();
            // Encoded, so that the address reads back from its own text.
            return Ok(address.with(Protocol::Unix(path.join("%2F").into())));
        }
        let before = parts.clone();
        match Protocol::from_str_parts(&mut parts) {
            Ok(protocol) => address.push(protocol),
            Err(error) => {
                let value = before.clone().nth(1);
                match (name, value.and_then(peer_id::parse)) {
                    ("p2p" | "ipfs", Some((peer, _))) => address.push(Protocol::P2p(peer)),
                    _ => return Err(bad_part(input, name, value, &error)),
                }
            }
        }
    }
    Ok(address)
}

fn bad_part(input: &str, name: &str, value: Option<&str>, error: &multiaddr::Error) -> TargetError {
    let input = shown(input);
    let problem = if let multiaddr::Error::UnknownProtocolString(_) = error {
        Problem::UnknownPart { input, part: shown(name) }
    } else {
        let part = value.map_or_else(|| name.to_owned(), |value| format!("{name}/{value}"));
        Problem::BadValue { input, part: shown(&part), missing: value.is_none_or(str::is_empty) }
    };
    // `/ip4/1.2.3.4:4001`: a host and a port where the host alone belongs.
    let meant = match name {
        "ip4" | "ip6" => value.and_then(|value| at_port(&host_and_port(value)?, "tcp", USUAL_PORT)),
        _ => None,
    };
    TargetError { problem, meant }
}

fn not_a_multiaddr(input: &str) -> TargetError {
    let problem: fn(String) -> Problem;
    let meant;
    if let Some((scheme, rest)) = input.split_once("://") {
        problem = Problem::Url;
        meant = from_url(&scheme.to_ascii_lowercase(), rest);
    } else if let Some((peer, _)) = peer_id::parse(input) {
        problem = Problem::PeerAlone;
        meant = Some(format!("/dns4/<its host>/tcp/{USUAL_PORT}/p2p/{peer}"));
    } else if let Ok(address) = format!("/{input}").parse::<Multiaddr>() {
        problem = Problem::NoSlash;
        meant = Some(address.to_string());
    } else if let Some(place) = host_and_port(input) {
        problem = if place.port.is_some() { Problem::HostPort } else { Problem::Host };
        meant = at_port(&place, "tcp", USUAL_PORT);
    } else {
        problem = Problem::Nothing;
        meant = None;
    }
    TargetError { problem: problem(shown(input)), meant }
}

/// A host as a first part of a multiaddr, and a port.
struct Place {
    host: Multiaddr,
    port: Option<u16>,
}

fn host_and_port(input: &str) -> Option<Place> {
    if let Ok(ip) = input.parse::<IpAddr>() {
        return Some(Place { host: ip.into(), port: None });
    }
    if let Some(rest) = input.strip_prefix('[') {
        let (ip, rest) = rest.split_once(']')?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if rest.is_empty() => None,
            None => return None,
        };
        return Some(Place { host: ip.parse::<Ipv6Addr>().ok()?.into(), port });
    }
    let (host, port) = match input.split_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (input, None),
    };
    let host = match host.parse::<IpAddr>() {
        Ok(ip) => ip.into(),
        Err(_) if is_host_name(host) => Multiaddr::empty().with(Protocol::Dns4(host.into())),
        Err(_) => return None,
    };
    Some(Place { host, port })
}

/// Whether a text can be a DNS name (RFC 1123, and the underscore that people use all the same).
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let text = text.strip_suffix('.').unwrap_or(text);
    text.len() <= 253 && text.split('.').all(label) && text.chars().any(|c| c.is_ascii_alphabetic())
}

fn from_url(scheme: &str, rest: &str) -> Option<String> {
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let place = host_and_port(authority)?;
    let path = path.split(['?', '#']).next().filter(|path| !path.is_empty()).unwrap_or("/");
    match scheme {
        "http" | "ws" => Some(format!("{}{}", at_port(&place, "tcp", 80)?, Protocol::Ws(path.into()))),
        "https" | "wss" => Some(format!("{}{}", at_port(&place, "tcp", 443)?, Protocol::Wss(path.into()))),
        "quic" | "udp" => Some(format!("{}/quic-v1", at_port(&place, "udp", USUAL_PORT)?)),
        _ => at_port(&place, "tcp", USUAL_PORT),
    }
}

fn at_port(place: &Place, layer: &str, usual: u16) -> Option<String> {
    let address: Multiaddr = format!("{}/{layer}/{}", place.host, place.port.unwrap_or(usual)).parse().ok()?;
    Some(address.to_string())
}

/// An input for an error: short, and with nothing that moves a terminal.
fn shown(input: &str) -> String {
    let mut text: String = input.chars().take(SHOWN).collect();
    if text.len() < input.len() {
        text.push('…');
    }
    crate::render::clean(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";
    const RELAY: &str = "QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ";

    #[test]
    fn every_multiaddr_is_a_target() {
        let bare = [
            "/ip4/1.2.3.4/udp/4001/quic",
            "/ip4/1.2.3.4/tcp/4001/ws",
            "/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234",
            "/dnsaddr/bootstrap.libp2p.io",
            "/p2p-circuit",
            "/memory/7",
        ];
        for input in bare {
            let (target, addresses) = parse(input).expect(input);
            assert_eq!((target.input.as_str(), target.peer), (input, None));
            assert_eq!(addresses.len(), 1);
        }
        assert_eq!(parse("/unix/tmp/a.sock").unwrap().1[0].iter().next(), Some(Protocol::Unix("tmp%2Fa.sock".into())));
        assert_eq!(parse(" /ip4/1.2.3.4/tcp/1/ ").unwrap().0.input, "/ip4/1.2.3.4/tcp/1/");
    }

    #[test]
    fn the_last_peer_is_the_one_named() {
        let table = [
            (format!("/p2p/{PEER}"), Some(PEER)),
            (format!("/ip4/1.2.3.4/tcp/1/p2p/{PEER}"), Some(PEER)),
            (format!("/ip4/1.2.3.4/tcp/1/ipfs/{PEER}"), Some(PEER)),
            (format!("/ip4/1.2.3.4/tcp/1/p2p/{RELAY}/p2p-circuit"), None),
            (format!("/ip4/1.2.3.4/tcp/1/p2p/{RELAY}/p2p-circuit/p2p/{PEER}"), Some(PEER)),
        ];
        for (input, peer) in table {
            assert_eq!(parse(&input).unwrap().0.peer.as_deref(), peer, "{input}");
        }
        let (id, _) = peer_id::parse(PEER).unwrap();
        let cid = peer_id::Form::Cid(multibase::Base::Base36Lower).write(&id);
        assert_eq!(parse(&format!("/ip4/1.2.3.4/tcp/1/p2p/{cid}")).unwrap().0.peer.as_deref(), Some(PEER));
    }

    #[test]
    fn what_is_no_multiaddr_is_met_with_the_one_probably_meant() {
        let table = [
            ("wss://node.example.org", "/dns4/node.example.org/tcp/443/wss"),
            ("ws://node.example.org:8080/", "/dns4/node.example.org/tcp/8080/ws"),
            ("https://user@node.example.org/p2p?x=1", "/dns4/node.example.org/tcp/443/x-parity-wss/%2Fp2p"),
            ("http://1.2.3.4", "/ip4/1.2.3.4/tcp/80/ws"),
            ("tcp://1.2.3.4:9", "/ip4/1.2.3.4/tcp/9"),
            ("quic://[2001:db8::1]:9", "/ip6/2001:db8::1/udp/9/quic-v1"),
            ("1.2.3.4:4001", "/ip4/1.2.3.4/tcp/4001"),
            ("[::1]:4001", "/ip6/::1/tcp/4001"),
            ("::1", "/ip6/::1/tcp/4001"),
            ("node.example.org:4001", "/dns4/node.example.org/tcp/4001"),
            ("node.example.org", "/dns4/node.example.org/tcp/4001"),
            ("ip4/1.2.3.4/tcp/1", "/ip4/1.2.3.4/tcp/1"),
            ("/ip4/1.2.3.4:99/tcp/1", "/ip4/1.2.3.4/tcp/99"),
        ];
        for (input, meant) in table {
            let error = parse(input).expect_err(input);
            assert_eq!(error.meant.as_deref(), Some(meant), "{input}");
            assert!(error.to_string().contains(meant), "{error}");
        }
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let says = |input: &str| parse(input).expect_err(input).to_string();
        assert!(says(PEER).contains("a dial needs an address"), "{}", says(PEER));
        assert!(says("/ip4/1.2.3.4/tpc/1").contains("no protocol \"/tpc\""));
        assert!(says("/ip4/1.2.3.4/tcp").contains("the value of \"/tcp\" is missing"));
        assert!(says("/ip4/1.2.3.4/tcp/70000").contains("the value of \"/tcp/70000\" is not valid"));
        assert!(says("/ip4/300.1.1.1/tcp/1").contains("\"/ip4/300.1.1.1\" is not valid"));
        assert!(says("").contains("empty") && says("/").contains("empty"));
        assert!(says("\u{1b}[31mred").contains("is not a multiaddr"));
        assert!(!says("\u{1b}[31mred").contains('\u{1b}'));
        assert!(says(&"a".repeat(5000)).len() < 200);
        assert_eq!(parse("http://").expect_err("no host").meant, None);
        assert_eq!(parse("--self").expect_err("an option").meant, None);
    }
}
