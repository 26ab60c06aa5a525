//! Values of options, read from what is typed.

use std::{
    convert::Infallible,
    fmt::Display,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use multiaddr::{Multiaddr, Protocol};

use crate::{model::Family, model::bounds, target};

/// The port of DNS.
const DNS: u16 = 53;
/// A time with its unit.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    bounds::time(text)
}

/// A number within bounds.
pub(super) fn number<T>(bounds: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Copy,
{
    move |text| {
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        number.ok_or_else(|| format!("a number from {} to {}", bounds.start(), bounds.end()))
    }
}

/// Refuses what follows the target.
pub(super) fn second_target(_: &str) -> Result<Infallible, String> {
    Err("a run has one target; dial another by itself, or name the addresses of one peer by a /dnsaddr".into())
}

/// `4` or `6`.
pub(super) fn family(text: &str) -> Result<Family, String> {
    match text {
        "4" => Ok(Family::Ipv4),
        "6" => Ok(Family::Ipv6),
        _ => Err("4 or 6".into()),
    }
}

/// An IP address, with a port or without.
pub(super) fn resolver(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(ip) => Ok((ip, DNS).into()),
        Err(_) => text
            .parse()
            .ok()
            .filter(|server: &SocketAddr| server.port() != 0)
            .ok_or_else(|| "an IP address of a DNS server, and a port if it is not 53: 9.9.9.9:53".into()),
    }
}

/// An IP address and a port, which may be 0 for any.
pub(super) fn page_addr(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an IP address and a port: 0.0.0.0:4014, [::]:4014".into())
}

/// A multiaddr; anything else is refused with the one that was probably meant.
pub(super) fn multiaddr(text: &str) -> Result<Multiaddr, String> {
    target::multiaddr(text).map_err(|error| error.to_string())
}

/// A host and a port.
pub(super) fn host_port(text: &str) -> Result<(String, u16), String> {
    let wrong = || "a host and a port: stun.example.org:3478 or [2001:db8::1]:3478".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
    let literal = bare.parse::<IpAddr>().is_ok();
    // Colons without brackets could be a port or a part of the address.
    if bare.is_empty() || (bare.contains(':') && (!literal || bare == host)) { Err(wrong()) } else { Ok((bare.to_owned(), port)) }
}

/// A port to test: TCP or QUIC of an own address.
pub(super) fn test_port(text: &str) -> Result<Multiaddr, String> {
    let address = multiaddr(text)?;
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    match parts.as_slice() {
        [Protocol::Ip4(_) | Protocol::Ip6(_), Protocol::Tcp(_)]
        | [Protocol::Ip4(_) | Protocol::Ip6(_), Protocol::Udp(_), Protocol::QuicV1] => Ok(address),
        _ => Err("an own port, TCP or QUIC: /ip4/0.0.0.0/tcp/4001 or /ip4/0.0.0.0/udp/4001/quic-v1".into()),
    }
}

/// The address of a running node, of which the IP part does not matter.
pub(super) fn checked(text: &str) -> Result<Multiaddr, String> {
    let address = multiaddr(text)?;
    let own = matches!(address.iter().next(), Some(Protocol::Ip4(_) | Protocol::Ip6(_)));
    let dialable = matches!(crate::plan::parse(&address), Ok(crate::plan::Parsed::Route(route)) if route.circuit.is_none());
    if own && dialable {
        Ok(address)
    } else {
        Err("where the node listens: /ip4/0.0.0.0/tcp/4001, /ip4/0.0.0.0/udp/4001/quic-v1".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        assert_eq!(host_port("stun.example.org:3478"), Ok(("stun.example.org".into(), 3478)));
        assert_eq!(host_port("[2001:db8::1]:3478"), Ok(("2001:db8::1".into(), 3478)));
        for wrong in ["", ":1", "host", "host:0", "host:70000", "2001:db8::1", "2001:db8::1:3478", "[x:y]:1"] {
            assert!(host_port(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ports_to_test_and_nodes_to_check() {
        for (address, port, node) in [
            ("/ip4/0.0.0.0/tcp/4001", true, true),
            ("/ip6/::/udp/4001/quic-v1", true, true),
            ("/ip4/0.0.0.0/tcp/4001/ws", false, true),
            ("/ip4/0.0.0.0/udp/4001", false, false),
            ("/dns4/a.example/tcp/4001", false, false),
            ("/ip4/1.2.3.4/tcp/1/p2p/12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ/p2p-circuit", false, false),
        ] {
            assert_eq!((test_port(address).is_ok(), checked(address).is_ok()), (port, node), "{address}");
        }
    }
}
