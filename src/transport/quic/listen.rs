//! A listener, and what arrives at it.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use libp2p_identity::{KeyType, Keypair, PeerId};
use quinn::crypto::rustls::{NoInitialCipherSuite, QuicServerConfig};
use quinn::{AsyncUdpSocket, ConnectionError, Endpoint, Incoming, ServerConfig, TokioRuntime, VarInt};
use tokio::sync::mpsc;

use super::config;
use super::error::{AcceptError, Ended};
use super::muxer::Connection;
use super::socket::{Socket, canonical};
use super::stun::StunDatagram;
use super::{Gate, Limits, Permit};
use crate::transport::libp2p_tls::{Credentials, Notes, SetupError};

/// Accepts libp2p connections on one UDP socket.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    socket: Arc<Socket>,
    gate: Arc<Gate>,
    offer: Arc<Offer>,
}

/// What every dialer is offered.
#[derive(Debug)]
struct Offer {
    credentials: Credentials,
    config: ServerConfig,
}

impl Listener {
    /// Listens on a bound socket as the peer of `keypair`.
    pub fn new(socket: UdpSocket, keypair: &Keypair, limits: Limits) -> io::Result<Self> {
        let socket = Socket::open(socket)?;
        let offer = Arc::new(Offer::new(keypair).map_err(io::Error::other)?);
        let endpoint = Endpoint::new_with_abstract_socket(
            config::endpoint(),
            Some(offer.config.clone()),
            Arc::clone(&socket) as _,
            Arc::new(TokioRuntime),
        )?;
        Ok(Self { endpoint, socket, gate: Gate::new(limits), offer })
    }

    /// The address listened on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// What dials from this port use.
    pub(super) fn parts(&self) -> (&Endpoint, &Arc<Socket>) {
        (&self.endpoint, &self.socket)
    }

    /// The next dialer within the limits; none once closed. Those beyond the limits are refused here, those who have to
    /// prove their address first come again.
    pub async fn accept(&self) -> Option<Arrival> {
        loop {
            let incoming = self.endpoint.accept().await?;
            if let Some(arrival) = self.admit(incoming) {
                return Some(arrival);
            }
        }
    }

    fn admit(&self, incoming: Incoming) -> Option<Arrival> {
        if incoming.may_retry() && !incoming.remote_address_validated() && self.gate.wants_proof() {
            // Only fails where `may_retry` is false.
            let _ = incoming.retry();
            return None;
        }
        let remote = canonical(incoming.remote_address());
        let Some(permit) = self.gate.enter(remote.ip()) else {
            incoming.refuse();
            return None;
        };
        let (socket, offer) = (Arc::clone(&self.socket), Arc::clone(&self.offer));
        Some(Arrival { remote, local: incoming.local_ip().map(|ip| ip.to_canonical()), incoming, permit, socket, offer })
    }

    /// How many dialers were refused because of the limits.
    pub fn refused(&self) -> u64 {
        self.gate.refused()
    }

    /// STUN-class datagrams on this port, from now on. They wait in a short queue and are dropped when it is full.
    /// None when already taken.
    pub fn take_stun(&self) -> Option<mpsc::Receiver<StunDatagram>> {
        self.socket.take_stun()
    }

    /// Closes every connection with this application code, and accepts no more.
    pub fn close(&self, code: u32, reason: &[u8]) {
        self.endpoint.close(VarInt::from_u32(code), reason);
    }

    /// Waits until all connections are gone and their peers were told. It closes none.
    pub async fn wait_idle(&self) {
        self.endpoint.wait_idle().await;
    }
}

impl Offer {
    fn new(keypair: &Keypair) -> Result<Self, SetupError> {
        let credentials = Credentials::generate(keypair)?;
        let (config, _) = crypto(&credentials)?;
        Ok(Self { config: config::server(config), credentials })
    }

    /// The same offer with a verifier for one handshake alone.
    fn for_one(&self) -> Result<(Arc<ServerConfig>, Notes), SetupError> {
        let (crypto, notes) = crypto(&self.credentials)?;
        let mut config = self.config.clone();
        config.crypto = Arc::new(crypto);
        Ok((Arc::new(config), notes))
    }
}

fn crypto(credentials: &Credentials) -> Result<(QuicServerConfig, Notes), SetupError> {
    let (tls, notes) = credentials.server()?;
    let no_suite = |error: NoInitialCipherSuite| rustls::Error::General(error.to_string());
    Ok((QuicServerConfig::try_from(tls).map_err(no_suite)?, notes))
}

/// A dialer's first packet. Dropping it refuses the connection.
#[derive(Debug)]
pub struct Arrival {
    /// The dialer's address as seen here.
    pub remote: SocketAddr,
    /// The address of ours that it dialed, where the system tells.
    pub local: Option<IpAddr>,
    incoming: Incoming,
    permit: Permit,
    socket: Arc<Socket>,
    offer: Arc<Offer>,
}

/// A connection that was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// Who dialed, proved by its certificate.
    pub peer: PeerId,
    /// Kind of its host key.
    pub key_type: KeyType,
    /// The connection.
    pub connection: Connection,
}

impl Arrival {
    /// Whether the dialer has proved that it receives at its address (QUIC Retry).
    #[cfg(test)]
    pub(super) fn is_validated(&self) -> bool {
        self.incoming.remote_address_validated()
    }

    /// Does the handshake, within the listener's limit.
    pub async fn handshake(self) -> Result<Accepted, AcceptError> {
        let Self { incoming, mut permit, socket, offer, .. } = self;
        let (config, notes) = offer.for_one()?;
        let limit = permit.limits().handshake;
        let from = incoming.remote_address();
        if !incoming.remote_address_validated() {
            socket.unproven.meet(from);
        }
        let connecting = incoming.accept_with(config).map_err(|e| failure(e, &notes))?;
        let connection =
            tokio::time::timeout(limit, connecting).await.map_err(|_| AcceptError::TimedOut)?.map_err(|e| failure(e, &notes))?;
        let proof = socket.unproven.proved(from);
        // A finished handshake without a verified certificate would be a defect of the TLS library.
        let remote = notes.remote().ok_or(AcceptError::Ended(Ended::Locally))?;
        permit.established();
        let connection = Connection::new(connection, socket, Some((permit, proof)));
        Ok(Accepted { peer: remote.peer, key_type: remote.key_type(), connection })
    }
}

fn failure(error: ConnectionError, notes: &Notes) -> AcceptError {
    match notes.rejected() {
        Some(rejected) => AcceptError::BadCertificate(rejected),
        None => AcceptError::Ended(error.into()),
    }
}
