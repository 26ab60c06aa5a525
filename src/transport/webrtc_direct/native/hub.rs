//! One UDP port for all connections of a listener, and its gate.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{mpsc, oneshot};

use super::credentials::Credentials;
use super::place::Place;
use super::port::{Arrived, Port, Space};
use super::routes::{Entry, Routes};
use super::shared::now;
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
        if routes.knows(ufrag) {
            if routes.is_at(ufrag, from) || request.is_signed_by(ufrag) {
                routes.heard(ufrag, from);
                routes.deliver_to(ufrag, arrived);
            }
            return None;
        }
        if !request.is_signed_by(ufrag) {
            return None;
        }
        let credentials = Credentials::of_username(request.username)?;
        let Some(permit) = self.gate.enter(from.ip()) else {
            // Who really wants to come in asks again.
            routes.displace(Some(from.ip()).filter(|ip| self.gate.is_full_of(*ip)));
            return None;
        };
        let entry = routes.enter(ufrag, from);
        routes.deliver_to(ufrag, arrived);
        let place = Place::new(Arc::clone(self), entry);
        Some(Admitted { credentials, remote: from, permit, place })
    }

    /// Forgets a connection.
    pub(super) fn leave(&self, entry: &Entry) {
        self.routes().leave(entry);
    }

    /// What came by another way than the socket.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn bring(self: &Arc<Self>, from: SocketAddr, bytes: &[u8]) -> Option<Admitted> {
        self.take(Arrived { from, to: None, bytes })
    }

    /// How many ever were let in.
    #[cfg(test)]
    pub(super) fn entered(&self) -> u64 {
        self.routes().entered
    }

    /// How many are known here.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn known(&self) -> usize {
        self.routes().count()
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
    let (mut allowance, opened) = (stun::Allowance::default(), now());
    loop {
        let mut each = |arrived: Arrived<'_>| {
            if let Some(answer) = stun::answer(arrived.bytes, arrived.from) {
                if allowance.admit(now().saturating_duration_since(opened), arrived.from.ip()) {
                    // A full socket loses it, as a full line would.
                    let _ = port.try_answer(&answer, arrived);
                }
                return;
            }
            if let Some(new) = hub.upgrade().and_then(|hub| hub.take(arrived)) {
                // With nobody to take it, or too many waiting, its place is given back.
                let _ = admitted.try_send(new);
            }
        };
        // An error is a router's or host's word about some datagram sent before.
        let _ = poll_fn(|cx| port.poll_receive(cx, &mut space, &mut each)).await;
    }
}
