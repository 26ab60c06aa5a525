//! Values of options, read from what is typed.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use multiaddr::Multiaddr;

use crate::{model::Family, model::bounds, target};

/// The port of DNS.
const DNS: u16 = 53;
/// A time with its unit.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    bounds::time(text)
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
