//! From observations to what they mean. Pure, and no more certain than the observations are.
//!
//! Mapping (RFC 4787, section 4.1), by the outside addresses that one own port was told, where the vantage points agree on
//! the IP address:
//!
//! | told | mapping |
//! |---|---|
//! | the own address itself | `none` |
//! | the same by two hosts or more | `endpoint-independent` |
//! | the same by one host | `unknown`: `too-few-vantages` |
//! | two ports of one host differ | `address-and-port-dependent` |
//! | hosts differ, two ports of one host agree | `address-dependent` |
//! | hosts differ, one port each | `endpoint-dependent` |
//! | one host differs where two others agree, or the IP addresses differ without a majority | `unknown`: `vantages-disagree` |
//!
//! Filtering (RFC 4787, section 5), by packets from ports that were never sent to:
//!
//! | from an IP address never sent to | from another port of one sent to | filtering |
//! |---|---|---|
//! | arrives | any | `endpoint-independent`; `none` without a NAT |
//! | blocked | arrives | `address-dependent` |
//! | blocked or untested | blocked | `address-and-port-dependent` |
//! | blocked | untested | `endpoint-dependent` |
//! | untested | arrives | `unknown`: `too-few-vantages` |
//! | untested | untested | `unknown`: `too-few-vantages` |
//!
//! The status of a family: `public` or `mapped` where a dial from outside passed; else what stands between, as far as it was
//! shown to keep dials out; else `unknown`. A pass by a vantage point that the socket had sent to shows nothing behind a
//! NAT: it may be address-restricted.

mod family;
mod filtering;
mod inbound;
mod mapping;
mod observed;
mod remedies;
mod summary;
#[cfg(test)]
mod tests;

pub use observed::Observed;

use crate::model::{Family, Local, Nat, NatStatus, WhyCode};
use family::Measured;

/// What the observations come to.
#[must_use]
pub fn classify(seen: &Observed) -> Nat {
    let families = [Family::Ipv4, Family::Ipv6].map(|family| Measured::of(seen, family));
    let [v4, v6] = &families;
    let inbound = families.iter().flatten().flat_map(|measured| measured.inbound.clone()).collect();
    let best = families.iter().flatten().min_by_key(|measured| measured.nat.status);
    let status = best.map_or(NatStatus::Unknown, |measured| measured.nat.status);
    let why = match best {
        _ if status != NatStatus::Unknown => None,
        Some(measured) => measured.nat.why.clone(),
        None => Some(WhyCode::TooFewVantages.into()),
    };
    Nat {
        status,
        why,
        summary: summary::of(seen, best),
        remedies: remedies::of(seen, &families, best),
        ipv4: v4.as_ref().map(|measured| measured.nat.clone()),
        ipv6: v6.as_ref().map(|measured| measured.nat.clone()),
        inbound,
        local: Local { usable: seen.usable(), ..seen.local.clone() },
        port_mapping: seen.port_mappings.clone(),
        relays: seen.relays.clone(),
        hole_punches: seen.hole_punches.clone(),
        vantages: seen.vantages.clone(),
    }
}
