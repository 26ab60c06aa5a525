//! A vantage point, and what it is good for.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use multiaddr::Multiaddr;

use crate::{
    model::{Transport, VantageKind},
    nat::dialback,
    plan::{self, Host, Parsed},
    session::Opener,
};

/// A peer that is asked over a connection of one family.
#[derive(Clone, Debug)]
pub(super) struct Vantage {
    /// Its peer ID.
    pub(super) name: String,
    /// Where it is.
    pub(super) ip: IpAddr,
    pub(super) opener: Opener,
    /// The protocols that it offers.
    pub(super) protocols: Vec<String>,
    /// Ports of that address, by transport, in the order told.
    pub(super) tcp: Vec<SocketAddr>,
    pub(super) ws: Vec<SocketAddr>,
    pub(super) quic: Vec<SocketAddr>,
    /// What it says of itself, where it is a helper.
    pub(super) helper: Option<Helper>,
}

/// A `p2p-probe listen`.
#[derive(Clone, Debug)]
pub(super) struct Helper {
    /// The address of the connection to it, as it sees it.
    pub(super) observed: SocketAddr,
    pub(super) partner: Option<String>,
    /// UDP ports that answer STUN.
    pub(super) stun: Vec<u16>,
    /// How long a question takes.
    pub(super) rtt: Duration,
}

impl Vantage {
    pub(super) fn kind(&self) -> VantageKind {
        if self.helper.is_some() { VantageKind::Helper } else { VantageKind::Libp2p }
    }

    /// What it offers of use to the tests.
    pub(super) fn offers(&self) -> Vec<String> {
        const OFFERS: [(&str, &str); 4] = [
            ("/libp2p/autonat/1.0.0", "autonat-v1"),
            ("/libp2p/autonat/2/dial-request", "autonat-v2"),
            (dialback::PROTOCOL, "dialback"),
            ("/libp2p/circuit/relay/0.2.0/hop", "relay"),
        ];
        let offered = OFFERS.iter().filter(|(protocol, _)| self.protocols.iter().any(|offered| offered == protocol));
        offered.map(|(_, name)| (*name).to_owned()).collect()
    }

    /// Notes an address of it, if it is on the same IP address: others may be another machine to us.
    pub(super) fn learn(&mut self, address: &Multiaddr) {
        let Ok(Parsed::Route(route)) = plan::parse(address) else { return };
        if !matches!(route.host, Host::Ip(ip, None) if ip == self.ip) {
            return;
        }
        let socket = SocketAddr::new(self.ip, route.port);
        let list = match route.transport {
            Transport::Tcp => &mut self.tcp,
            Transport::Ws => &mut self.ws,
            Transport::Quic => &mut self.quic,
            _ => return,
        };
        if !list.contains(&socket) {
            list.push(socket);
        }
    }

    /// Where it answers STUN, the port of QUIC first.
    pub(super) fn stun(&self) -> Vec<SocketAddr> {
        let ports = self.helper.iter().flat_map(|helper| helper.stun.iter().copied());
        let mut sockets: Vec<SocketAddr> = ports.map(|port| SocketAddr::new(self.ip, port)).collect();
        sockets.sort_by_key(|socket| !self.quic.contains(socket));
        sockets
    }
}
