//! What a node does for dialers besides identify and ping: it relays, and punches holes to who comes through a relay.

use std::rc::Rc;

use futures::future::LocalBoxFuture;
use multiaddr::{Multiaddr, Protocol};

use super::punch::Puncher;
use crate::{
    engine::Record,
    inbound::{Extra, Visitor, Welcome, told},
    model::ip_of,
    nat::relay::{Guest, Relay},
    session::Clock,
};

/// What a node of its own does.
pub(super) struct Extras {
    pub(super) clock: Clock,
    pub(super) relay: Option<Relay>,
    /// Where the node is dialed, and its peer ID.
    pub(super) addresses: Vec<Multiaddr>,
    pub(super) us: Protocol<'static>,
    pub(super) puncher: Rc<Puncher>,
}

impl Extra for Extras {
    fn welcome(&self, visitor: &Visitor) -> Welcome {
        if !visitor.relayed {
            self.puncher.came(visitor.peer, &visitor.remote);
        }
        let nothing = Welcome { services: Vec::new(), in_use: Box::new(|| false) };
        let (Some(relay), Some(ip)) = (&self.relay, ip_of(&visitor.remote)) else { return nothing };
        let addresses = told(&self.addresses, Some(ip)).into_iter().map(|address| address.with(self.us.clone())).collect();
        let Visitor { peer, relayed, opener, .. } = visitor.clone();
        let (service, registration) = relay.welcome(Guest { peer, ip, relayed, opener, addresses });
        Welcome { services: vec![service], in_use: Box::new(move || registration.in_use()) }
    }

    fn identified<'a>(&'a self, visitor: &'a Visitor, record: &'a Record) -> LocalBoxFuture<'a, ()> {
        Box::pin(async move {
            if visitor.relayed {
                self.puncher.punch(record, &visitor.opener, &self.clock, visitor.peer).await;
            }
        })
    }
}
