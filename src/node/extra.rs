//! What a node does for dialers besides identify and ping: it relays, and punches holes to who comes through a relay.

use std::{net::IpAddr, rc::Rc};

use futures::future::LocalBoxFuture;
use multiaddr::{Multiaddr, Protocol};

use super::punch::Puncher;
use crate::{
    engine::Record,
    inbound::{Extra, Visitor, Welcome, told},
    model::{Scope, ip_of},
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

/// The addresses of a relay that its guest makes addresses of its own from, for others: the public ones. To a guest on a network that
/// others cannot reach the addresses there mean something too.
fn leading_here(addresses: &[Multiaddr], guest: IpAddr) -> Vec<Multiaddr> {
    let near = Scope::of_ip(guest);
    let leads = |address: &Multiaddr| {
        let scope = Scope::of(address);
        near == Scope::Loopback || scope == near || matches!(scope, Scope::Public | Scope::Dns)
    };
    told(addresses, Some(guest)).into_iter().filter(leads).collect()
}

impl Extra for Extras {
    fn welcome(&self, visitor: &Visitor) -> Welcome {
        if !visitor.relayed {
            self.puncher.came(visitor.peer, &visitor.remote);
        }
        let nothing = Welcome { services: Vec::new(), in_use: Box::new(|| false) };
        let (Some(relay), Some(ip)) = (&self.relay, ip_of(&visitor.remote)) else { return nothing };
        let addresses = leading_here(&self.addresses, ip).into_iter().map(|address| address.with(self.us.clone())).collect();
        let Visitor { peer, relayed, opener, .. } = visitor.clone();
        let (service, registration) = relay.welcome(Guest { peer, ip, relayed, opener, addresses });
        Welcome { services: vec![service], in_use: Box::new(move || registration.in_use()) }
    }

    fn identified<'a>(&'a self, visitor: &'a Visitor, announced: Vec<Multiaddr>, record: &'a Record) -> LocalBoxFuture<'a, ()> {
        Box::pin(async move {
            if visitor.relayed {
                self.puncher.punch(record, &visitor.opener, &self.clock, visitor.peer, &announced).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_told_what_leads_here_for_others() {
        let all = [
            "/ip4/11.22.33.44",
            "/ip4/192.168.1.5",
            "/ip4/100.64.0.5",
            "/ip4/127.0.0.1",
            "/ip6/fe80::5",
            "/dns4/relay.example",
            "/dns4/nas.local",
        ];
        let all = all.map(|address| format!("{address}/tcp/4001").parse::<Multiaddr>().unwrap());
        let table = [
            ("55.66.77.88", vec![0, 5]),
            ("2606:4700::1", vec![0, 5]),
            ("192.168.1.9", vec![0, 1, 5, 6]),
            ("100.64.0.9", vec![0, 2, 5]),
            ("fe80::9", vec![0, 4, 5]),
            ("127.0.0.1", (0..7).collect()),
        ];
        for (guest, expected) in table {
            let expected: Vec<Multiaddr> = expected.into_iter().map(|place: usize| all[place].clone()).collect();
            assert_eq!(leading_here(&all, guest.parse().unwrap()), expected, "{guest}");
        }
    }
}
