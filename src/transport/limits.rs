//! How much a listener takes on, decided before anything is allocated for a dialer.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Limits of a listener. Connections count from their first packet until they are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest handshake.
    pub handshake: Duration,
    /// Connections at once, handshakes included.
    pub connections: usize,
    /// Connections at once from one IPv4 address or one IPv6 /64, which is what one host usually has.
    pub per_ip: usize,
    /// Handshakes at once.
    pub handshakes: usize,
    /// Handshakes under way above which a dialer must first prove its address (QUIC Retry), at the cost of a round
    /// trip: source addresses are easily forged.
    pub retry_above: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(10), connections: 256, per_ip: 32, handshakes: 64, retry_above: 16 }
    }
}

/// Counts what is let in. A node that listens in several ways has one for all of them.
#[derive(Debug)]
pub struct Gate {
    limits: Limits,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: usize,
    handshakes: usize,
    /// No entry is zero, so that there are never more than connections.
    by_source: HashMap<IpAddr, usize>,
    refused: u64,
}

impl Gate {
    /// Nobody is in yet.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, counts: Mutex::default() })
    }

    /// Whether dialers have to prove their address now.
    #[must_use]
    pub fn wants_proof(&self) -> bool {
        self.counts().handshakes >= self.limits.retry_above
    }

    /// What it goes by.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many were turned away.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.counts().refused
    }

    /// Lets one more in, or none when a limit is reached.
    #[must_use]
    pub fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Permit> {
        let source = source(ip);
        let mut counts = self.counts();
        let from_there = counts.by_source.get(&source).copied().unwrap_or(0);
        if counts.connections >= self.limits.connections
            || counts.handshakes >= self.limits.handshakes
            || from_there >= self.limits.per_ip
        {
            counts.refused += 1;
            return None;
        }
        counts.connections += 1;
        counts.handshakes += 1;
        counts.by_source.insert(source, from_there + 1);
        drop(counts);
        Some(Permit { gate: Arc::clone(self), source, handshaking: true })
    }

    /// Whether this dialer's own source has all the places that one may have.
    #[must_use]
    pub fn is_full_of(&self, ip: IpAddr) -> bool {
        self.counts().by_source.get(&source(ip)).is_some_and(|count| *count >= self.limits.per_ip)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among a listener's connections, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    source: IpAddr,
    handshaking: bool,
}

impl Permit {
    /// What it was let in by.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.gate.limits
    }

    /// It turns out that the dialer is at this address. Whether that is within the limits; if not it counts as before.
    pub fn is_of(&mut self, ip: IpAddr) -> bool {
        let now = source(ip);
        if now == self.source {
            return true;
        }
        let mut counts = self.gate.counts();
        let from_there = counts.by_source.get(&now).copied().unwrap_or(0);
        if from_there >= self.gate.limits.per_ip {
            counts.refused += 1;
            return false;
        }
        counts.by_source.insert(now, from_there + 1);
        counts.leave(std::mem::replace(&mut self.source, now));
        true
    }

    /// The handshake is over; the connection stays.
    pub fn established(&mut self) {
        if std::mem::take(&mut self.handshaking) {
            self.gate.counts().handshakes -= 1;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.established();
        let mut counts = self.gate.counts();
        counts.connections -= 1;
        counts.leave(self.source);
    }
}

impl Counts {
    /// One less is from there.
    fn leave(&mut self, source: IpAddr) {
        if let Some(count) = self.by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
    }
}

/// What counts as one source: an IPv4 address, also when written as IPv6, or an IPv6 /64.
#[must_use]
pub fn source(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(limits: Limits) -> Arc<Gate> {
        Gate::new(limits)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_counted_per_source_and_given_back() {
        let gate = gate(Limits { per_ip: 1, ..Limits::default() });
        let first = gate.enter(ip("192.0.2.1"));
        assert!(first.is_some());
        assert!(gate.enter(ip("::ffff:192.0.2.1")).is_none());
        assert!(gate.enter(ip("192.0.2.2")).is_some());
        assert_eq!(gate.refused(), 1);
        drop(first);
        assert!(gate.enter(ip("192.0.2.1")).is_some());
        assert!(gate.counts().by_source.is_empty());
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        let gate = gate(Limits { per_ip: 1, ..Limits::default() });
        let _first = gate.enter(ip("2001:db8::1"));
        assert!(gate.enter(ip("2001:db8::2:1")).is_none());
        assert!(gate.enter(ip("2001:db8:0:1::1")).is_some());
    }

    /// Who begins at a forged address takes no place of its owner's, and has none more than it would have had.
    #[test]
    fn who_turns_out_to_be_elsewhere_counts_there() {
        let gate = gate(Limits { per_ip: 1, ..Limits::default() });
        let [mut first, mut second] = ["192.0.2.1", "192.0.2.2"].map(|from| gate.enter(ip(from)).unwrap());
        assert!(first.is_of(ip("::ffff:192.0.2.1")));
        assert!(first.is_of(ip("192.0.2.9")));
        assert!(gate.enter(ip("192.0.2.1")).is_some() && gate.enter(ip("192.0.2.9")).is_none());
        let refused = gate.refused();
        assert!(!second.is_of(ip("192.0.2.9")));
        assert_eq!(gate.refused(), refused + 1);
        assert!(gate.enter(ip("192.0.2.2")).is_none(), "it counts as before");
        drop(first);
        assert!(second.is_of(ip("192.0.2.9")) && gate.enter(ip("192.0.2.9")).is_none());
        drop(second);
        assert_eq!(gate.counts().connections, 0);
        assert!(gate.counts().by_source.is_empty());
    }

    #[test]
    fn handshakes_and_connections_have_limits_of_their_own() {
        let gate = gate(Limits { handshakes: 1, connections: 2, retry_above: 1, ..Limits::default() });
        assert!(!gate.wants_proof());
        let mut first = gate.enter(ip("192.0.2.1")).unwrap();
        assert!(gate.wants_proof());
        assert!(gate.enter(ip("192.0.2.2")).is_none());
        first.established();
        assert!(!gate.wants_proof());
        let mut second = gate.enter(ip("192.0.2.2")).unwrap();
        second.established();
        assert!(gate.enter(ip("192.0.2.3")).is_none());
    }
}
