//! A vantage point, and what it is good for.

use std::{
    net::{IpAddr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use multiaddr::Multiaddr;

use super::turns::Turns;
use crate::{
    model::{Layer4, Transport, VantageKind},
    nat::{autonat, dialback, relay},
    plan::{self, Host, Parsed},
    session::Opener,
};

/// Round trips of a whole dial, from the first packet to identify, and one for the question itself. A line may be slow.
const ROUND_TRIPS: u32 = 6;

/// A peer that is asked over a connection of one family.
#[derive(Clone, Debug)]
pub(super) struct Vantage {
    /// Its peer ID.
    pub(super) name: String,
    /// Where it is.
    pub(super) ip: IpAddr,
    pub(super) opener: Opener,
    /// This machine's address as it sees it on that connection.
    pub(super) observed: Option<IpAddr>,
    /// Who may ask it by AutoNAT now.
    pub(super) turns: Rc<Turns>,
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

    /// The time for a dial of its, beside what a lost packet costs.
    pub(super) fn dials_within(&self, least: Duration) -> Duration {
        least + self.helper.as_ref().map_or(Duration::ZERO, |helper| ROUND_TRIPS * helper.rtt)
    }

    /// This machine's address as it sees it on the connection to it.
    pub(super) fn sees_us_at(&self) -> Option<IpAddr> {
        self.helper.as_ref().map(|helper| helper.observed.ip()).or(self.observed)
    }

    /// What it offers of use to the tests.
    pub(super) fn offers(&self) -> Vec<String> {
        const OFFERS: [(&str, &str); 4] = [
            (autonat::V1, "autonat-v1"),
            (autonat::DIAL_REQUEST, "autonat-v2"),
            (dialback::PROTOCOL, "dialback"),
            (relay::HOP, "relay"),
        ];
        OFFERS.iter().filter(|(protocol, _)| self.speaks(protocol)).map(|(_, name)| (*name).to_owned()).collect()
    }

    /// Whether it offers a protocol.
    pub(super) fn speaks(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|offered| offered == protocol)
    }

    /// Whether it is asked by AutoNAT. A helper is asked in more detail by other means.
    pub(super) fn asked_by_autonat(&self) -> bool {
        self.helper.is_none() && (self.speaks(autonat::V1) || self.speaks(autonat::DIAL_REQUEST))
    }

    /// Whether it is known to have sockets of its own of that protocol.
    pub(super) fn has(&self, layer: Layer4) -> bool {
        match layer {
            Layer4::Udp => !self.quic.is_empty(),
            Layer4::Tcp => !self.tcp.is_empty() || !self.ws.is_empty(),
        }
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
