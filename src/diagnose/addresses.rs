//! Corrected addresses: what was probably meant, ready to paste.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use multiaddr::{Multiaddr, PeerId, Protocol, multihash::Multihash};

use super::fault::concrete;
use crate::{model::Attempt, target::USUAL_PORT};

type Parts = Vec<Protocol<'static>>;

/// The parts of an attempt's address as it was offered, without a peer ID at its end.
fn parts(attempt: &Attempt) -> Option<Parts> {
    let address: Multiaddr = attempt.address.parse().ok()?;
    let mut parts: Parts = address.iter().map(Protocol::acquire).collect();
    if matches!(parts.last(), Some(Protocol::P2p(_))) {
        parts.pop();
    }
    (!parts.is_empty()).then_some(parts)
}

fn with_peer(parts: Parts, peer: Option<&str>) -> String {
    let mut address: Multiaddr = parts.into_iter().collect();
    if let Some(peer) = peer.and_then(|peer| peer.parse::<PeerId>().ok()) {
        address.push(Protocol::P2p(peer));
    }
    address.to_string()
}

/// The same address for the peer that answers.
pub(super) fn of_peer(attempt: &Attempt, actual: &str) -> Option<String> {
    let peer: PeerId = actual.parse().ok()?;
    Some(with_peer(parts(attempt)?, Some(&peer.to_string())))
}

/// The same address with QUIC version 1 for draft 29.
pub(super) fn quic_v1(address: &str) -> Option<String> {
    let address: Multiaddr = address.parse().ok()?;
    let mend = |part| if part == Protocol::Quic { Protocol::QuicV1 } else { part };
    Some(address.iter().map(mend).collect::<Multiaddr>().to_string())
}

/// The same with the peer of the target at its end, where the address has none.
pub(super) fn quic_v1_of(attempt: &Attempt, peer: Option<&str>) -> Option<String> {
    let mend = |part| if part == Protocol::Quic { Protocol::QuicV1 } else { part };
    let address: Multiaddr = concrete(attempt)?;
    let last = address.iter().last().map(Protocol::acquire);
    let own = match last {
        Some(Protocol::P2p(peer)) => Some(peer.to_string()),
        _ => None,
    };
    let mut parts: Parts = address.iter().map(|part| mend(part.acquire())).collect();
    if own.is_some() {
        parts.pop();
    }
    Some(with_peer(parts, own.as_deref().or(peer)))
}

/// The same address with what it lacks, by the part that a dial cannot begin with: the usual port, QUIC, or loopback for every
/// address of a machine.
pub(super) fn completed(attempt: &Attempt, part: &str, peer: Option<&str>) -> Option<String> {
    let mut parts = parts(attempt)?;
    match part.trim_start_matches('/') {
        "ip4" | "ip6" | "dns" | "dns4" | "dns6" if parts.len() == 1 => parts.push(Protocol::Tcp(USUAL_PORT)),
        "udp" if parts.len() == 2 => parts.push(Protocol::QuicV1),
        "ip4/0.0.0.0" => *parts.first_mut()? = Protocol::Ip4(Ipv4Addr::LOCALHOST),
        "ip6/::" => *parts.first_mut()? = Protocol::Ip6(Ipv6Addr::LOCALHOST),
        _ => return None,
    }
    Some(with_peer(parts, peer))
}

/// The same address by `/ip4` or `/ip6`, where a name is none.
pub(super) fn of_ip(attempt: &Attempt, peer: Option<&str>) -> Option<String> {
    let mut parts = parts(attempt)?;
    let (Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name)) = parts.first()? else { return None };
    let ip: IpAddr = name.parse().ok()?;
    *parts.first_mut()? = ip.into();
    Some(with_peer(parts, peer))
}

/// What stands above TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Above {
    /// libp2p at once.
    Nothing,
    /// A WebSocket.
    Ws,
    /// A WebSocket over TLS.
    Wss,
}

/// The same host and TCP port with something else above it.
pub(super) fn over_tcp(attempt: &Attempt, above: Above, peer: Option<&str>) -> Option<String> {
    let mut parts = parts(attempt)?;
    let path = parts.iter().find_map(|part| match part {
        Protocol::Ws(path) | Protocol::Wss(path) => Some(path.clone()),
        _ => None,
    });
    let path = path.unwrap_or_else(|| "/".into());
    let tcp = parts.iter().position(|part| matches!(part, Protocol::Tcp(_)))?;
    parts.truncate(tcp + 1);
    match above {
        Above::Nothing => {}
        Above::Ws => parts.push(Protocol::Ws(path)),
        Above::Wss => parts.push(Protocol::Wss(path)),
    }
    Some(with_peer(parts, peer))
}

/// The name that TLS asks for: the one in the address, else the SNI given; none for a literal IP address.
pub(super) fn server_name(attempt: &Attempt) -> Option<String> {
    let address: Multiaddr = attempt.address.parse().ok()?;
    let sni = address.iter().find_map(|part| match part {
        Protocol::Sni(name) => Some(name.into_owned()),
        _ => None,
    });
    sni.or_else(|| match address.iter().next() {
        Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name)) => Some(name.into_owned()),
        _ => None,
    })
}

/// The suffix of `AutoTLS` names: `<ip with dashes>.<peer>.libp2p.direct` (p2p-forge).
pub(super) const AUTO_TLS: &str = ".libp2p.direct";

/// The same address by the first of the certificate's names that can be dialed.
pub(super) fn by_name(attempt: &Attempt, names: &[String], peer: Option<&str>) -> Option<String> {
    let mut parts = parts(attempt)?;
    let first = parts.first()?.clone();
    let ip = match first {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::V6(ip)),
        _ => None,
    };
    let name = names.iter().find_map(|name| dialable(name, ip))?;
    parts[0] = match first {
        Protocol::Ip6(_) | Protocol::Dns6(_) => Protocol::Dns6(name.into()),
        Protocol::Dns(_) => Protocol::Dns(name.into()),
        Protocol::Ip4(_) | Protocol::Dns4(_) => Protocol::Dns4(name.into()),
        _ => return None,
    };
    parts.retain(|part| !matches!(part, Protocol::Sni(_)));
    Some(with_peer(parts, peer))
}

/// A name of a certificate that can be dialed; of an `AutoTLS` wildcard the name for the IP address.
fn dialable(name: &str, ip: Option<IpAddr>) -> Option<String> {
    let is_host = |name: &str| {
        let labels =
            |label: &str| !label.is_empty() && label.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char));
        name.contains('.') && name.split('.').all(labels)
    };
    if let Some(parent) = name.strip_prefix("*.") {
        let host = format!("{}.{parent}", dashed(ip?));
        return (parent.ends_with(AUTO_TLS) && is_host(&host)).then_some(host);
    }
    (name.parse::<IpAddr>().is_err() && is_host(name)).then(|| name.to_owned())
}

/// An IP address as the label that `AutoTLS` gives it: dashes for dots and colons, and a zero where a dash would stand at an end.
fn dashed(ip: IpAddr) -> String {
    let dashed = ip.to_string().replace(['.', ':'], "-");
    let (head, tail) = (if dashed.starts_with('-') { "0" } else { "" }, if dashed.ends_with('-') { "0" } else { "" });
    format!("{head}{dashed}{tail}")
}

/// How an address names a certificate, by its fingerprint as reports carry it.
pub(super) fn certhash_of(fingerprint: &str) -> Option<String> {
    const SHA2_256: u64 = 0x12;
    let hex = fingerprint.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.is_ascii())?;
    let digest: Option<Vec<u8>> = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()).collect();
    let hash = Multihash::<64>::wrap(SHA2_256, &digest?).ok()?;
    Some(multibase::encode(multibase::Base::Base64Url, hash.to_bytes()))
}

/// The same address with the certhash that the peer shows.
pub(super) fn of_certhash(attempt: &Attempt, actual: &str, peer: Option<&str>) -> Option<String> {
    let mut actual: Multiaddr = format!("/certhash/{actual}").parse().ok()?;
    let actual = actual.pop()?.acquire();
    let mut parts = parts(attempt)?;
    let place = parts.iter().position(|part| matches!(part, Protocol::Certhash(_))).unwrap_or(parts.len());
    parts.retain(|part| !matches!(part, Protocol::Certhash(_)));
    parts.insert(place, actual);
    Some(with_peer(parts, peer))
}

/// The address of a WebSocket URL or of the URL that a redirect names; none where it has a path, a query or a user,
/// which a plain multiaddr cannot say.
pub(super) fn of_url(url: &str, peer: Option<&str>) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (above, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => (Protocol::Ws("/".into()), 80),
        "https" | "wss" => (Protocol::Wss("/".into()), 443),
        _ => return None,
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#', '@']) {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = match host.parse() {
        Ok(IpAddr::V4(ip)) => Protocol::Ip4(ip),
        Ok(IpAddr::V6(ip)) => Protocol::Ip6(ip),
        Err(_) => Protocol::Dns(dialable(host, None)?.into()),
    };
    Some(with_peer(vec![host, Protocol::Tcp(port), above], peer))
}
