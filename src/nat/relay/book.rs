//! Who has a slot, and what each peer and each IP address may still ask for. Pure: time is given.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use libp2p_identity::PeerId;

use super::wire::status;
use crate::model::Micros;

/// What a relay takes on. A relay is an open service: each of these bounds what strangers may use of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayLimits {
    /// Peers with a slot.
    pub reservations: usize,
    /// Peers with a slot from one IPv4 address or one IPv6 /64.
    pub reservations_per_ip: usize,
    /// How long a slot lasts unless it is renewed.
    pub reservation_time: Duration,
    /// Connections through the relay.
    pub circuits: usize,
    /// Connections through the relay of one peer, on whichever end.
    pub circuits_per_peer: usize,
    /// Connections through the relay that were asked for from one IPv4 address or one IPv6 /64.
    pub circuits_per_ip: usize,
    /// How long a connection may last.
    pub circuit_time: Duration,
    /// How many bytes a connection may carry each way.
    pub circuit_bytes: u64,
    /// Requests of one peer, and of one IP address, for slots and connections together, in each [`RelayLimits::rate_time`].
    pub requests_per_peer: u32,
    /// The same for one IP address.
    pub requests_per_ip: u32,
    /// The time that the two count in.
    pub rate_time: Duration,
    /// How long a request, or the target's answer to one, may take.
    pub patience: Duration,
}

impl Default for RelayLimits {
    /// What the relays of go-libp2p and rust-libp2p allow by default, where they agree on it. They know no limit of connections
    /// for an IP address: here one dialer with many peer IDs has no more than one with one.
    fn default() -> Self {
        Self {
            reservations: 128,
            reservations_per_ip: 8,
            reservation_time: Duration::from_secs(60 * 60),
            circuits: 64,
            circuits_per_peer: 16,
            circuits_per_ip: 16,
            circuit_time: Duration::from_secs(120),
            circuit_bytes: 128 * 1024,
            requests_per_peer: 30,
            requests_per_ip: 120,
            rate_time: Duration::from_secs(120),
            patience: Duration::from_secs(10),
        }
    }
}

/// Those whose requests are counted. With more of them at once nobody new is served until the time is over.
const MAX_COUNTED: usize = 4096;
/// Requests of an IPv6 /48 are those of so many of its /64: it is the most that one customer gets (RFC 6177), who would else be
/// 65,536 sources.
const NETWORKS_OF_A_SITE: u32 = 8;

/// The slots and circuits of a relay, by the connection that each belongs to.
#[derive(Debug)]
pub(super) struct Book<H> {
    limits: RelayLimits,
    slots: HashMap<PeerId, Held<H>>,
    circuits: HashMap<PeerId, usize>,
    /// By who asked for them.
    asked: HashMap<IpAddr, usize>,
    open: usize,
    rates: Rates,
}

#[derive(Debug)]
struct Held<H> {
    source: IpAddr,
    until: Micros,
    connection: u64,
    handle: H,
}

impl<H: Clone> Book<H> {
    pub(super) fn new(limits: RelayLimits) -> Self {
        Self { limits, slots: HashMap::new(), circuits: HashMap::new(), asked: HashMap::new(), open: 0, rates: Rates::default() }
    }

    /// Counts a request. False where there were too many.
    pub(super) fn request(&mut self, peer: PeerId, ip: IpAddr, now: Micros) -> bool {
        self.rates.take(peer, source(ip), now, &self.limits)
    }

    /// Gives a peer a slot, or renews its own. A newer connection of a peer takes over. The error is the status to refuse it with.
    pub(super) fn reserve(&mut self, peer: PeerId, ip: IpAddr, connection: u64, handle: H, now: Micros) -> Result<(), u32> {
        self.slots.retain(|_, held| held.until > now);
        let source = source(ip);
        let others = self.slots.iter().filter(|(holder, _)| **holder != peer);
        let from_there = others.filter(|(_, held)| held.source == source).count();
        let full = !self.slots.contains_key(&peer) && self.slots.len() >= self.limits.reservations;
        if full || from_there >= self.limits.reservations_per_ip {
            return Err(status::RESERVATION_REFUSED);
        }
        let until = now + self.limits.reservation_time.into();
        self.slots.insert(peer, Held { source, until, connection, handle });
        Ok(())
    }

    /// A connection has ended, and with it the slot that was given on it.
    pub(super) fn gone(&mut self, peer: PeerId, connection: u64) {
        if self.slots.get(&peer).is_some_and(|held| held.connection == connection) {
            self.slots.remove(&peer);
        }
    }

    /// The way to the peer that `from` asks for at `ip`, and a place for the circuit, to be given back by [`Book::ended`].
    pub(super) fn connect(&mut self, from: PeerId, ip: IpAddr, to: PeerId, now: Micros) -> Result<H, u32> {
        let held = self.slots.get(&to).filter(|held| held.until > now);
        let handle = held.ok_or(status::NO_RESERVATION)?.handle.clone();
        let of = |peer| self.circuits.get(&peer).copied().unwrap_or(0);
        let from_there = self.asked.get(&source(ip)).copied().unwrap_or(0);
        if self.open >= self.limits.circuits
            || from_there >= self.limits.circuits_per_ip
            || [from, to].into_iter().any(|peer| of(peer) >= self.limits.circuits_per_peer)
        {
            return Err(status::RESOURCE_LIMIT_EXCEEDED);
        }
        self.open += 1;
        self.asked.insert(source(ip), from_there + 1);
        for peer in [from, to] {
            *self.circuits.entry(peer).or_default() += 1;
        }
        Ok(handle)
    }

    /// A circuit has ended, or did not come about.
    pub(super) fn ended(&mut self, from: PeerId, ip: IpAddr, to: PeerId) {
        self.open = self.open.saturating_sub(1);
        one_less(&mut self.asked, &source(ip));
        for peer in [from, to] {
            one_less(&mut self.circuits, &peer);
        }
    }

    /// Whether a connection has a slot, or its peer a circuit.
    pub(super) fn in_use(&self, peer: PeerId, connection: u64, now: Micros) -> bool {
        let slot = self.slots.get(&peer).is_some_and(|held| held.connection == connection && held.until > now);
        slot || self.circuits.contains_key(&peer)
    }

    /// How many peers have a slot, and how many circuits there are.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.slots.len(), self.open)
    }
}

/// No entry is zero, so that there are never more than circuits.
fn one_less<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// Requests since the present span began.
#[derive(Debug, Default)]
struct Rates {
    began: Micros,
    peers: HashMap<PeerId, u32>,
    sources: HashMap<IpAddr, u32>,
    /// Of IPv6, by /48.
    sites: HashMap<u128, u32>,
}

impl Rates {
    fn take(&mut self, peer: PeerId, source: IpAddr, now: Micros, limits: &RelayLimits) -> bool {
        if now.since(self.began) >= Micros::from(limits.rate_time) {
            *self = Self { began: now, ..Self::default() };
        }
        // By its source first: who comes as ever new peers is not noted as all of them, and leaves room for others.
        let of_site = limits.requests_per_ip.saturating_mul(NETWORKS_OF_A_SITE);
        let used_up = self.sources.get(&source).is_some_and(|requests| *requests >= limits.requests_per_ip);
        if used_up || site(source).and_then(|site| self.sites.get(&site)).is_some_and(|requests| *requests >= of_site) {
            return false;
        }
        let known = self.peers.contains_key(&peer) && self.sources.contains_key(&source);
        if !known && self.peers.len().max(self.sources.len()) >= MAX_COUNTED {
            return false;
        }
        let peers = self.peers.entry(peer).or_default();
        let sources = self.sources.entry(source).or_default();
        (*peers, *sources) = (peers.saturating_add(1), sources.saturating_add(1));
        if let Some(site) = site(source) {
            let sites = self.sites.entry(site).or_default();
            *sites = sites.saturating_add(1);
        }
        *peers <= limits.requests_per_peer
    }
}

/// What counts as one source: an IPv4 address, also when written as IPv6, or an IPv6 /64.
fn source(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// The /48 of an IPv6 address.
fn site(source: IpAddr) -> Option<u128> {
    match source {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => Some(v6.to_bits() >> 80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Result<(), u32> = Err(status::RESOURCE_LIMIT_EXCEEDED);
    const REFUSED: Result<(), u32> = Err(status::RESERVATION_REFUSED);

    fn limits() -> RelayLimits {
        RelayLimits {
            reservations: 3,
            reservations_per_ip: 2,
            circuits: 3,
            circuits_per_peer: 2,
            circuits_per_ip: 3,
            requests_per_peer: 2,
            requests_per_ip: 3,
            ..RelayLimits::default()
        }
    }

    fn book() -> Book<&'static str> {
        Book::new(limits())
    }

    fn ip(last: u8) -> IpAddr {
        [11, 22, 33, last].into()
    }

    fn seconds(seconds: u64) -> Micros {
        Duration::from_secs(seconds).into()
    }

    #[test]
    fn slots_are_counted_in_all_and_by_source_and_renewed_by_their_holders() {
        let mut book = book();
        let peers: Vec<PeerId> = std::iter::repeat_with(PeerId::random).take(5).collect();
        let now = Micros(0);
        assert_eq!(book.reserve(peers[0], ip(1), 1, "a", now), Ok(()));
        assert_eq!(book.reserve(peers[1], ip(1), 2, "b", now), Ok(()));
        assert_eq!(book.reserve(peers[2], ip(1), 3, "c", now), REFUSED);
        assert_eq!(book.reserve(peers[2], ip(2), 3, "c", now), Ok(()));
        assert_eq!(book.reserve(peers[3], ip(3), 4, "d", now), REFUSED);
        // A holder renews, also when all is full.
        assert_eq!(book.reserve(peers[0], ip(1), 1, "a", now), Ok(()));
        // What is over makes room.
        let later = seconds(60 * 60);
        assert_eq!(book.connect(peers[3], ip(4), peers[1], later), Err(status::NO_RESERVATION));
        assert_eq!(book.reserve(peers[3], ip(3), 4, "d", later), Ok(()));
        assert_eq!(book.held(), (1, 0));
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        let mut book = book();
        let at = |last: u16| IpAddr::from([0x2606, 0x4700, 0, 1, 0, 0, 0, last]);
        for last in 1..=2 {
            assert_eq!(book.reserve(PeerId::random(), at(last), 1, "", Micros(0)), Ok(()));
        }
        assert_eq!(book.reserve(PeerId::random(), at(3), 1, "", Micros(0)), REFUSED);
    }

    #[test]
    fn a_slot_ends_with_the_connection_that_it_was_given_on() {
        let (mut book, [holder, dialer]) = (book(), [PeerId::random(), PeerId::random()]);
        book.reserve(holder, ip(1), 1, "old", Micros(0)).unwrap();
        book.reserve(holder, ip(1), 2, "new", Micros(0)).unwrap();
        book.gone(holder, 1);
        assert_eq!(book.connect(dialer, ip(9), holder, Micros(1)), Ok("new"));
        book.gone(holder, 2);
        assert_eq!(book.connect(dialer, ip(9), holder, Micros(1)), Err(status::NO_RESERVATION));
    }

    #[test]
    fn circuits_are_counted_in_all_and_by_peer_on_either_end() {
        let mut book = book();
        let [holder, other, one, two] = [(); 4].map(|()| PeerId::random());
        for (peer, last) in [(holder, 1), (other, 2)] {
            book.reserve(peer, ip(last), 1, "", Micros(0)).unwrap();
        }
        let connect = |book: &mut Book<_>, from, to| book.connect(from, ip(9), to, Micros(1)).map(drop);
        assert_eq!(connect(&mut book, one, holder), Ok(()));
        assert_eq!(connect(&mut book, two, holder), Ok(()));
        assert_eq!(connect(&mut book, two, holder), FULL);
        assert_eq!(connect(&mut book, one, other), Ok(()));
        assert_eq!(connect(&mut book, two, other), FULL);
        book.ended(one, ip(9), holder);
        assert_eq!(connect(&mut book, two, other), Ok(()));
        book.ended(two, ip(9), other);
        assert_eq!(connect(&mut book, one, other), Ok(()));
        assert_eq!(book.held(), (2, 3));
    }

    /// Ever new peer IDs of one dialer are one dialer.
    #[test]
    fn circuits_are_counted_by_who_asks() {
        let mut book = Book::new(RelayLimits { circuits_per_ip: 2, ..RelayLimits::default() });
        let holders = [(); 3].map(|()| PeerId::random());
        for (holder, last) in holders.into_iter().zip(1..) {
            book.reserve(holder, ip(last), 1, "", Micros(0)).unwrap();
        }
        let mut connect = |ip: IpAddr, to| book.connect(PeerId::random(), ip, to, Micros(1)).map(drop);
        assert_eq!(holders.map(|holder| connect(ip(9), holder)), [Ok(()), Ok(()), FULL]);
        let six = |last| IpAddr::from([0x2606, 0x4700, 0, 1, 0, 0, 0, last]);
        assert_eq!([1, 2, 3].map(|last| connect(six(last), holders[0])), [Ok(()), Ok(()), FULL]);
        book.ended(PeerId::random(), ip(9), holders[0]);
        assert_eq!(book.connect(PeerId::random(), ip(9), holders[0], Micros(1)), Ok(""));
        assert_eq!(book.asked.values().sum::<usize>(), 4);
    }

    #[test]
    fn requests_are_counted_by_peer_and_by_source_until_the_time_is_over() {
        let mut book = book();
        let [one, two, three] = [(); 3].map(|()| PeerId::random());
        assert_eq!([one, one, one].map(|peer| book.request(peer, ip(1), Micros(0))), [true, true, false]);
        assert_eq!([two, three].map(|peer| book.request(peer, ip(1), Micros(0))), [false, false]);
        assert!(book.request(two, ip(2), Micros(0)));
        assert!(book.request(one, ip(1), seconds(120)));
    }

    /// Who comes as ever new peers keeps nobody else out.
    #[test]
    fn one_source_does_not_fill_the_book() {
        let (mut rates, limits) = (Rates::default(), RelayLimits::default());
        let served = (0..2 * MAX_COUNTED).filter(|_| rates.take(PeerId::random(), ip(1), Micros(0), &limits)).count();
        assert_eq!(served, usize::try_from(limits.requests_per_ip).unwrap());
        assert_eq!(rates.peers.len(), served);
        assert!(rates.take(PeerId::random(), ip(2), Micros(0), &limits));
    }

    /// The same from all addresses of an IPv6 network, and from all networks of a customer.
    #[test]
    fn one_customer_of_ipv6_does_not_fill_the_book() {
        let (per_ip, most) = (RelayLimits::default().requests_per_ip, u16::try_from(2 * MAX_COUNTED).unwrap());
        let host = |network, last| IpAddr::from([0x2606, 0x4700, 0, network, 0, 0, 0, last]);
        let served = |ips: &mut dyn Iterator<Item = IpAddr>| {
            let mut book: Book<()> = Book::new(RelayLimits::default());
            let served = ips.filter(|ip| book.request(PeerId::random(), *ip, Micros(0))).count();
            assert!(book.request(PeerId::random(), ip(3), Micros(0)));
            u32::try_from(served).unwrap()
        };
        assert_eq!(served(&mut (0..most).map(|last| host(1, last))), per_ip);
        assert_eq!(served(&mut (0..most).map(|network| host(network, 1))), NETWORKS_OF_A_SITE * per_ip);
    }

    #[test]
    fn those_counted_are_bounded() {
        let mut rates = Rates::default();
        let limits = RelayLimits { requests_per_ip: u32::MAX, ..limits() };
        for _ in 0..MAX_COUNTED {
            assert!(rates.take(PeerId::random(), ip(1), Micros(0), &limits));
        }
        assert!(!rates.take(PeerId::random(), ip(1), Micros(0), &limits));
        assert_eq!(rates.peers.len(), MAX_COUNTED);
        assert!(rates.take(PeerId::random(), ip(1), seconds(120), &limits));
    }
}
