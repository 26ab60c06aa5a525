//! A hole punched to whoever came through a relay: DCUtR in the role of who was dialed, which begins.

mod direct;
mod round;
#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use futures::channel::{mpsc::Sender, oneshot};
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;

use super::accept::Arrived;
use crate::{
    engine::Record,
    model::{Cause, Found, StageName, Transport},
    nat::punch::{self, ROUNDS},
    native,
    probe::Ports,
    session::{Clock, Opener},
};
use direct::Role;
use round::Agreed;

/// Peers punched to at once: each makes us send to addresses that it names.
const AT_ONCE: usize = 8;

/// The ports of a node that dial too, and where relays see them.
pub(super) struct Puncher {
    pub(super) ports: Ports,
    identity: Keypair,
    observed: RefCell<BTreeMap<Transport, Multiaddr>>,
    awaited: RefCell<HashMap<PeerId, oneshot::Sender<Multiaddr>>>,
    door: Sender<Arrived>,
}

impl Puncher {
    pub(super) fn new(ports: Ports, identity: Keypair, door: Sender<Arrived>) -> Self {
        Self { ports, identity, observed: RefCell::default(), awaited: RefCell::default(), door }
    }

    /// A relay sees one of the ports here.
    pub(super) fn seen_at(&self, observed: &Multiaddr) {
        if let Some(hole) = punch::hole(observed) {
            self.observed.borrow_mut().insert(hole.transport, observed.clone());
        }
    }

    /// Somebody came without a relay.
    pub(super) fn came(&self, peer: PeerId, from: &Multiaddr) {
        if let Some(awaited) = self.awaited.borrow_mut().remove(&peer) {
            // Whoever waited may have given up.
            let _ = awaited.send(from.clone());
        }
    }

    /// Begins rounds until one works. What goes wrong is told, and changes nothing for the connection through the relay.
    pub(super) async fn punch(&self, record: &Record, opener: &Opener, clock: &Clock, peer: PeerId) {
        let ours: Vec<Multiaddr> = self.observed.borrow().values().cloned().collect();
        if ours.is_empty() || self.awaited.borrow().len() >= AT_ONCE {
            return;
        }
        for number in 1..=ROUNDS {
            record.enter(StageName::DcutrConnect);
            let agreed = if number == 1 {
                round::first(record, opener, clock, &ours).await
            } else {
                round::round(record, opener, clock, &ours).await
            };
            // The stream is kept for the round: one that is dropped is reset, and go-libp2p then forgets what it has not read.
            let Agreed { holes, rtt, stream: _stream } = match agreed {
                Ok(agreed) => agreed,
                Err(fault) => return record.failed_but_continue(opener.explain(fault)),
            };
            // The moment reaches the other side after half of it.
            native::sleep(rtt / 2).await;
            record.enter(StageName::Direct);
            let role = if number == ROUNDS { Role::Client } else { Role::Server };
            match self.direct(&holes, peer, role).await {
                Some(from) => return record.found(Found { remote: Some(from.to_string()), ..Found::default() }),
                None => record.failed_but_continue(Cause::TimedOut.into()),
            }
            if opener.ended() {
                return;
            }
        }
    }
}
