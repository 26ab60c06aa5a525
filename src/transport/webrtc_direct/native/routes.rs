//! Whose a datagram is that comes to a listener's port.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use super::config::INBOX;
use super::place::Datagram;
use super::port::Arrived;
use super::recent::Recent;
use crate::transport::quic::source;

/// Connections that one address may be told of. Anybody can sign a check in the name of an address that is another's, who must not
/// lose its connection by it; and who dials anew from the same port is heard beside what is left of the dial before.
const CLAIMS: usize = 4;

/// A datagram longer than this is none of a connection's: the longest record of DTLS (RFC 6347, section 4.1).
const LONGEST: usize = super::config::DTLS_RECORD;

/// Connections that are made to go at once. Their places are free when whoever holds them has heard of it.
const GOING: usize = 4;

/// Connections by the server's ufrag, and by the addresses that their dialers have sent from, in the order of their coming.
#[derive(Default)]
pub(super) struct Routes {
    by_ufrag: HashMap<String, Route>,
    by_address: HashMap<SocketAddr, Vec<String>>,
    pub(super) entered: u64,
    going: usize,
}

struct Route {
    inbox: mpsc::Sender<Box<Datagram>>,
    addresses: Recent<()>,
    /// Its number among all that ever were.
    number: u64,
    /// Where its first check said that it came from.
    source: IpAddr,
    proved: Arc<AtomicBool>,
}

/// A connection's end of its route.
pub(super) struct Entry {
    pub(super) inbox: mpsc::Receiver<Box<Datagram>>,
    pub(super) ufrag: String,
    number: u64,
    /// Whether the dialer is known to be where it says.
    pub(super) proved: Arc<AtomicBool>,
}

impl Routes {
    pub(super) fn knows(&self, ufrag: &str) -> bool {
        self.by_ufrag.contains_key(ufrag)
    }

    /// Whether this connection has sent from there.
    pub(super) fn is_at(&self, ufrag: &str, from: SocketAddr) -> bool {
        self.by_address.get(&from).is_some_and(|claims| claims.iter().any(|claim| claim == ufrag))
    }

    /// A new connection.
    pub(super) fn enter(&mut self, ufrag: &str, from: SocketAddr) -> Entry {
        let (sender, inbox) = mpsc::channel(INBOX);
        self.entered += 1;
        let (number, proved) = (self.entered, Arc::<AtomicBool>::default());
        let route =
            Route { inbox: sender, addresses: Recent::default(), number, source: source(from.ip()), proved: Arc::clone(&proved) };
        self.by_ufrag.insert(ufrag.to_owned(), route);
        self.heard(ufrag, from);
        Entry { inbox, ufrag: ufrag.to_owned(), number, proved }
    }

    /// Makes the oldest connection go whose dialer has not proved where it is, of this source or of any: senders of forged checks
    /// would keep all others out.
    pub(super) fn displace(&mut self, of: Option<IpAddr>) {
        let of = of.map(source);
        let unproved = |route: &Route| !route.proved.load(Ordering::Relaxed) && of.is_none_or(|of| of == route.source);
        let oldest = self.by_ufrag.iter().filter(|(_, route)| unproved(route)).min_by_key(|(_, route)| route.number);
        if self.going < GOING
            && let Some(ufrag) = oldest.map(|(ufrag, _)| ufrag.clone())
        {
            self.going += 1;
            self.remove(&ufrag);
        }
    }

    /// A connection has signed a check from there.
    pub(super) fn heard(&mut self, ufrag: &str, from: SocketAddr) {
        let Some(route) = self.by_ufrag.get_mut(ufrag) else { return };
        if let (_, Some(gone)) = route.addresses.hear(from, || ()) {
            self.withdraw(ufrag, gone);
        }
        let claims = self.by_address.entry(from).or_default();
        if claims.iter().any(|claim| claim == ufrag) {
            return;
        }
        // Not of the first, who may be the one that is really there.
        let displaced = if claims.len() >= CLAIMS { claims.pop() } else { None };
        claims.push(ufrag.to_owned());
        if let Some(route) = displaced.and_then(|ufrag| self.by_ufrag.get_mut(&ufrag)) {
            route.addresses.forget(from);
        }
    }

    fn withdraw(&mut self, ufrag: &str, from: SocketAddr) {
        if let Some(claims) = self.by_address.get_mut(&from) {
            claims.retain(|claim| claim != ufrag);
            if claims.is_empty() {
                self.by_address.remove(&from);
            }
        }
    }

    /// A connection is over.
    pub(super) fn leave(&mut self, entry: &Entry) {
        if self.by_ufrag.get(&entry.ufrag).is_some_and(|route| route.number == entry.number) {
            self.remove(&entry.ufrag);
        } else {
            self.going = self.going.saturating_sub(1);
        }
    }

    fn remove(&mut self, ufrag: &str) {
        if let Some(route) = self.by_ufrag.remove(ufrag) {
            for address in route.addresses.addresses() {
                self.withdraw(ufrag, address);
            }
        }
    }

    /// A signed check is of the connection that it names.
    pub(super) fn deliver_to(&self, ufrag: &str, arrived: Arrived<'_>) {
        if let Some(route) = self.by_ufrag.get(ufrag) {
            route.take(arrived);
        }
    }

    /// All else is of whoever is there: keys and numbers tell each connection what is its own.
    pub(super) fn deliver(&self, arrived: Arrived<'_>) {
        for route in self.by_address.get(&arrived.from).into_iter().flatten().filter_map(|ufrag| self.by_ufrag.get(ufrag)) {
            route.take(arrived);
        }
    }

    /// Connections and their addresses.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn count(&self) -> usize {
        self.by_ufrag.len() + self.by_address.values().map(Vec::len).sum::<usize>()
    }
}

impl Route {
    /// A full inbox loses datagrams, as a full socket would.
    fn take(&self, Arrived { from, to, bytes }: Arrived<'_>) {
        if bytes.len() <= LONGEST {
            let _ = self.inbox.try_send(Box::new(Datagram { from, to, bytes: bytes.into() }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    fn bring(routes: &Routes, port: u16, bytes: &[u8]) {
        routes.deliver(Arrived { from: address(port), to: None, bytes });
    }

    /// Lengths of what came.
    fn came(entry: &mut Entry) -> Vec<usize> {
        std::iter::from_fn(|| entry.inbox.try_recv().ok()).map(|datagram| datagram.bytes.len()).collect()
    }

    #[test]
    fn nobody_takes_an_address_from_who_is_there() {
        let mut routes = Routes::default();
        let mut there = routes.enter("there", address(1));
        let mut others: Vec<_> = (0..20).map(|number| routes.enter(&number.to_string(), address(1))).collect();
        for number in 0..20 {
            routes.heard(&number.to_string(), address(1));
        }
        bring(&routes, 1, b"data");
        assert_eq!(came(&mut there), [4]);
        let told: usize = others.iter_mut().map(|inbox| came(inbox).len()).sum();
        assert_eq!(told, CLAIMS - 1);
        routes.deliver_to("7", Arrived { from: address(1), to: None, bytes: b"check" });
        assert_eq!((came(&mut there), came(&mut others[7])), (vec![], vec![5]), "a check is of whom it names");
        for entry in others.iter().chain([&there]) {
            routes.leave(entry);
        }
        assert_eq!(routes.count(), 0);
    }

    #[test]
    fn a_connection_moves_as_often_as_it_likes() {
        let mut routes = Routes::default();
        let mut inbox = routes.enter("moves", address(1));
        for port in 2..200 {
            routes.heard("moves", address(port));
            bring(&routes, port, b"data");
            assert_eq!(came(&mut inbox), [4], "{port}");
            assert!(routes.count() <= 1 + super::super::config::MAX_ADDRESSES);
        }
        assert!(routes.is_at("moves", address(199)) && !routes.is_at("moves", address(1)));
    }

    #[test]
    fn who_has_proved_nothing_makes_way() {
        let mut routes = Routes::default();
        let [proved, first, elsewhere, last] =
            [(0, 1), (1, 1), (2, 2), (3, 1)].map(|(name, ip)| routes.enter(&format!("{name}"), ([192, 0, 2, ip], 1).into()));
        proved.proved.store(true, Ordering::Relaxed);
        let left = |routes: &Routes| ["0", "1", "2", "3"].map(|name| routes.knows(name));
        routes.displace(Some([192, 0, 2, 2].into()));
        assert_eq!(left(&routes), [true, true, false, true]);
        routes.displace(None);
        routes.displace(None);
        routes.displace(None);
        assert_eq!(left(&routes), [true, false, false, false]);
        // Each of the same name as one that goes is another.
        let again = routes.enter("1", address(9));
        for gone in [first, elsewhere, last] {
            routes.leave(&gone);
        }
        assert_eq!((left(&routes), routes.going), ([true, true, false, false], 0));
        routes.leave(&again);
        routes.leave(&proved);
        let many: Vec<_> = (0..20).map(|name: u32| routes.enter(&name.to_string(), address(1))).collect();
        (0..20).for_each(|_| routes.displace(None));
        assert_eq!(many.iter().filter(|entry| !routes.knows(&entry.ufrag)).count(), GOING, "one after the other");
    }

    #[test]
    fn what_is_too_long_is_nobodys() {
        let mut routes = Routes::default();
        let mut inbox = routes.enter("one", address(1));
        bring(&routes, 1, &vec![0; LONGEST + 1]);
        bring(&routes, 1, &vec![0; LONGEST]);
        assert_eq!(came(&mut inbox), [LONGEST]);
    }
}
