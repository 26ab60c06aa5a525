//! Whether the network translates IPv6 to IPv4: by the name that has IPv4 addresses alone (RFC 7050).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    engine::{Notes, Runtime as _},
    model::{Cause, Family, Nat64, NatFound},
    native::Native,
    plan::{Lookup, Record, Records},
};

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

/// Asks the resolver, where this machine has IPv6 at all.
pub(super) async fn look(native: &Native, notes: &Notes) {
    if !native.capabilities().families.is_some_and(|families| families.contains(&Family::Ipv6)) {
        return;
    }
    let answer = native.look_up(Lookup { name: NAME.into(), records: Records::V6 }).await;
    let (nat64, found) = match answer.records {
        Ok(records) => {
            let v6 = records.iter().find_map(|record| match record {
                Record::Ip(IpAddr::V6(ip)) => prefix(*ip),
                Record::Ip(IpAddr::V4(_)) | Record::Address(_) => None,
            });
            (if v6.is_some() { Nat64::Present } else { Nat64::Unknown }, v6)
        }
        Err(fault) => match fault.cause {
            Cause::NameHasNoAddress { .. } | Cause::NameNotFound => (Nat64::Absent, None),
            _ => (Nat64::Unknown, None),
        },
    };
    notes.found(NatFound::Nat64 { nat64, prefix: found });
}

/// The prefix that one of the well-known addresses stands behind.
fn prefix(ip: Ipv6Addr) -> Option<String> {
    let octets = ip.octets();
    let (length, _) = PLACES.into_iter().find(|(_, places)| WELL_KNOWN.contains(&Ipv4Addr::from(places.map(|at| octets[at]))))?;
    let network = Ipv6Addr::from_bits(ip.to_bits() & !(u128::MAX.checked_shr(length.into()).unwrap_or(0)));
    Some(format!("{network}/{length}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let ip: Ipv6Addr = ip.parse().unwrap();
            assert_eq!(prefix(ip).as_deref(), expected, "{ip}");
        }
    }
}
