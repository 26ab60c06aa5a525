//! Whether the network translates IPv6 to IPv4 (RFC 7050), and the way through the translator where that is the only one.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use futures::future::{Either, select};

use crate::{
    engine::{Notes, Runtime as _},
    model::{Cause, Family, Nat64, NatFound},
    native::{Native, network},
    plan::nat64::{self, Prefix},
};

/// The time for the look-up where IPv4 depends on it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The way to the peers of a family: straight, or through a translator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way(pub(super) Option<Prefix>);

impl Way {
    /// Where packets for this place are to be sent.
    pub(super) fn towards(self, place: SocketAddr) -> SocketAddr {
        self.0.map_or(place, |prefix| prefix.towards(place))
    }

    /// Whose packets came from this place.
    pub(super) fn from(self, place: SocketAddr) -> SocketAddr {
        self.0.map_or(place, |prefix| prefix.from(place))
    }

    /// The own address towards somebody; none where no route leads there.
    pub(super) fn own(self, to: SocketAddr) -> Option<IpAddr> {
        network::source_of(self.towards(to).ip())
    }

    /// Whether an address is this machine's own.
    pub(super) fn is_own(self, address: SocketAddr) -> bool {
        self.own(address) == Some(address.ip())
    }
}

/// Whether a translator is the only way to IPv4.
pub(super) fn is_needed(native: &Native) -> bool {
    let families = native.capabilities().families.unwrap_or_default();
    families.contains(&Family::Ipv6) && !families.contains(&Family::Ipv4)
}

/// The way through it, once it is known.
pub(super) async fn way(native: &Native, notes: &Notes) -> Way {
    match select(pin!(look(native, notes)), native.sleep(PATIENCE)).await {
        Either::Left((prefix, _)) => Way(prefix),
        Either::Right(_) => Way(None),
    }
}

/// Asks the resolver, where this machine has IPv6 at all.
pub(super) async fn look(native: &Native, notes: &Notes) -> Option<Prefix> {
    if !native.capabilities().families.is_some_and(|families| families.contains(&Family::Ipv6)) {
        return None;
    }
    let answer = native.look_up(nat64::lookup()).await;
    let (nat64, prefix) = match answer.records {
        Ok(records) => {
            let prefix = Prefix::of(&records);
            (if prefix.is_some() { Nat64::Present } else { Nat64::Unknown }, prefix)
        }
        Err(fault) => match fault.cause {
            Cause::NameHasNoAddress { .. } | Cause::NameNotFound => (Nat64::Absent, None),
            _ => (Nat64::Unknown, None),
        },
    };
    notes.found(NatFound::Nat64 { nat64, prefix: prefix.map(|prefix| prefix.to_string()) });
    prefix
}
