//! A listener, and what arrives at it.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p_identity::{Keypair, PeerId};
use tokio::sync::{Mutex, mpsc};

use super::super::certhash::Fingerprint;
use super::certificate::Certificate;
use super::connection::{Event, Machine};
use super::credentials::Version;
use super::dial::{Step, of_dtls, of_noise};
use super::driver::Driver;
use super::error::{AcceptError, DialError, Ended};
use super::hub::{Admitted, Hub};
use super::link::Link;
use super::muxer::Connection;
use super::noise::{self, Proof};
use super::shared::now;
use super::waiting;
use crate::transport::quic::{Gate, Limits, Permit, Progress};

/// Dialers that wait to be taken. They are taken in one turn of the loop.
const QUEUE: usize = 64;

/// Accepts libp2p connections over webrtc-direct on one UDP socket, of both versions.
pub struct Listener {
    hub: Arc<Hub>,
    doorway: Mutex<Doorway>,
    gate: Arc<Gate>,
    keypair: Keypair,
    certificate: Certificate,
}

/// Those who have not begun with DTLS.
struct Doorway {
    admitted: mpsc::Receiver<Admitted>,
    asking: FuturesUnordered<BoxFuture<'static, Option<Arrival>>>,
    /// Where dialers have come from lately. Who asks from there in the other version wants no more.
    seen: VecDeque<(Instant, IpAddr)>,
}

/// A dialer whose checks were signed as they should be. Dropping it forgets the dialer.
pub struct Arrival {
    /// Where its last word came from. That it is there nothing has proved yet.
    pub remote: SocketAddr,
    /// The address of ours that it dialed, where that is known.
    pub local: Option<IpAddr>,
    /// The version that it speaks.
    pub version: Version,
    /// Whether it has begun with DTLS. Else it has had its time for it.
    pub began: bool,
    driver: Driver,
    permit: Permit,
    keypair: Keypair,
}

/// A connection that was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// Who dialed, proved by Noise.
    pub peer: PeerId,
    /// Where from: an address at which it has heard what was sent there alone.
    pub remote: SocketAddr,
    /// The connection.
    pub connection: Connection,
}

impl Listener {
    /// Listens on a bound socket as the peer of `keypair`. Needs a Tokio runtime, on which it reads the socket.
    pub fn new(socket: UdpSocket, keypair: &Keypair, certificate: Certificate, limits: Limits) -> io::Result<Self> {
        let gate = Gate::new(limits);
        let (sender, admitted) = mpsc::channel(QUEUE);
        let hub = Hub::open(socket, Arc::clone(&gate), sender)?;
        let doorway = Doorway { admitted, asking: FuturesUnordered::new(), seen: VecDeque::new() };
        Ok(Self { hub, doorway: Mutex::new(doorway), gate, keypair: keypair.clone(), certificate })
    }

    /// The address listened on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.hub.port.io().local_addr()
    }

    /// What addresses name the certificate by.
    pub fn fingerprint(&self) -> Fingerprint {
        self.certificate.fingerprint()
    }

    /// The next dialer within the limits. Those beyond get no answer. The listener answers only while this is polled. Who
    /// asks and does not begin is told at the end of its time, unless somebody came from the same IP address meanwhile: a
    /// dialer may ask in both versions, and goes on in one.
    pub async fn accept(&self) -> Option<Arrival> {
        let mut doorway = self.doorway.lock().await;
        loop {
            let Doorway { admitted, asking, .. } = &mut *doorway;
            tokio::select! {
                Some(arrival) = asking.next(), if !asking.is_empty() => {
                    if let Some(arrival) = arrival.filter(|arrival| doorway.is_news(arrival, self.gate.limits())) {
                        return Some(arrival);
                    }
                }
                admitted = admitted.recv() => asking.push(self.meet(admitted?)),
            }
        }
    }

    /// Answers a dialer's checks until it begins with DTLS, within the limit; none if it has to go for others before.
    fn meet(&self, admitted: Admitted) -> BoxFuture<'static, Option<Arrival>> {
        let Admitted { credentials, remote, permit, place } = admitted;
        let machine = Machine::listen(&credentials, remote, self.certificate.clone(), now());
        let local = self.local_addr().ok().map(|local| local.ip()).filter(|ip| !ip.is_unspecified());
        let (keypair, version) = (self.keypair.clone(), credentials.version);
        let mut driver = Driver::new(machine, Link::of_hub(place), Progress::default());
        Box::pin(async move {
            let hello = waiting::until(&mut driver, Event::Hello);
            let began = match tokio::time::timeout(permit.limits().handshake, hello).await {
                Ok(Err(Ended::Socket(io::ErrorKind::ConnectionAborted))) => return None,
                waited => matches!(waited, Ok(Ok(()))),
            };
            let remote = driver.shared.machine().remote();
            let local = local.or_else(|| driver.link.ours(remote));
            Some(Arrival { remote, local, version, began, driver, permit, keypair })
        })
    }

    /// How many dialers were refused because of the limits.
    pub fn refused(&self) -> u64 {
        self.gate.refused()
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.hub.known()
    }

    /// How many ever were let in.
    #[cfg(test)]
    pub(super) fn entered(&self) -> u64 {
        self.hub.entered()
    }
}

impl Doorway {
    /// Notes where somebody came from. Whether there is anything to tell of it.
    fn is_news(&mut self, arrival: &Arrival, limits: &Limits) -> bool {
        let (now, ip) = (now(), arrival.remote.ip());
        // Twice the limit: who asked at the end of another's time is still of the same dial.
        while self.seen.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > 2 * limits.handshake) {
            self.seen.pop_front();
        }
        let news = arrival.began || self.seen.iter().all(|(_, seen)| *seen != ip);
        if news && self.seen.len() < limits.connections {
            self.seen.push_back((now, ip));
        }
        news
    }
}

impl Arrival {
    /// Does the handshake, within the listener's limit, and tells each step when it is done.
    pub async fn handshake(self, step: impl FnMut(Step)) -> Result<Accepted, AcceptError> {
        let Self { mut driver, mut permit, keypair, .. } = self;
        let limit = permit.limits().handshake;
        let handshake = tokio::time::timeout(limit, secure(&mut driver, &keypair, step));
        let (peer, remote) = handshake.await.map_err(|_| AcceptError::TimedOut)??;
        if !permit.is_of(remote.ip()) {
            return Err(AcceptError::TooMany);
        }
        permit.established();
        Ok(Accepted { peer, remote, connection: Connection::new(driver, Some(permit)) })
    }
}

/// Who dialed, and from where.
async fn secure(driver: &mut Driver, keypair: &Keypair, mut step: impl FnMut(Step)) -> Result<(PeerId, SocketAddr), DialError> {
    waiting::until(driver, Event::Dtls).await.map_err(of_dtls)?;
    step(waiting::secured(driver)?);
    waiting::until(driver, Event::Channel).await.map_err(DialError::ChannelFailed)?;
    step(Step::Channel);
    let handshake = noise::handshake(driver, Proof::new(keypair).map_err(DialError::Noise)?, false);
    let peer = waiting::driven(driver, handshake).await.map_err(DialError::Io)?.map_err(|error| of_noise(driver, error))?;
    // Long proved, unless the dialer was somewhere else during the handshake.
    Ok((peer, waiting::proved(driver).await.map_err(DialError::Ended)?))
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Arrival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrival").field("remote", &self.remote).field("version", &self.version).finish_non_exhaustive()
    }
}
