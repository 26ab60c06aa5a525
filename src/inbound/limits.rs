//! What a node takes on. Dialers are strangers: each of them costs a bounded amount of time, memory and lines.

use std::{sync::Arc, time::Duration};

use super::Times;
use crate::transport::limits::{self, Gate};

/// Limits of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a dialer may take.
    pub times: Times,
    /// Connections at once, handshakes included.
    pub connections: usize,
    /// Connections at once from one IPv4 address or one IPv6 /64.
    pub per_ip: usize,
    /// Dialers turned away of which an event is made, each second. The others are only counted.
    pub told_refusals: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { times: Times::default(), connections: 256, per_ip: 32, told_refusals: 5 }
    }
}

impl Limits {
    /// Counts the connections over all transports.
    #[must_use]
    pub fn gate(&self) -> Arc<Gate> {
        // A dialer over TCP has proved its address, so that handshakes need no limit of their own.
        Gate::new(limits::Limits { handshakes: self.connections, ..self.of_quic() })
    }

    /// What a QUIC listener may spend before the node itself sees a dialer.
    #[must_use]
    pub fn of_quic(&self) -> limits::Limits {
        limits::Limits {
            handshake: self.times.handshake,
            connections: self.connections,
            per_ip: self.per_ip,
            ..limits::Limits::default()
        }
    }
}

/// So many in each second.
#[derive(Debug)]
pub struct Allowance {
    each_second: u32,
    second: u64,
    taken: u32,
}

impl Allowance {
    /// None has been taken yet.
    #[must_use]
    pub fn new(each_second: u32) -> Self {
        Self { each_second, second: 0, taken: 0 }
    }

    /// Takes one, at a time of a clock that does not go back; false when the second has no more.
    pub fn take(&mut self, now: Duration) -> bool {
        if now.as_secs() != self.second {
            (self.second, self.taken) = (now.as_secs(), 0);
        }
        self.taken = self.taken.saturating_add(1);
        self.taken <= self.each_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_renewed_each_second() {
        let mut allowance = Allowance::new(2);
        let at = Duration::from_millis;
        let taken: Vec<bool> = [0, 1, 2, 999, 1000, 1001, 1999, 5000].map(|ms| allowance.take(at(ms))).into();
        assert_eq!(taken, [true, true, false, false, true, true, false, true]);
    }
}
