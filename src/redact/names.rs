//! Addresses and peer IDs inside DNS names and other words.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::pool::Pool;
use crate::peer_id;

/// A word of labels between dots: a name with an IPv4 address in four of its labels, or in one of them.
pub(super) fn redact(pool: &mut Pool, word: &str) -> String {
    let labels: Vec<&str> = word.split('.').collect();
    dotted(pool, &labels, ".", label)
}

/// Replaces each four pieces in a row that are the numbers of an IPv4 address; the others as `other` says.
fn dotted(pool: &mut Pool, pieces: &[&str], between: &str, other: impl Fn(&mut Pool, &str) -> String) -> String {
    let mut out = Vec::with_capacity(pieces.len());
    let mut rest = pieces;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(ip) = rest.first_chunk().and_then(octets) {
            out.push(pool.ip(ip.into()).to_string().replace('.', between));
            rest = &rest[4..];
        } else {
            out.push(other(pool, first));
            rest = tail;
        }
    }
    out.join(between)
}

fn octets(pieces: &[&str; 4]) -> Option<Ipv4Addr> {
    pieces.join(".").parse().ok()
}

/// One label: a peer ID, an IPv6 address with dashes for its colons, or words and numbers between dashes.
fn label(pool: &mut Pool, label: &str) -> String {
    if let Some((peer, form)) = peer_id::parse(label) {
        return form.write(&pool.peer(peer));
    }
    let groups = label.split('-').count();
    if (label.contains("--") || groups == 8)
        && let Ok(ip) = label.replace('-', ":").parse::<Ipv6Addr>()
    {
        return dashed(pool.ip(IpAddr::V6(ip)));
    }
    let pieces: Vec<&str> = label.split('-').collect();
    dotted(pool, &pieces, "-", |_, piece| piece.to_owned())
}

fn dashed(ip: IpAddr) -> String {
    ip.to_string().replace([':', '.'], "-")
}
