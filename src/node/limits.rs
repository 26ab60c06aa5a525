//! What a node takes on. Dialers are strangers: each of them costs a bounded amount of time, memory and lines.

use std::{sync::Arc, time::Duration};

use crate::transport::quic::{self, Gate};

/// Limits of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first packet until the connection is secured and multiplexed.
    pub handshake: Duration,
    /// How long a dialer may take to tell who it is.
    pub identify: Duration,
    /// A connection on which nothing was asked for is closed after this time, and before twice of it.
    pub idle: Duration,
    /// Connections at once, handshakes included.
    pub connections: usize,
    /// Connections at once from one IPv4 address or one IPv6 /64.
    pub per_ip: usize,
    /// Dialers turned away of which an event is made, each second. The others are only counted.
    pub told_refusals: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            identify: Duration::from_secs(10),
            idle: Duration::from_secs(300),
            connections: 256,
            per_ip: 32,
            told_refusals: 5,
        }
    }
}

impl Limits {
    /// Counts the connections over all transports.
    pub(super) fn gate(&self) -> Arc<Gate> {
        // A dialer over TCP has proved its address, so that handshakes need no limit of their own.
        Gate::new(quic::Limits { handshakes: self.connections, ..self.of_quic() })
    }

    /// What a QUIC listener may spend before the node itself sees a dialer.
    pub(super) fn of_quic(&self) -> quic::Limits {
        quic::Limits { handshake: self.handshake, connections: self.connections, per_ip: self.per_ip, ..quic::Limits::default() }
    }
}
