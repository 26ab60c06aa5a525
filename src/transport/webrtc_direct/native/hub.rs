//! One UDP port for all connections of a listener, and its gate.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{mpsc, oneshot};

use super::config::{INBOX, MAX_ADDRESSES, MAX_DATAGRAM};
use super::credentials::Credentials;
use super::stun::{Request, is_stun};
use crate::transport::quic::{Gate, Permit};

/// A datagram and who sent it.
pub(super) type Datagram = (SocketAddr, Vec<u8>);

/// A port and who is known at it. It is read for as long as anybody holds it.
pub(super) struct Hub {
    pub(super) socket: Arc<tokio::net::UdpSocket>,
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
    inbox: mpsc::Sender<Datagram>,
    addresses: Vec<SocketAddr>,
}

/// A dialer that got past the gate.
pub(super) struct Admitted {
    pub(super) credentials: Credentials,
    pub(super) remote: SocketAddr,
    pub(super) permit: Permit,
    pub(super) place: Place,
}

/// A connection's place at the port, given back when dropped.
pub(super) struct Place {
    pub(super) hub: Arc<Hub>,
    pub(super) inbox: mpsc::Receiver<Datagram>,
    ufrag: String,
}

impl Hub {
    /// Reads a bound socket from now on. Who is admitted goes to `admitted`.
    pub(super) fn open(socket: UdpSocket, gate: Arc<Gate>, admitted: mpsc::Sender<Admitted>) -> io::Result<Arc<Self>> {
        socket.set_nonblocking(true)?;
        let socket = Arc::new(tokio::net::UdpSocket::from_std(socket)?);
        let (reading, ended) = oneshot::channel();
        let hub = Arc::new(Self { socket: Arc::clone(&socket), gate, routes: Mutex::default(), _reading: reading });
        spawn(socket, Arc::downgrade(&hub), admitted, ended);
        Ok(hub)
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a datagram to its connection, or lets its sender in. Nothing is allocated for a sender that has not signed a
    /// request of a known version.
    fn take(self: &Arc<Self>, from: SocketAddr, bytes: &[u8]) -> Option<Admitted> {
        let request = is_stun(bytes).then(|| Request::parse(bytes)).flatten();
        let mut routes = self.routes();
        let Some(request) = request else {
            routes.deliver(from, bytes);
            return None;
        };
        let (ufrag, _) = request.username.split_once(':')?;
        if routes.by_ufrag.contains_key(ufrag) {
            if routes.by_address.get(&from).is_some_and(|known| known == ufrag)
                || request.is_signed_by(ufrag) && routes.moved(ufrag, from)
            {
                routes.deliver(from, bytes);
            }
            return None;
        }
        let credentials = Credentials::of_username(request.username)?;
        if !request.is_signed_by(ufrag) {
            return None;
        }
        let permit = self.gate.enter(from.ip())?;
        let inbox = routes.enter(ufrag, from);
        routes.deliver(from, bytes);
        let place = Place { hub: Arc::clone(self), inbox, ufrag: ufrag.to_owned() };
        Some(Admitted { credentials, remote: from, permit, place })
    }

    /// How many are known here.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        let routes = self.routes();
        routes.by_ufrag.len() + routes.by_address.len()
    }
}

impl Routes {
    fn enter(&mut self, ufrag: &str, from: SocketAddr) -> mpsc::Receiver<Datagram> {
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

    fn deliver(&self, from: SocketAddr, bytes: &[u8]) {
        if let Some(route) = self.by_address.get(&from).and_then(|ufrag| self.by_ufrag.get(ufrag)) {
            // A full inbox loses datagrams, as a full socket would.
            let _ = route.inbox.try_send((from, bytes.to_vec()));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut routes = self.hub.routes();
        if let Some(route) = routes.by_ufrag.remove(&self.ufrag) {
            for address in route.addresses {
                routes.by_address.remove(&address);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "connections of one port move by it alone, whoever of them is polled")]
fn spawn(socket: Arc<tokio::net::UdpSocket>, hub: Weak<Hub>, admitted: mpsc::Sender<Admitted>, ended: oneshot::Receiver<()>) {
    tokio::spawn(async move {
        tokio::select! {
            _ = ended => {}
            () = read(&socket, &hub, &admitted) => {}
        }
    });
}

async fn read(socket: &tokio::net::UdpSocket, hub: &Weak<Hub>, admitted: &mpsc::Sender<Admitted>) {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        // An error is a router's or host's word about some datagram sent before.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let Some(hub) = hub.upgrade() else { return };
        if let Some(new) = hub.take(from, &buffer[..length]) {
            // With nobody to take it, or too many waiting, its place is given back.
            let _ = admitted.try_send(new);
        }
    }
}
