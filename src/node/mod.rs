//! `listen`: a node to be dialed, that tells what it saw of each dialer.
//!
//! No Swarm: accept loops, and for each connection an [`Attempt`](crate::model::Attempt) with direction `inbound`, made of the
//! same events as a dial and folded by the same code. Each dialer has a small report of its own that is dropped with the
//! connection, so that memory stays flat. The attempt is the dial: it ends when the dialer has identified itself, or with
//! what kept it from that; the connection is served on until it ends.
//!
//! Everything is polled in place by [`Node::run`] and needs a Tokio runtime with I/O and time.

mod accept;
mod address;
mod autonat;
mod bind;
mod certificate;
mod common;
mod connection;
mod dialback;
mod extra;
mod fault;
pub mod page;
mod punch;
mod run;
mod setup;
mod stun;
mod tally;
#[cfg(test)]
mod tests;
mod via;

use std::fmt;

use libp2p_identity::Keypair;
use multiaddr::Multiaddr;

pub use crate::inbound::{Limits, dialer_line, sentence};
pub use address::everywhere;
pub use bind::BindError;
pub use certificate::{Certificate, CertificateError};
pub use tally::Tally;

use accept::Listener;

use crate::{nat::relay::RelayLimits, transport::webrtc_direct};

/// The usual port: TCP and QUIC here, WebSocket and webrtc-direct on the next one.
pub const PORT: u16 = 4011;
/// The last one that leaves room for those after it: WebSocket, secure WebSocket, the page.
pub const LAST_PORT: u16 = u16::MAX - 3;
/// All transports that need no certificate, for this machine alone, on any free ports.
const LOOPBACK: [&str; 4] =
    ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/udp/0/webrtc-direct"];

/// What a node is to be.
#[derive(Clone)]
pub struct Config {
    /// Where to listen, see [`everywhere`]: TCP, WebSocket (`/ws`, `/wss`), QUIC, webrtc-direct.
    pub listen: Vec<Multiaddr>,
    /// Who it is.
    pub identity: Keypair,
    /// The certificate for `/wss`.
    pub tls: Option<Certificate>,
    /// The certificate for webrtc-direct, which its addresses name; a fresh one is made when none is given.
    pub webrtc: Option<webrtc_direct::Certificate>,
    /// Addresses that it is reached at from outside; told to dialers instead of those listened on.
    pub announce: Vec<Multiaddr>,
    /// Another node like it, which dials back where this one has been dialed from; each names the other, with its peer ID.
    pub partner: Option<Multiaddr>,
    /// It is a relay for others (circuit relay v2), within these limits.
    pub relay: Option<RelayLimits>,
    /// Relays at which it keeps a slot, so that it is reached through them.
    pub via: Vec<Multiaddr>,
    /// What it takes on.
    pub limits: Limits,
}

impl Config {
    /// A node of its own for this process: every transport on loopback, a fresh identity.
    #[must_use]
    pub fn loopback() -> Self {
        let listen = LOOPBACK.into_iter().filter_map(|address| address.parse().ok()).collect();
        Self::new(listen, Keypair::generate_ed25519())
    }

    /// A node on these addresses, without a certificate.
    #[must_use]
    pub fn new(listen: Vec<Multiaddr>, identity: Keypair) -> Self {
        Self {
            listen,
            identity,
            tls: None,
            webrtc: None,
            announce: Vec::new(),
            partner: None,
            relay: None,
            via: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("listen", &self.listen).field("announce", &self.announce).finish_non_exhaustive()
    }
}

/// A node whose ports are bound. It answers while [`Node::run`] is polled.
pub struct Node {
    listeners: Vec<Listener>,
    addresses: Vec<Multiaddr>,
    pages: Vec<String>,
    config: Config,
}

impl Node {
    /// Binds every port, or none. To be called inside a Tokio runtime.
    pub fn bind(mut config: Config) -> Result<Self, BindError> {
        let (listeners, bound) = bind::all(&mut config)?;
        let addresses = address::dialable(&config, &bound);
        Ok(Self { listeners, addresses, pages: Vec::new(), config })
    }

    /// The addresses to dial, with the peer ID: those announced, then those of this machine, the furthest reaching first.
    #[must_use]
    pub fn addresses(&self) -> Vec<Multiaddr> {
        self.addresses.clone()
    }

    /// Tells of a page beside the addresses.
    #[must_use]
    pub fn with_pages(self, urls: &[String]) -> Self {
        Self { pages: urls.to_vec(), ..self }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
