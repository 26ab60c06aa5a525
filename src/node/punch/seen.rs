//! Where relays see the ports of a node. Each relay is believed for itself alone: one that lies adds an address, and takes away
//! none that others see.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::BTreeMap,
    net::IpAddr,
    rc::{Rc, Weak},
};

use futures::channel::oneshot;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::Puncher;
use crate::{
    model::Transport,
    nat::punch::{Hole, MAX_ADDRESSES},
    probe::further::{Place, TRANSPORTS},
};

/// The transport and the family of a port.
type Kind = (Transport, bool);

/// What relays see now. No more than a few for each relay that the node was told to use.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<(Kind, PeerId), (Hole, Multiaddr)>);

/// What a relay sees, until this is dropped: with the connection, what it saw may be over.
#[derive(Debug)]
pub(in crate::node) struct Sight {
    seen: Weak<RefCell<Seen>>,
    kind: Kind,
    relay: PeerId,
}

/// Notes what a relay sees.
pub(super) fn note(seen: &Rc<RefCell<Seen>>, relay: PeerId, hole: Hole, address: Multiaddr) -> Sight {
    let kind = (hole.transport, hole.at.ip().to_canonical().is_ipv4());
    seen.borrow_mut().0.insert((kind, relay), (hole, address));
    Sight { seen: Rc::downgrade(seen), kind, relay }
}

impl Seen {
    /// What a peer is told: of each transport and family what most relays see comes first, then what fewer see.
    pub(super) fn told(&self) -> Vec<Multiaddr> {
        let mut kinds: BTreeMap<Kind, Vec<(Hole, &Multiaddr, usize)>> = BTreeMap::new();
        for ((kind, _), (hole, address)) in &self.0 {
            let alike = kinds.entry(*kind).or_default();
            match alike.iter_mut().find(|(known, ..)| known == hole) {
                Some((.., relays)) => *relays += 1,
                None => alike.push((*hole, address, 1)),
            }
        }
        for alike in kinds.values_mut() {
            alike.sort_by_key(|(.., relays)| Reverse(*relays));
        }
        let longest = kinds.values().map(Vec::len).max().unwrap_or_default();
        let in_turn = (0..longest).flat_map(|place| kinds.values().filter_map(move |alike| alike.get(place)));
        in_turn.take(MAX_ADDRESSES).map(|(_, address, _)| (*address).clone()).collect()
    }
}

/// What one relay sees, by transport, for as long as this is kept.
pub(in crate::node) struct Sights<'a> {
    puncher: &'a Puncher,
    relay: PeerId,
    at: IpAddr,
    told: RefCell<BTreeMap<Transport, Option<Sight>>>,
    all: Cell<Option<oneshot::Sender<()>>>,
    waits: Cell<Option<oneshot::Receiver<()>>>,
}

impl<'a> Sights<'a> {
    pub(in crate::node) fn new(puncher: &'a Puncher, relay: PeerId, at: IpAddr) -> Self {
        let (all, waits) = oneshot::channel();
        let (all, waits) = (Cell::new(Some(all)), Cell::new(Some(waits)));
        Self { puncher, relay, at, told: RefCell::default(), all, waits }
    }

    /// What was seen over a transport, or that it is not known, or no longer.
    pub(in crate::node) fn note(&self, transport: Transport, place: Place) {
        let mut told = self.told.borrow_mut();
        // What was seen before is forgotten first.
        told.insert(transport, None);
        let sight = place.ok().and_then(|observed| self.puncher.seen_at(self.relay, self.at, &observed));
        told.insert(transport, sight);
        if TRANSPORTS.iter().all(|transport| told.contains_key(transport))
            && let Some(all) = self.all.take()
        {
            // Nobody may wait.
            let _ = all.send(());
        }
    }

    /// Waits until the relay has told of every transport, or that it cannot.
    pub(in crate::node) async fn all(&self) {
        if let Some(waits) = self.waits.take() {
            let _ = waits.await;
        }
    }
}

impl Drop for Sight {
    fn drop(&mut self) {
        if let Some(seen) = self.seen.upgrade() {
            seen.borrow_mut().0.remove(&(self.kind, self.relay));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nat::punch;

    fn sight(seen: &Rc<RefCell<Seen>>, relay: PeerId, address: &str) -> Sight {
        let address: Multiaddr = address.parse().unwrap();
        note(seen, relay, punch::hole(&address).unwrap(), address)
    }

    fn told(seen: &Rc<RefCell<Seen>>) -> Vec<String> {
        seen.borrow().told().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn relays_of_both_families_and_transports_are_heard() {
        let seen = Rc::default();
        let addresses = [
            "/ip4/11.22.33.44/tcp/4001",
            "/ip6/2a11:22::44/tcp/4001",
            "/ip4/11.22.33.44/udp/4001/quic-v1",
            "/ip6/2a11:22::44/udp/4001/quic-v1",
        ];
        let relay = PeerId::random();
        let mut sights: Vec<Sight> = addresses.iter().map(|address| sight(&seen, relay, address)).collect();
        let mut heard = told(&seen);
        heard.sort_unstable();
        let mut all = addresses.map(ToOwned::to_owned);
        all.sort_unstable();
        assert_eq!(heard, all);
        // With the connection to the relay goes what it saw.
        sights.truncate(1);
        assert_eq!(told(&seen), addresses[..1]);
    }

    #[test]
    fn one_relay_takes_away_nothing_that_others_see() {
        let (seen, liar) = (Rc::default(), PeerId::random());
        let honest: Vec<Sight> = (0..2).map(|_| sight(&seen, PeerId::random(), "/ip4/11.22.33.44/tcp/4001")).collect();
        let lies = sight(&seen, liar, "/ip4/11.22.36.1/tcp/443");
        let both = ["/ip4/11.22.33.44/tcp/4001", "/ip4/11.22.36.1/tcp/443"];
        assert_eq!(told(&seen), both);
        // It has but one word, the last one.
        drop(lies);
        let _lies = sight(&seen, liar, "/ip4/11.22.36.2/tcp/443");
        assert_eq!(told(&seen), [both[0], "/ip4/11.22.36.2/tcp/443"]);
        drop(honest);
        assert_eq!(told(&seen), ["/ip4/11.22.36.2/tcp/443"]);
    }

    #[test]
    fn so_many_are_told_and_each_kind_of_port() {
        let seen = Rc::default();
        let many = (1..=20).map(|port| sight(&seen, PeerId::random(), &format!("/ip4/11.22.33.44/tcp/{port}")));
        let _many: Vec<Sight> = many.collect();
        let _other = sight(&seen, PeerId::random(), "/ip6/2a11:22::44/udp/4001/quic-v1");
        let heard = told(&seen);
        assert_eq!(heard.len(), MAX_ADDRESSES);
        assert!(heard[..2].iter().any(|address| address.contains("/ip6/")), "{heard:?}");
    }
}
