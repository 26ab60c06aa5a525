//! IPv4 from a network that has IPv6 alone: a translator answers for IPv4 addresses that stand behind a prefix of IPv6 (NAT64,
//! RFC 6146), which the name server shows by making up addresses of a name that has IPv4 alone (RFC 7050).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use multiaddr::{Multiaddr, Protocol};

use super::{Candidate, Lookup, Record, Records};

/// It has no IPv6 address but those that a translating resolver makes up.
const NAME: &str = "ipv4only.arpa";
/// Its addresses.
const WELL_KNOWN: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 0, 170), Ipv4Addr::new(192, 0, 0, 171)];
/// Where the IPv4 address stands for each length of the prefix (RFC 6052, section 2.2): bits 64 to 71 are left out.
const PLACES: [(u8, [usize; 4]); 6] = [
    (96, [12, 13, 14, 15]),
    (64, [9, 10, 11, 12]),
    (56, [7, 9, 10, 11]),
    (48, [6, 7, 9, 10]),
    (40, [5, 6, 7, 9]),
    (32, [4, 5, 6, 7]),
];

/// The prefix that a network translates under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    network: Ipv6Addr,
    length: u8,
    places: [usize; 4],
}

/// The look-up that shows it.
#[must_use]
pub fn lookup() -> Lookup {
    Lookup { name: NAME.into(), records: Records::V6 }
}

/// Whether an address waits for what the look-up shows: one of IPv4.
#[must_use]
pub fn concerns(candidate: &Candidate, asked: &Lookup) -> bool {
    *asked == lookup() && matches!(candidate.remote.iter().next(), Some(Protocol::Ip4(_)))
}

impl Prefix {
    /// The prefix that the records of [`lookup`] show.
    #[must_use]
    pub fn of(records: &[Record]) -> Option<Self> {
        records.iter().find_map(|record| match record {
            Record::Ip(IpAddr::V6(ip)) => Self::before(*ip),
            Record::Ip(IpAddr::V4(_)) | Record::Address(_) => None,
        })
    }

    /// The prefix that one of the well-known addresses stands behind.
    fn before(ip: Ipv6Addr) -> Option<Self> {
        let octets = ip.octets();
        let known = |places: [usize; 4]| WELL_KNOWN.contains(&Ipv4Addr::from(places.map(|at| octets[at])));
        let (length, places) = PLACES.into_iter().find(|(_, places)| known(*places))?;
        Some(Self { network: masked(ip, length), length, places })
    }

    /// The address that stands for an IPv4 address.
    #[must_use]
    pub fn embed(&self, ip: Ipv4Addr) -> Ipv6Addr {
        let mut octets = self.network.octets();
        for (at, octet) in self.places.into_iter().zip(ip.octets()) {
            octets[at] = octet;
        }
        octets.into()
    }

    /// The IPv4 address that an address stands for; none where it is no such address.
    #[must_use]
    pub fn extract(&self, ip: Ipv6Addr) -> Option<Ipv4Addr> {
        let octets = ip.octets();
        (masked(ip, self.length) == self.network).then(|| self.places.map(|at| octets[at]).into())
    }

    /// Where packets for this place are to be sent.
    #[must_use]
    pub fn towards(&self, place: SocketAddr) -> SocketAddr {
        match place {
            SocketAddr::V4(to) => SocketAddr::new(self.embed(*to.ip()).into(), to.port()),
            SocketAddr::V6(_) => place,
        }
    }

    /// Where packets that came from this place were sent.
    #[must_use]
    pub fn from(&self, place: SocketAddr) -> SocketAddr {
        match place.ip() {
            IpAddr::V6(ip) => self.extract(ip).map_or(place, |ip| SocketAddr::new(ip.into(), place.port())),
            IpAddr::V4(_) => place,
        }
    }

    /// The address as peers of IPv4 know it, if it begins with one that stands for theirs.
    #[must_use]
    pub fn untranslated(&self, address: &Multiaddr) -> Option<Multiaddr> {
        let Some(Protocol::Ip6(ip)) = address.iter().next() else { return None };
        let ip = self.extract(ip)?;
        Some(std::iter::once(Protocol::Ip4(ip)).chain(address.iter().skip(1)).collect())
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

fn masked(ip: Ipv6Addr, length: u8) -> Ipv6Addr {
    Ipv6Addr::from_bits(ip.to_bits() & !(u128::MAX.checked_shr(length.into()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6052, section 2.4, with the addresses of the name.
    #[test]
    fn prefixes_of_every_length() {
        for (ip, expected) in [
            ("64:ff9b::192.0.0.170", Some("64:ff9b::/96")),
            ("64:ff9b::c000:ab", Some("64:ff9b::/96")),
            ("2001:db8:122:344:c0:0:aa00:0", Some("2001:db8:122:344::/64")),
            ("2001:db8:122:3c0:0:aa:0:0", Some("2001:db8:122:300::/56")),
            ("2001:db8:122:c000:0:aa00::", Some("2001:db8:122::/48")),
            ("2001:db8:1c0:0:aa::", Some("2001:db8:100::/40")),
            ("2001:db8:c000:aa::", Some("2001:db8::/32")),
            ("2001:db8::1", None),
        ] {
            let records = [Record::Ip(ip.parse().unwrap())];
            assert_eq!(Prefix::of(&records).map(|prefix| prefix.to_string()).as_deref(), expected, "{ip}");
        }
    }

    #[test]
    fn what_is_embedded_is_found_again() {
        let far: Ipv4Addr = "192.0.2.33".parse().unwrap();
        for (known, expected) in [
            ("64:ff9b::c000:aa", "64:ff9b::c000:221"),
            ("2001:db8:122:344:c0:0:aa00:0", "2001:db8:122:344:c0:2:2100:0"),
            ("2001:db8:122:3c0:0:aa:0:0", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:c000:0:aa00::", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:1c0:0:aa::", "2001:db8:1c0:2:21::"),
            ("2001:db8:c000:aa::", "2001:db8:c000:221::"),
        ] {
            let prefix = Prefix::of(&[Record::Ip(known.parse().unwrap())]).unwrap();
            let embedded = prefix.embed(far);
            assert_eq!(embedded, expected.parse::<Ipv6Addr>().unwrap(), "{known}");
            assert_eq!(prefix.extract(embedded), Some(far), "{known}");
            assert_eq!(prefix.extract("2606:4700::1".parse().unwrap()), None, "{known}");
            let place: SocketAddr = "192.0.2.33:4001".parse().unwrap();
            assert_eq!(prefix.from(prefix.towards(place)), place);
        }
    }
}
