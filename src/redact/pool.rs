//! What each real address and peer is replaced by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p_identity::PeerId;
use litemap::LiteMap;

use crate::{model::Scope, peer_id};

/// The replacements of one run. It grows with what the run shows, which is bounded.
#[derive(Debug, Default)]
pub(super) struct Pool {
    ips: LiteMap<IpAddr, IpAddr>,
    used: LiteMap<(bool, Scope), u32>,
    peers: LiteMap<PeerId, PeerId>,
}

impl Pool {
    /// What an IP address is shown as. Loopback and unspecified addresses tell nothing and stay.
    pub(super) fn ip(&mut self, ip: IpAddr) -> IpAddr {
        // The mapped form of an IPv4 address is that address.
        if let IpAddr::V6(v6) = ip
            && let Some(v4) = v6.to_ipv4_mapped()
        {
            return match self.ip(v4.into()) {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
                v6 @ IpAddr::V6(_) => v6,
            };
        }
        let scope = match Scope::of_ip(ip) {
            Scope::Loopback | Scope::Unspecified => return ip,
            // One range serves both: the numbers must not meet.
            Scope::Documentation => Scope::Public,
            scope => scope,
        };
        if let Some(known) = self.ips.get(&ip) {
            return *known;
        }
        let number = self.used.entry((ip.is_ipv4(), scope)).or_default();
        *number += 1;
        let replacement = if ip.is_ipv4() { v4(scope, *number).into() } else { v6(scope, *number).into() };
        self.ips.insert(ip, replacement);
        replacement
    }

    /// What a peer is shown as.
    pub(super) fn peer(&mut self, peer: PeerId) -> PeerId {
        let number = u32::try_from(self.peers.len()).unwrap_or(u32::MAX).saturating_add(1);
        // A number always makes a peer ID; the same one for all would still hide the real one.
        *self.peers.entry(peer).or_insert_with(|| peer_id::numbered(number).or_else(|| peer_id::numbered(0)).unwrap_or(peer))
    }
}

fn v4(scope: Scope, number: u32) -> Ipv4Addr {
    let (base, size) = match scope {
        Scope::Private => (Ipv4Addr::new(10, 0, 0, 0), 1 << 24),
        Scope::Cgnat => (Ipv4Addr::new(100, 64, 0, 0), 1 << 22),
        Scope::LinkLocal => (Ipv4Addr::new(169, 254, 0, 0), 1 << 16),
        Scope::Multicast => (Ipv4Addr::new(233, 252, 0, 0), 1 << 8),
        Scope::Reserved => (Ipv4Addr::new(240, 0, 0, 0), 1 << 24),
        // TEST-NET-3; beyond it the range for benchmarks, which nobody's address is in either.
        _ if number < 1 << 8 => (Ipv4Addr::new(203, 0, 113, 0), 1 << 8),
        _ => (Ipv4Addr::new(198, 18, 0, 0), 1 << 17),
    };
    Ipv4Addr::from(u32::from(base) + number % size)
}

fn v6(scope: Scope, number: u32) -> Ipv6Addr {
    let first = match scope {
        Scope::Private => [0xfd00, 0],
        Scope::LinkLocal => [0xfe80, 0],
        Scope::Multicast => [0xff0e, 0],
        Scope::Nat64 => [0x64, 0xff9b],
        Scope::Reserved => [0x100, 0],
        _ => [0x2001, 0xdb8],
    };
    let [a, b, c, d] = number.to_be_bytes();
    let number = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
    Ipv6Addr::new(first[0], first[1], 0, 0, 0, 0, number[0], number[1])
}
