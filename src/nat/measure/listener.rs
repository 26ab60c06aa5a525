//! Who arrives at a socket under test: served as any node serves a dialer, so that a dial-back can run its course.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    pin::pin,
    rc::Rc,
    time::Duration,
};

use futures::future::select;
use libp2p_core::muxing::StreamMuxerBox;
use libp2p_identity::{Keypair, PeerId};
use tokio::{net::TcpStream, sync::Notify};

use super::nat64::Way;
use crate::{
    fault::Fault,
    nat::autonat::Nonces,
    native::{self, Native},
    session::{Multiplexed, Session, Us, multiplex_inbound, secure_inbound},
    transport::{
        paced::paced,
        quic::{Arrival, source},
    },
};

/// How long a dialer is served: a dial-back identifies us and is done.
const SERVED: Duration = Duration::from_secs(5);
/// Arrivals that are remembered, and those that are served at once. The tests make a handful; whoever else comes is a stranger.
pub(super) const MOST: usize = 64;
/// Those of one host (an IPv4 address or an IPv6 /64) that are served at once: strangers leave room for vantage points, and
/// these come a few times each.
pub(super) const MOST_OF_ONE: usize = 16;

/// Somebody who arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guest {
    pub(super) remote: SocketAddr,
    /// Who it proved to be, if it came so far.
    pub(super) peer: Option<String>,
    /// Whether its host had been sent to when it arrived.
    pub(super) contacted: bool,
}

/// The book of those who arrived.
#[derive(Debug, Default)]
pub(super) struct Guests {
    seen: RefCell<Seen>,
    /// Where the socket has sent to.
    sent_to: RefCell<BTreeSet<SocketAddr>>,
    /// How many of each host are being served.
    served: RefCell<HashMap<IpAddr, usize>>,
    changed: Notify,
    /// The numbers of AutoNAT that are expected here.
    pub(super) nonces: Rc<Nonces>,
    /// How they come.
    way: Way,
}

/// Who was noted, with how many had been before.
#[derive(Debug, Default)]
struct Seen {
    count: usize,
    guests: VecDeque<(usize, Guest)>,
}

impl Seen {
    /// What is one too many goes, the oldest of the host that has the most: the noise of one displaces nobody else.
    fn push(&mut self, guest: Guest) {
        self.guests.push_back((self.count, guest));
        self.count += 1;
        if self.guests.len() <= MOST {
            return;
        }
        let mut hosts: HashMap<IpAddr, usize> = HashMap::new();
        for (_, guest) in &self.guests {
            *hosts.entry(source(guest.remote.ip())).or_default() += 1;
        }
        let most = hosts.values().copied().max();
        let noisy = |(_, guest): &(usize, Guest)| hosts.get(&source(guest.remote.ip())).copied() == most;
        if let Some(place) = self.guests.iter().position(noisy) {
            self.guests.remove(place);
        }
    }
}

/// A place among those served at once, given back when dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    guests: &'a Guests,
    source: IpAddr,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut served = self.guests.served.borrow_mut();
        if let Some(count) = served.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                served.remove(&self.source);
            }
        }
        self.guests.changed.notify_waiters();
    }
}

impl Guests {
    pub(super) fn new(way: Way) -> Self {
        Self { way, ..Self::default() }
    }

    /// Notes who has arrived, and who it proves to be later on.
    fn note(&self, remote: SocketAddr, contacted: bool, peer: Option<&PeerId>) {
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        self.seen.borrow_mut().push(Guest { remote, peer: peer.map(|peer| peer.to_base58()), contacted });
        self.changed.notify_waiters();
    }

    /// The socket is about to send there.
    pub(super) fn sends_to(&self, to: SocketAddr) {
        self.sent_to.borrow_mut().insert(to);
    }

    /// Whether a host was sent to.
    pub(super) fn has_contacted(&self, ip: IpAddr) -> bool {
        self.sent_to.borrow().iter().any(|to| to.ip() == ip)
    }

    /// Whether it is the very port that was sent to: what comes from there is an answer.
    pub(super) fn is_contacted(&self, from: SocketAddr) -> bool {
        self.sent_to.borrow().contains(&from)
    }

    /// A place for one more to be served; none where there are too many, of one host or in all.
    pub(super) fn place(&self, from: IpAddr) -> Option<Place<'_>> {
        let source = source(from);
        let mut served = self.served.borrow_mut();
        let there = served.get(&source).copied().unwrap_or(0);
        let room = there < MOST_OF_ONE && served.values().sum::<usize>() < MOST;
        room.then(|| {
            served.insert(source, there + 1);
            Place { guests: self, source }
        })
    }

    /// How many were noted so far.
    pub(super) fn count(&self) -> usize {
        self.seen.borrow().count
    }

    /// The first who fits of those noted after so many.
    pub(super) fn find_after(&self, count: usize, fits: impl Fn(&Guest) -> bool) -> Option<Guest> {
        let seen = self.seen.borrow();
        seen.guests.iter().find(|(number, guest)| *number >= count && fits(guest)).map(|(_, guest)| guest.clone())
    }

    /// The first who fits.
    pub(super) fn find(&self, fits: impl Fn(&Guest) -> bool) -> Option<Guest> {
        self.find_after(0, fits)
    }

    /// Waits for one who fits.
    pub(super) async fn until(&self, fits: impl Fn(&Guest) -> bool) -> Guest {
        self.until_after(0, fits).await
    }

    /// Waits for one who fits of those noted after so many.
    pub(super) async fn until_after(&self, count: usize, fits: impl Fn(&Guest) -> bool) -> Guest {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(guest) = self.find_after(count, &fits) {
                return guest;
            }
            changed.await;
        }
    }

    /// Waits until nobody of a host is served any more.
    pub(super) async fn until_gone(&self, ip: IpAddr) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if !self.served.borrow().contains_key(&source(ip)) {
                return;
            }
            changed.await;
        }
    }

    /// Serves one who came over TCP.
    pub(super) async fn tcp(
        &self,
        native: &Native,
        keypair: &Keypair,
        (stream, remote): (TcpStream, SocketAddr),
        _place: Place<'_>,
    ) {
        let remote = self.way.from(remote);
        let contacted = self.has_contacted(remote.ip().to_canonical());
        self.note(remote, contacted, None);
        // Flights of a handshake are small and wait for each other; without it the dial-back is only slower.
        let _ = stream.set_nodelay(true);
        let served = async {
            let secured = secure_inbound(paced(stream), keypair).await.ok()?;
            self.note(remote, contacted, Some(&secured.peer));
            let connection = multiplex_inbound(secured.stream).await.ok()?;
            Some(self.serve(native, keypair, connection, remote).await)
        };
        select(pin!(served), pin!(native::sleep(SERVED))).await;
    }

    /// Serves one who came over QUIC.
    pub(super) async fn quic(&self, native: &Native, keypair: &Keypair, arrival: Arrival, _place: Place<'_>) {
        let remote = self.way.from(arrival.remote);
        let contacted = self.has_contacted(remote.ip().to_canonical());
        let served = async {
            let accepted = arrival.handshake().await.ok()?;
            self.note(remote, contacted, Some(&accepted.peer));
            let connection = Multiplexed::from(StreamMuxerBox::new(accepted.connection));
            Some(self.serve(native, keypair, connection, remote).await)
        };
        select(pin!(served), pin!(native::sleep(SERVED))).await;
    }

    async fn serve(&self, native: &Native, keypair: &Keypair, connection: Multiplexed, remote: SocketAddr) -> Fault {
        let us = Us { key: keypair.public(), listen: Vec::new(), observed: None };
        let session = Session::new(connection, native.clock(), us, |_| ());
        session.offering(vec![self.nonces.service(remote)]).serve().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(last: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([11, 22, 33, last], port))
    }

    /// Whoever makes noise from one address makes nobody be forgotten.
    #[test]
    fn noise_of_one_displaces_nobody_else() {
        let guests = Guests::default();
        guests.note(guest(1, 1), false, None);
        for port in 0..1000 {
            guests.note(guest(9, port), false, None);
        }
        let before = guests.count();
        assert_eq!(before, 1001);
        guests.note(guest(2, 2), false, None);
        for port in 0..1000 {
            guests.note(guest(9, port), false, None);
        }
        let come = |count, last| guests.find_after(count, |guest| guest.remote.ip() == IpAddr::from([11, 22, 33, last]));
        assert_eq!(come(0, 1).map(|guest| guest.remote), Some(guest(1, 1)));
        assert_eq!(come(before, 2).map(|guest| guest.remote), Some(guest(2, 2)));
        // Who came before is not who came after.
        assert_eq!(come(before, 1), None);
        assert_eq!(guests.seen.borrow().guests.len(), MOST);
    }

    #[test]
    fn places_are_for_all_and_for_each_host() {
        let guests = Guests::default();
        let mut held: Vec<Place<'_>> = std::iter::from_fn(|| guests.place([11, 22, 33, 1].into())).take(1000).collect();
        assert_eq!(held.len(), MOST_OF_ONE);
        let others = (2..200).flat_map(|last| std::iter::repeat_n(IpAddr::from([11, 22, 33, last]), 5));
        held.extend(others.filter_map(|ip| guests.place(ip)));
        assert_eq!(held.len(), MOST);
        held.pop();
        assert!(guests.place([11, 22, 33, 1].into()).is_none());
        assert!(guests.place([11, 22, 33, 250].into()).is_some());
        held.clear();
        assert!(guests.served.borrow().is_empty());
    }
}
