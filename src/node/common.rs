//! What the connections of a node share.

use std::sync::Arc;

use futures::{channel::oneshot, future::Shared};
use libp2p_identity::Keypair;
use multiaddr::Multiaddr;
use rustls::ServerConfig;

use super::Limits;
use crate::native::Native;

/// What every connection of a node shares.
pub(super) struct Common {
    pub(super) native: Native,
    pub(super) identity: Keypair,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) addresses: Vec<Multiaddr>,
    pub(super) limits: Limits,
    /// Ends when the node does.
    pub(super) closing: Shared<oneshot::Receiver<()>>,
}
