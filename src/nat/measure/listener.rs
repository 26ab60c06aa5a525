//! Who arrives at a socket under test: served as any node serves a dialer, so that a dial-back can run its course.

use std::{cell::RefCell, net::SocketAddr, pin::pin, rc::Rc, time::Duration};

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
    transport::{paced::paced, quic::Arrival},
};

/// How long a dialer is served: a dial-back identifies us and is done.
const SERVED: Duration = Duration::from_secs(5);
/// Arrivals that are noted, and those that are served at once. The tests make a handful; whoever else comes is a stranger.
pub(super) const MOST: usize = 64;

/// Somebody who arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guest {
    pub(super) remote: SocketAddr,
    /// Who it proved to be, if it came so far.
    pub(super) peer: Option<String>,
}

/// The book of those who arrived.
#[derive(Debug, Default)]
pub(super) struct Guests {
    seen: RefCell<Vec<Guest>>,
    changed: Notify,
    /// The numbers of AutoNAT that are expected here.
    pub(super) nonces: Rc<Nonces>,
    /// How they come.
    way: Way,
}

impl Guests {
    pub(super) fn new(way: Way) -> Self {
        Self { way, ..Self::default() }
    }

    fn note(&self, remote: SocketAddr, peer: Option<&PeerId>) {
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        let mut seen = self.seen.borrow_mut();
        if seen.len() < MOST {
            seen.push(Guest { remote, peer: peer.map(|peer| peer.to_base58()) });
        }
        drop(seen);
        self.changed.notify_waiters();
    }

    /// How many were noted so far.
    pub(super) fn count(&self) -> usize {
        self.seen.borrow().len()
    }

    /// The first who fits of those noted after so many.
    pub(super) fn find_after(&self, count: usize, fits: impl Fn(&Guest) -> bool) -> Option<Guest> {
        self.seen.borrow().iter().skip(count).find(|guest| fits(guest)).cloned()
    }

    /// The first who fits.
    pub(super) fn find(&self, fits: impl Fn(&Guest) -> bool) -> Option<Guest> {
        self.seen.borrow().iter().find(|guest| fits(guest)).cloned()
    }

    /// Waits for one who fits.
    pub(super) async fn until(&self, fits: impl Fn(&Guest) -> bool) -> Guest {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(guest) = self.find(&fits) {
                return guest;
            }
            changed.await;
        }
    }

    /// Serves one who came over TCP.
    pub(super) async fn tcp(&self, native: &Native, keypair: &Keypair, stream: TcpStream, remote: SocketAddr) {
        let remote = self.way.from(remote);
        self.note(remote, None);
        // Flights of a handshake are small and wait for each other; without it the dial-back is only slower.
        let _ = stream.set_nodelay(true);
        let served = async {
            let secured = secure_inbound(paced(stream), keypair).await.ok()?;
            self.note(remote, Some(&secured.peer));
            let connection = multiplex_inbound(secured.stream).await.ok()?;
            Some(self.serve(native, keypair, connection, remote).await)
        };
        select(pin!(served), pin!(native::sleep(SERVED))).await;
    }

    /// Serves one who came over QUIC.
    pub(super) async fn quic(&self, native: &Native, keypair: &Keypair, arrival: Arrival) {
        let remote = self.way.from(arrival.remote);
        let served = async {
            let accepted = arrival.handshake().await.ok()?;
            self.note(remote, Some(&accepted.peer));
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
