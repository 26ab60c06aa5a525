//! What probes use of the machine that they run on.

use std::{net::IpAddr, sync::OnceLock};

use libp2p_identity::Keypair;

use crate::session::Clock;

/// The runtime's clock, the address and the identity to dial with, the names of the interfaces.
#[derive(Debug)]
pub(crate) struct Machine {
    clock: Clock,
    bind: Option<IpAddr>,
    identity: OnceLock<Keypair>,
    zone_index: fn(&str) -> Option<u32>,
}

impl Machine {
    /// Dials from `bind`, where it is set, and as `identity`, else as a fresh one. `zone_index` finds the interface of a
    /// link-local zone.
    pub(crate) fn new(
        clock: Clock,
        bind: Option<IpAddr>,
        identity: Option<Keypair>,
        zone_index: fn(&str) -> Option<u32>,
    ) -> Self {
        Self { clock, bind, identity: identity.map_or_else(OnceLock::new, OnceLock::from), zone_index }
    }

    /// The runtime's clock.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The address to dial from.
    pub(super) fn bind(&self) -> Option<IpAddr> {
        self.bind
    }

    /// The identity to dial with. A key is made when it is first needed.
    pub(super) fn identity(&self) -> &Keypair {
        self.identity.get_or_init(Keypair::generate_ed25519)
    }

    /// The index of a link-local zone.
    pub(super) fn zone_index(&self, zone: &str) -> Option<u32> {
        (self.zone_index)(zone)
    }
}
