//! What a node does for dialers besides identify and ping.

use std::fmt;

use futures::future::LocalBoxFuture;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use crate::{
    engine::Record,
    session::{Opener, Service},
};

/// A dialer whose connection stands.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who, as proved.
    pub peer: PeerId,
    /// From where.
    pub remote: Multiaddr,
    /// Whether through a relay.
    pub relayed: bool,
    /// Opens streams on the connection.
    pub opener: Opener,
}

/// What a dialer meets.
pub struct Welcome {
    /// The protocols served on the connection.
    pub services: Vec<Service>,
    /// Whether the connection is to be kept though nothing is asked for. Dropped with the connection.
    pub in_use: Box<dyn Fn() -> bool>,
}

impl fmt::Debug for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Welcome").field("services", &self.services).finish_non_exhaustive()
    }
}

/// What a node does for dialers besides identify and ping.
pub trait Extra {
    /// A connection stands.
    fn welcome(&self, visitor: &Visitor) -> Welcome;

    /// The dialer has identified itself, and announces addresses of its own. What is done here belongs to its attempt.
    fn identified<'a>(&'a self, visitor: &'a Visitor, announced: Vec<Multiaddr>, record: &'a Record) -> LocalBoxFuture<'a, ()>;
}

/// Nothing.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Extra for Plain {
    fn welcome(&self, _: &Visitor) -> Welcome {
        Welcome { services: Vec::new(), in_use: Box::new(|| false) }
    }

    fn identified<'a>(&'a self, _: &'a Visitor, _: Vec<Multiaddr>, _: &'a Record) -> LocalBoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}
