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
//! No vantage point is believed alone: a mapping that would not be told without one host, or without one of two that differ, is marked
//! (`one_witness`), since that host may tell a wrong port. It predicts nothing and, by itself, shows nobody to be kept out. What it is
//! told with counts: packets that came in at one of the addresses show that this one is true.
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
//! Where this is not what RFC 4787, 5382 and 5780 say:
//!
//! - `none` is no term of theirs: they speak of NATs alone. Of a firewall that does not translate the filtering is told in the
//!   same terms.
//! - `endpoint-dependent` is one of two of their terms, told where each vantage point has one port. RFC 5780 (sections 4.3 and 4.4)
//!   has servers with two addresses and two ports each, so that the question does not come up; foreign peers mostly have one.
//! - RFC 5780 finds `address-dependent` mapping by two ports of the second host. Here any host with two ports will do, the first
//!   too, since a port of it that differs is enough to tell, and one that agrees leaves nothing but the host.
//! - Mapping is about address and port, and may give a host several addresses (RFC 4787, section 4.1: pooling that is not paired,
//!   which its REQ-2 discourages). That looks like a vantage point that lies, and is told as `vantages-disagree`.
//! - A behaviour that changes while it is measured (RFC 4787, section 8: a NAT that is not deterministic, as by port collisions) is
//!   told as what was seen, once; RFC 5780 says no more of it.
//! - Filtering of TCP is RFC 5382's (section 4.3) by the same table. A refusal while this machine listens counts as blocked: the
//!   NAT or a firewall has answered. Whether it answers at once, which RFC 5382 forbids for 6 s (REQ-4), is not told.
//! - `hairpin` is asked from another own port (RFC 4787, section 6). A NAT that filters may drop it for that reason alone: `failed`
//!   is that this machine does not reach itself at its outside address, whatever the reason.
//! - `port_preserved` is about the one port under test (RFC 4787, section 4.2.1), where the internet's view is the own number.
//! - How long a mapping lasts (RFC 4787, section 4.3; RFC 5382, section 5), port parity and contiguity, ICMP, fragments and ALGs are
//!   not measured: each takes minutes, or nothing that peers do depends on it.
//! - A translator to IPv4 (NAT64, RFC 6146) is measured and told as a NAT of IPv4: its terms are those of RFC 4787.
//!
//! The status of a family: `public` or `mapped` where a dial from outside passed; else what stands between, as far as it was
//! shown to keep dials out; else `unknown`. A pass by a vantage point that the socket had sent to shows nothing behind a
//! NAT, which may be address-restricted; nor on an own address where a stranger did not pass: a firewall may be, too.
//!
//! What those tell and reach who are on this side of what stands between is left out: on this machine, on a link of it, or behind the
//! same NAT, where their own addresses are public ones. Where nobody else was asked the status is `unknown`: `private-scope`.
//!
//! UDP is blocked where this machine itself forbids it, or where two hosts are silent that are known to serve it, and TCP is answered:
//! who announces QUIC may have its port shut. What stands between, over TCP, decides the remedies then.
//!
//! A NAT that maps per destination may let everybody in all the same (RFC 4787, section 5: filtering is apart from mapping). The
//! address that strangers came in at is then told to one peer alone, and ends with what is sent to that peer (section 4.3):
//! nobody else can learn of it, so that it is neither `mapped` nor one to announce.

mod family;
mod filtering;
mod gateways;
mod inbound;
mod mapping;
mod near;
mod observed;
mod prediction;
mod reached;
mod remedies;
mod status;
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
