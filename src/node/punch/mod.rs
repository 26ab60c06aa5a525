//! A hole punched to whoever came through a relay: DCUtR in the role of who was dialed, which begins.

mod allowance;
mod announced;
mod direct;
mod round;
mod seen;
#[cfg(test)]
mod tests;

use std::{cell::RefCell, collections::HashMap, net::IpAddr, rc::Rc};

use futures::channel::{mpsc::Sender, oneshot};
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;

use super::accept::Arrived;
use crate::{
    engine::{Fault, Record},
    model::{Cause, Found, Micros, StageName, Transport, WhyCode},
    nat::punch::{self, Hole, ROUNDS},
    native::{self, network},
    probe::Ports,
    session::{Clock, Opener},
};
use allowance::Allowance;
use direct::Role;
use round::Agreed;
pub(super) use seen::Sights;
use seen::{Seen, Sight};

/// The ports of a node that dial too, and where relays see them.
pub(super) struct Puncher {
    pub(super) ports: Ports,
    identity: Keypair,
    allowance: Rc<RefCell<Allowance>>,
    seen: Rc<RefCell<Seen>>,
    awaited: RefCell<HashMap<PeerId, oneshot::Sender<Multiaddr>>>,
    door: Sender<Arrived>,
}

impl Puncher {
    pub(super) fn new(ports: Ports, identity: Keypair, door: Sender<Arrived>) -> Self {
        Self { ports, identity, allowance: Rc::default(), seen: Rc::default(), awaited: RefCell::default(), door }
    }

    /// A relay sees one of the ports here, for as long as what is returned is kept.
    pub(super) fn seen_at(&self, relay: PeerId, ip: IpAddr, observed: &Multiaddr) -> Option<Sight> {
        // Without a port to listen on the relay was dialed from any, at which nobody is met.
        let hole = punch::seen_by(ip, observed).filter(|hole| self.has_port_for(*hole))?;
        Some(seen::note(&self.seen, relay, hole, observed.clone()))
    }

    /// Somebody came without a relay.
    pub(super) fn came(&self, peer: PeerId, from: &Multiaddr) {
        if let Some(awaited) = self.awaited.borrow_mut().remove(&peer) {
            // Whoever waited may have given up.
            let _ = awaited.send(from.clone());
        }
    }

    /// Dials what the peer announces, then begins rounds until one works. What goes wrong is told, and changes nothing for the
    /// connection through the relay. To a peer that is held back nothing can be said: what it hears is nothing.
    pub(super) async fn punch(&self, record: &Record, opener: &Opener, clock: &Clock, peer: PeerId, announced: &[Multiaddr]) {
        let ours = self.seen.borrow().told();
        if ours.is_empty() && punch::announced(announced, &ours).is_empty() {
            return;
        }
        let _permit = match allowance::begin(&self.allowance, peer) {
            Ok(permit) => permit,
            Err(why) => {
                record.enter(StageName::DcutrConnect);
                return record.skip(why);
            }
        };
        if !self.upgraded(record, clock, peer, announced).await && !ours.is_empty() {
            self.rounds(record, opener, clock, peer, &ours).await;
        }
    }

    async fn rounds(&self, record: &Record, opener: &Opener, clock: &Clock, peer: PeerId, ours: &[Multiaddr]) {
        let mut known = Vec::new();
        for number in 1..=ROUNDS {
            record.enter(StageName::DcutrConnect);
            let agreed = if number == 1 {
                round::first(record, opener, clock, ours).await
            } else {
                round::round(record, opener, clock, ours).await
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
            let (holes, left_out) = self.allowed(punch::beside(&mut known, holes), clock.now());
            record.found(Found { addresses: u32::try_from(holes.len()).ok(), ..Found::default() });
            match self.direct(clock, &holes, peer, role).await {
                Some(from) => return record.found(Found { remote: Some(from.to_string()), ..Found::default() }),
                None if holes.is_empty() && left_out > 0 => return record.skip(WhyCode::OverLimit),
                None => record.failed_but_continue(silence(left_out)),
            }
            if opener.ended() {
                return;
            }
        }
    }

    /// Those that are sent to, and how many are not for which the allowance has no room. The peer itself may come all the same.
    /// Those on this very machine are nobody else's.
    fn allowed(&self, mut holes: Vec<Hole>, now: Micros) -> (Vec<Hole>, usize) {
        let own = network::on_links();
        holes.retain(|hole| self.has_port_for(*hole) && !own.contains(&hole.at.ip()));
        let named = holes.len();
        let mut allowance = self.allowance.borrow_mut();
        holes.retain(|hole| allowance.take(now, *hole));
        let left_out = named - holes.len();
        (holes, left_out)
    }

    fn has_port_for(&self, hole: Hole) -> bool {
        match hole.transport {
            Transport::Quic => self.ports.quic_towards(hole.at.ip()).is_some(),
            _ => self.ports.tcp_towards(hole.at.ip()).is_some(),
        }
    }
}

/// Nobody came, maybe since not all addresses were sent to.
fn silence(left_out: usize) -> Fault {
    let fault = Fault::from(Cause::TimedOut);
    match left_out {
        0 => fault,
        _ => fault.say(&format!("{left_out} of the addresses that the peer names are not sent to: over the limit")),
    }
}
