//! What probes use of the machine that they run on.

use std::{net::IpAddr, sync::OnceLock};

use libp2p_identity::Keypair;

use super::ports::Ports;
use crate::session::Clock;

/// The runtime's clock, the address and the identity to dial with, the names of the interfaces.
#[derive(Debug)]
pub struct Machine {
    clock: Clock,
    bind: Option<IpAddr>,
    identity: OnceLock<Keypair>,
    /// Whether the identity was chosen, and is not a fresh one.
    given: bool,
    zone_index: fn(&str) -> Option<u32>,
    ports: Ports,
}

impl Machine {
    /// Dials from `bind`, where it is set, and as `identity`, else as a fresh one. `zone_index` finds the interface of a
    /// link-local zone.
    #[must_use]
    pub fn new(clock: Clock, bind: Option<IpAddr>, identity: Option<Keypair>, zone_index: fn(&str) -> Option<u32>) -> Self {
        let given = identity.is_some();
        Self {
            clock,
            bind,
            identity: identity.map_or_else(OnceLock::new, OnceLock::from),
            given,
            zone_index,
            ports: Ports::default(),
        }
    }

    /// The same, dialing from these ports.
    #[cfg(feature = "native")]
    pub(crate) fn with_ports(&self, ports: Ports) -> Self {
        let given = self.given;
        Self { given, ports, ..Self::new(self.clock.clone(), self.bind, Some(self.identity().clone()), self.zone_index) }
    }

    /// The ports to dial from.
    #[cfg(feature = "native")]
    pub(crate) fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The runtime's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The identity to dial with. A key is made when it is first needed.
    #[must_use]
    pub fn identity(&self) -> &Keypair {
        self.identity.get_or_init(Keypair::generate_ed25519)
    }

    /// The same for one dial: without an identity that was given it has one of its own, so that a listener can tell the dials of
    /// one run apart, and nobody the runs of one user.
    #[must_use]
    pub fn for_one_dial(&self) -> Self {
        let identity = if self.given { self.identity.clone() } else { OnceLock::new() };
        Self {
            clock: self.clock.clone(),
            bind: self.bind,
            identity,
            given: self.given,
            zone_index: self.zone_index,
            ports: self.ports.clone(),
        }
    }

    /// The address to dial from.
    #[must_use]
    pub fn bind(&self) -> Option<IpAddr> {
        self.bind
    }

    /// The index of a link-local zone.
    #[must_use]
    pub fn zone_index(&self, zone: &str) -> Option<u32> {
        (self.zone_index)(zone)
    }
}
