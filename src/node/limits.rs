//! What a node takes on. Dialers are strangers: each of them costs a bounded amount of time, memory and lines.

use std::sync::Arc;

use crate::{
    inbound::Times,
    transport::quic::{self, Gate},
};

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
    pub(super) fn gate(&self) -> Arc<Gate> {
        // A dialer over TCP has proved its address, so that handshakes need no limit of their own.
        Gate::new(quic::Limits { handshakes: self.connections, ..self.of_quic() })
    }

    /// What a QUIC listener may spend before the node itself sees a dialer.
    pub(super) fn of_quic(&self) -> quic::Limits {
        quic::Limits {
            handshake: self.times.handshake,
            connections: self.connections,
            per_ip: self.per_ip,
            ..quic::Limits::default()
        }
    }
}
