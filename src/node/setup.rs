//! What a node works with, made of what it is to be.

use std::{rc::Rc, time::SystemTime};

use futures::{FutureExt, channel::oneshot, stream::LocalBoxStream};
use multiaddr::{Multiaddr, Protocol};

use super::{
    Config, Limits,
    accept::{Arrived, Listener},
    common::Common,
    dialback::{Dialback, Reach},
    extra::Extras,
    punch::Puncher,
    via::{self, Door},
};
use crate::{
    inbound::Service,
    nat::relay::{Circuits, Relay},
    native::{self, Native, Settings, network},
    probe::Ports,
};

/// What a node works with.
pub(super) struct Setup {
    pub(super) common: Rc<Common>,
    pub(super) limits: Limits,
    /// Those that it joins as a relay.
    pub(super) circuits: Option<Circuits>,
    /// Relays at which it keeps a slot.
    pub(super) via: Vec<Multiaddr>,
    /// Where those are let in who do not come to a port, and who they are.
    pub(super) door: Door,
    pub(super) let_in: LocalBoxStream<'static, Arrived>,
}

impl Setup {
    /// `closing` ends when the node does.
    pub(super) fn new(config: Config, listeners: &[Listener], addresses: &[Multiaddr], closing: oneshot::Receiver<()>) -> Self {
        let native = Native::new(Settings::default());
        let (identity, limits) = (config.identity, config.limits);
        let bound = listeners.iter().filter_map(Listener::bound);
        let reach = Reach::new(&bound.chain(addresses.iter().cloned()).collect::<Vec<_>>(), network::own);
        let dialback = Dialback::new(native.clone(), identity.clone(), config.partner, reach, stun_ports(listeners));
        let (relay, circuits) =
            config.relay.map(|limits| Relay::new(identity.clone(), limits, native.clock(), seconds_since_1970)).unzip();
        let (door, let_in) = via::door();
        let ports = if config.via.is_empty() { Ports::default() } else { ports(listeners) };
        let puncher = Rc::new(Puncher::new(ports, identity.clone(), door.0.clone()));
        let told = if config.announce.is_empty() { addresses.to_vec() } else { config.announce };
        let extra = Extras {
            clock: native.clock(),
            relay,
            addresses: told.clone(),
            us: Protocol::P2p(identity.public().to_peer_id()),
            puncher: Rc::clone(&puncher),
        };
        let service = Service {
            clock: native.clock(),
            identity,
            addresses: told.into(),
            extra: Box::new(extra),
            times: limits.times,
            closing: closing.shared(),
        };
        let tls = config.tls.map(|tls| tls.config);
        let common = Rc::new(Common { service: Rc::new(service), native, puncher, tls, dialback });
        Self { common, limits, circuits, via: config.via, door, let_in }
    }
}

/// The UDP ports that answer STUN.
fn stun_ports(listeners: &[Listener]) -> Vec<u16> {
    let mut ports: Vec<u16> = listeners.iter().filter_map(Listener::udp_port).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The ports that can dial too.
fn ports(listeners: &[Listener]) -> Ports {
    Ports {
        tcp: listeners.iter().filter_map(Listener::tcp_port).collect(),
        quic: listeners.iter().filter_map(Listener::as_quic).collect(),
    }
}

/// The time of day as relays tell it.
fn seconds_since_1970() -> u64 {
    native::time_of_day().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
