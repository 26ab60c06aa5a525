//! How far an address reaches.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use multiaddr::{Multiaddr, Protocol};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The range that an address belongs to (IANA special-purpose registries, RFC 6890).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Scope {
    /// Reachable from the whole internet, as far as the range tells.
    Public,
    /// RFC 1918 and RFC 4193.
    Private,
    /// The machine itself.
    Loopback,
    /// RFC 3927, RFC 4291: one link.
    LinkLocal,
    /// RFC 6598, 100.64.0.0/10: behind a carrier's NAT.
    Cgnat,
    /// `0.0.0.0`, `::`.
    Unspecified,
    /// RFC 5737, RFC 3849: for examples.
    Documentation,
    /// A group of machines.
    Multicast,
    /// Set aside for other uses.
    Reserved,
    /// RFC 6052: an IPv4 address through a translator.
    Nat64,
    /// A name: it depends on what it resolves to.
    Dns,
    /// Through a relay.
    Relay,
}

impl Scope {
    /// The scope of an IP address.
    #[must_use]
    pub fn of_ip(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => of_v4(ip),
            IpAddr::V6(ip) => of_v6(ip),
        }
    }

    /// The scope of an address by its first part; an address through a relay is `relay`.
    #[must_use]
    pub fn of(address: &Multiaddr) -> Self {
        if address.iter().any(|part| part == Protocol::P2pCircuit) {
            return Self::Relay;
        }
        match address.iter().find(|part| !matches!(part, Protocol::Ip6zone(_))) {
            Some(Protocol::Ip4(ip)) => of_v4(ip),
            Some(Protocol::Ip6(ip)) => of_v6(ip),
            Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) | Protocol::Dnsaddr(name)) => {
                if is_local_name(&name) { Self::Private } else { Self::Dns }
            }
            _ => Self::Reserved,
        }
    }
}

/// Whether a name belongs to a local network rather than to the public DNS: a single label, or a suffix set aside for
/// local or test use (RFC 2606, RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`).
#[must_use]
pub fn is_local_name(name: &str) -> bool {
    const SUFFIXES: [&str; 8] = ["localhost", "local", "lan", "internal", "home.arpa", "home", "corp", "test"];
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    !name.contains('.') || SUFFIXES.iter().any(|suffix| name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.')))
}

fn of_v4(ip: Ipv4Addr) -> Scope {
    let [a, b, c, _] = ip.octets();
    match () {
        () if ip.is_unspecified() => Scope::Unspecified,
        () if ip.is_loopback() => Scope::Loopback,
        () if ip.is_private() => Scope::Private,
        () if ip.is_link_local() => Scope::LinkLocal,
        () if a == 100 && b & 0xc0 == 64 => Scope::Cgnat,
        () if ip.is_documentation() => Scope::Documentation,
        () if ip.is_multicast() => Scope::Multicast,
        // This network, IETF assignments, benchmarks (RFC 2544), class E.
        () if a == 0 || a >= 240 || (a, b, c) == (192, 0, 0) || (a == 198 && b & 0xfe == 18) => Scope::Reserved,
        () => Scope::Public,
    }
}

fn of_v6(ip: Ipv6Addr) -> Scope {
    let segments = ip.segments();
    if let Some(v4) = ip.to_ipv4_mapped() {
        return of_v4(v4);
    }
    match () {
        () if ip.is_unspecified() => Scope::Unspecified,
        () if ip.is_loopback() => Scope::Loopback,
        () if ip.is_multicast() => Scope::Multicast,
        () if segments[0] & 0xffc0 == 0xfe80 => Scope::LinkLocal,
        () if segments[0] & 0xfe00 == 0xfc00 => Scope::Private,
        // RFC 3849 and RFC 9637.
        () if segments[..2] == [0x2001, 0xdb8] || (segments[0] == 0x3fff && segments[1] < 0x1000) => Scope::Documentation,
        // RFC 6052 well-known prefix, RFC 8215 local-use prefix.
        () if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] || segments[..3] == [0x64, 0xff9b, 1] => Scope::Nat64,
        () if segments[0] & 0xe000 == 0x2000 => Scope::Public,
        () => Scope::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_addresses() {
        let table = [
            ("/ip4/8.8.8.8/tcp/1", Scope::Public),
            ("/ip4/10.0.0.4/tcp/1", Scope::Private),
            ("/ip4/172.31.0.1/tcp/1", Scope::Private),
            ("/ip4/172.32.0.1/tcp/1", Scope::Public),
            ("/ip4/127.1.2.3/tcp/1", Scope::Loopback),
            ("/ip4/100.64.0.1/tcp/1", Scope::Cgnat),
            ("/ip4/100.128.0.1/tcp/1", Scope::Public),
            ("/ip4/169.254.1.1/tcp/1", Scope::LinkLocal),
            ("/ip4/203.0.113.7/tcp/1", Scope::Documentation),
            ("/ip4/0.0.0.0/tcp/1", Scope::Unspecified),
            ("/ip4/224.0.0.1/tcp/1", Scope::Multicast),
            ("/ip4/198.19.0.1/tcp/1", Scope::Reserved),
            ("/ip4/250.0.0.1/tcp/1", Scope::Reserved),
            ("/ip6/::1/tcp/1", Scope::Loopback),
            ("/ip6/fd00::1/tcp/1", Scope::Private),
            ("/ip6/fe80::1/tcp/1", Scope::LinkLocal),
            ("/ip6zone/eth0/ip6/fe80::1/tcp/1", Scope::LinkLocal),
            ("/ip6/2001:db8::1/tcp/1", Scope::Documentation),
            ("/ip6/64:ff9b::808:808/tcp/1", Scope::Nat64),
            ("/ip6/2606:4700::1/tcp/1", Scope::Public),
            ("/ip6/::ffff:10.0.0.1/tcp/1", Scope::Private),
            ("/dns4/node.example.org/tcp/1", Scope::Dns),
            ("/dns4/localhost/tcp/1", Scope::Private),
            ("/dns4/peer.test/tcp/1", Scope::Private),
            ("/dns4/nottest/tcp/1", Scope::Private),
            ("/dns4/my.attest/tcp/1", Scope::Dns),
            ("/ip4/8.8.8.8/tcp/1/p2p-circuit", Scope::Relay),
        ];
        for (address, scope) in table {
            let parsed: Multiaddr = address.parse().expect(address);
            assert_eq!(Scope::of(&parsed), scope, "{address}");
        }
    }
}
