//! One UDP port for all connections of a listener, and its gate.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{mpsc, oneshot};

use super::config::{INBOX, MAX_ADDRESSES};
use super::credentials::Credentials;
use super::place::{Datagram, Place};
use super::port::{Arrived, Port, Space};
use super::stun::{Request, is_stun};
use crate::transport::quic::{Gate, Permit};
use crate::transport::stun;

/// Senders whose datagrams are read by one call to the system.
const SENDERS: usize = 4;

/// A port and who is known at it. It is read for as long as anybody holds it.
pub(super) struct Hub {
    pub(super) port: Arc<Port>,
    gate: Arc<Gate>,
    routes: Mutex<Routes>,
    /// Ends the reading task when it is dropped.
    _reading: oneshot::Sender<()>,
}

/// Connections by the server's ufrag, and by the addresses that their dialers have sent from.
#[derive(Default)]
struct Routes {
    by_ufrag: HashMap<String, Route>,
    by_address: HashMap<SocketAddr, String>,
}

struct Route {
    inbox: mpsc::Sender<Box<Datagram>>,
    addresses: Vec<SocketAddr>,
}

/// A dialer that got past the gate.
pub(super) struct Admitted {
    pub(super) credentials: Credentials,
    pub(super) remote: SocketAddr,
    pub(super) permit: Permit,
    pub(super) place: Place,
}

impl Hub {
    /// Reads a bound socket from now on. Who is admitted goes to `admitted`.
    pub(super) fn open(socket: UdpSocket, gate: Arc<Gate>, admitted: mpsc::Sender<Admitted>) -> io::Result<Arc<Self>> {
        let port = Arc::new(Port::open(socket)?);
        let (reading, ended) = oneshot::channel();
        let hub = Arc::new(Self { port: Arc::clone(&port), gate, routes: Mutex::default(), _reading: reading });
        spawn(port, Arc::downgrade(&hub), admitted, ended);
        Ok(hub)
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a datagram to its connection, or lets its sender in. Nothing is allocated for a sender that has not signed a
    /// request of a known version.
    fn take(self: &Arc<Self>, arrived: Arrived<'_>) -> Option<Admitted> {
        let Arrived { from, bytes, .. } = arrived;
        let request = is_stun(bytes).then(|| Request::parse(bytes)).flatten();
        let mut routes = self.routes();
        let Some(request) = request else {
            routes.deliver(arrived);
            return None;
        };
        let (ufrag, _) = request.username.split_once(':')?;
        if routes.by_ufrag.contains_key(ufrag) {
            if routes.by_address.get(&from).is_some_and(|known| known == ufrag)
                || request.is_signed_by(ufrag) && routes.moved(ufrag, from)
            {
                routes.deliver(arrived);
            }
            return None;
        }
        let credentials = Credentials::of_username(request.username)?;
        if !request.is_signed_by(ufrag) {
            return None;
        }
        let permit = self.gate.enter(from.ip())?;
        let inbox = routes.enter(ufrag, from);
        routes.deliver(arrived);
        let place = Place::new(Arc::clone(self), inbox, ufrag.to_owned());
        Some(Admitted { credentials, remote: from, permit, place })
    }

    /// Forgets a connection.
    pub(super) fn leave(&self, ufrag: &str) {
        let mut routes = self.routes();
        if let Some(route) = routes.by_ufrag.remove(ufrag) {
            for address in route.addresses {
                routes.by_address.remove(&address);
            }
        }
    }

    /// What came by another way than the socket.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn bring(self: &Arc<Self>, from: SocketAddr, bytes: &[u8]) -> Option<Admitted> {
        self.take(Arrived { from, to: None, bytes })
    }

    /// How many are known here.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn known(&self) -> usize {
        let routes = self.routes();
        routes.by_ufrag.len() + routes.by_address.len()
    }
}

impl Routes {
    fn enter(&mut self, ufrag: &str, from: SocketAddr) -> mpsc::Receiver<Box<Datagram>> {
        let (sender, inbox) = mpsc::channel(INBOX);
        self.by_ufrag.insert(ufrag.to_owned(), Route { inbox: sender, addresses: Vec::new() });
        self.moved(ufrag, from);
        inbox
    }

    /// A dialer sends from another address. Whether that is one too many.
    fn moved(&mut self, ufrag: &str, to: SocketAddr) -> bool {
        let Some(route) = self.by_ufrag.get_mut(ufrag).filter(|route| route.addresses.len() < MAX_ADDRESSES) else {
            return false;
        };
        route.addresses.push(to);
        if let Some(before) = self.by_address.insert(to, ufrag.to_owned())
            && before != ufrag
            && let Some(route) = self.by_ufrag.get_mut(&before)
        {
            // The same port dials anew.
            route.addresses.retain(|address| *address != to);
        }
        true
    }

    fn deliver(&self, Arrived { from, to, bytes }: Arrived<'_>) {
        if let Some(route) = self.by_address.get(&from).and_then(|ufrag| self.by_ufrag.get(ufrag)) {
            // A full inbox loses datagrams, as a full socket would.
            let _ = route.inbox.try_send(Box::new(Datagram { from, to, bytes: bytes.into() }));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "connections of one port move by it alone, whoever of them is polled")]
fn spawn(port: Arc<Port>, hub: Weak<Hub>, admitted: mpsc::Sender<Admitted>, ended: oneshot::Receiver<()>) {
    tokio::spawn(async move {
        tokio::select! {
            _ = ended => {}
            () = read(&port, &hub, &admitted) => {}
        }
    });
}

async fn read(port: &Port, hub: &Weak<Hub>, admitted: &mpsc::Sender<Admitted>) {
    let mut space = Space::new(SENDERS);
    loop {
        let each = |arrived: Arrived<'_>| {
            if let Some(answer) = stun::answer(arrived.bytes, arrived.from) {
                // A full socket loses it, as a full line would.
                let _ = port.try_answer(&answer, arrived);
                return;
            }
            if let Some(new) = hub.upgrade().and_then(|hub| hub.take(arrived)) {
                // With nobody to take it, or too many waiting, its place is given back.
                let _ = admitted.try_send(new);
            }
        };
        // An error is a router's or host's word about some datagram sent before.
        let _ = poll_fn(|cx| port.poll_receive(cx, &mut space, each)).await;
    }
}
