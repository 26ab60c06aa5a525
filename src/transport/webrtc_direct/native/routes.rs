//! Whose a datagram is that comes to a listener's port.

use std::collections::HashMap;
use std::net::SocketAddr;

use tokio::sync::mpsc;

use super::config::INBOX;
use super::place::Datagram;
use super::port::Arrived;
use super::recent::Recent;

/// Connections that one address may be told of. Anybody can sign a check in the name of an address that is another's, who must not
/// lose its connection by it; and who dials anew from the same port is heard beside what is left of the dial before.
const CLAIMS: usize = 4;

/// A datagram longer than this is none of a connection's: the longest record of DTLS (RFC 6347, section 4.1).
const LONGEST: usize = super::config::DTLS_RECORD;

/// Connections by the server's ufrag, and by the addresses that their dialers have sent from, in the order of their coming.
#[derive(Default)]
pub(super) struct Routes {
    by_ufrag: HashMap<String, Route>,
    by_address: HashMap<SocketAddr, Vec<String>>,
}

struct Route {
    inbox: mpsc::Sender<Box<Datagram>>,
    addresses: Recent<()>,
}

impl Routes {
    pub(super) fn knows(&self, ufrag: &str) -> bool {
        self.by_ufrag.contains_key(ufrag)
    }

    /// Whether this connection has sent from there.
    pub(super) fn is_at(&self, ufrag: &str, from: SocketAddr) -> bool {
        self.by_address.get(&from).is_some_and(|claims| claims.iter().any(|claim| claim == ufrag))
    }

    /// A new connection, and what comes for it.
    pub(super) fn enter(&mut self, ufrag: &str, from: SocketAddr) -> mpsc::Receiver<Box<Datagram>> {
        let (sender, inbox) = mpsc::channel(INBOX);
        self.by_ufrag.insert(ufrag.to_owned(), Route { inbox: sender, addresses: Recent::default() });
        self.heard(ufrag, from);
        inbox
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
    pub(super) fn leave(&mut self, ufrag: &str) {
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
    fn came(inbox: &mut mpsc::Receiver<Box<Datagram>>) -> Vec<usize> {
        std::iter::from_fn(|| inbox.try_recv().ok()).map(|datagram| datagram.bytes.len()).collect()
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
        routes.leave("there");
        for number in 0..20 {
            routes.leave(&number.to_string());
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
    fn what_is_too_long_is_nobodys() {
        let mut routes = Routes::default();
        let mut inbox = routes.enter("one", address(1));
        bring(&routes, 1, &vec![0; LONGEST + 1]);
        bring(&routes, 1, &vec![0; LONGEST]);
        assert_eq!(came(&mut inbox), [LONGEST]);
    }
}
