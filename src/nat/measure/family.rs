//! The tests of one address family.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    time::Duration,
};

use futures::future::{join, select};
use multiaddr::{Multiaddr, Protocol};

use super::{
    Tests,
    order::{Course, How, Target},
    tcp::Tcp,
    udp::Udp,
    vantage::Vantage,
};
use crate::{
    engine::Notes,
    model::{self, Layer4, LocalAddress, NatFound, Scope},
    native::{Native, network},
};

/// One address family, and who can be asked over it.
pub(super) struct Family<'a> {
    pub(super) native: &'a Native,
    pub(super) notes: &'a Notes,
    version: model::Family,
    vantages: Vec<&'a Vantage>,
    tests: &'a Tests,
}

/// The addresses of this machine: those that it sends from, and the others on its links.
pub(super) fn local() -> NatFound {
    let mut ips: Vec<IpAddr> = network::families().into_iter().map(|(_, ip)| ip).collect();
    for ip in network::on_links() {
        if !ips.contains(&ip) {
            ips.push(ip);
        }
    }
    let addresses = ips.into_iter().map(|ip| LocalAddress { address: ip.to_string(), scope: Scope::of_ip(ip) });
    NatFound::Local { addresses: addresses.collect() }
}

impl<'a> Family<'a> {
    pub(super) fn new(
        native: &'a Native,
        notes: &'a Notes,
        family: model::Family,
        known: &'a [Vantage],
        tests: &'a Tests,
    ) -> Self {
        let v4 = family == model::Family::Ipv4;
        Self {
            native,
            notes,
            version: family,
            vantages: known.iter().filter(|vantage| vantage.ip.is_ipv4() == v4).collect(),
            tests,
        }
    }

    pub(super) fn helpers(&self) -> impl Iterator<Item = &'a Vantage> {
        self.vantages.iter().copied().filter(|vantage| vantage.helper.is_some())
    }

    /// Those who are asked by AutoNAT.
    pub(super) fn servers_by_autonat(&self) -> impl Iterator<Item = &'a Vantage> {
        self.vantages.iter().copied().filter(|vantage| vantage.asked_by_autonat())
    }

    /// Whether a vantage point is one of those.
    pub(super) fn asks_by_autonat(&self, name: &str) -> bool {
        self.servers_by_autonat().any(|vantage| vantage.name == name)
    }

    /// When the last answer has to be there, by the runtime's clock.
    pub(super) fn until(&self) -> Duration {
        self.tests.until
    }

    fn servers(&self) -> impl Iterator<Item = SocketAddr> {
        let v4 = self.version == model::Family::Ipv4;
        self.tests.stun.iter().copied().filter(move |server| server.is_ipv4() == v4)
    }

    /// Tests UDP and TCP side by side.
    pub(super) async fn measure(&self) {
        if self.vantages.is_empty() && self.servers().next().is_none() {
            return;
        }
        join(self.udp(), self.tcp()).await;
    }

    async fn udp(&self) {
        let keypair = self.native.machine().identity();
        match Udp::bind(self.native, keypair, self.port(Layer4::Udp)) {
            Ok(socket) => {
                select(pin!(socket.pump()), pin!(Course::new(self, &socket).run())).await;
            }
            Err(error) => tracing::warn!(%error, "no UDP port could be opened to be tested"),
        }
    }

    async fn tcp(&self) {
        let keypair = self.native.machine().identity();
        match Tcp::bind(self.native, keypair, self.port(Layer4::Tcp)) {
            Ok(socket) => {
                select(pin!(socket.pump()), pin!(Course::new(self, &socket).run())).await;
            }
            Err(error) => tracing::warn!(%error, "no TCP port could be opened to be tested"),
        }
    }

    /// Where to listen: the port that the user fixed, or any.
    fn port(&self, layer: Layer4) -> SocketAddr {
        let any: IpAddr = match self.version {
            model::Family::Ipv4 => Ipv4Addr::UNSPECIFIED.into(),
            model::Family::Ipv6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        self.fixed_port(layer).unwrap_or(SocketAddr::new(any, 0))
    }

    fn fixed_port(&self, layer: Layer4) -> Option<SocketAddr> {
        let mut fixed = self.tests.listen.iter().filter_map(|address| listened(address, layer));
        fixed.find(|socket| socket.is_ipv4() == (self.version == model::Family::Ipv4))
    }

    /// Whether the user fixed the port: any other is not forwarded by hand.
    pub(super) fn fixed(&self, layer: Layer4) -> bool {
        self.fixed_port(layer).is_some()
    }

    /// Who may be asked for the outside address, in the order to ask: where few can be strangers later, they come last; and a
    /// second port of one host comes after the first ports of all.
    pub(super) fn targets(&self, layer: Layer4) -> Vec<Target> {
        let of = |vantage: &&Vantage| -> Vec<Target> {
            let target = |to: &SocketAddr, how| Target { vantage: vantage.name.clone(), to: *to, how };
            match layer {
                Layer4::Udp if vantage.helper.is_some() => vantage.stun().iter().map(|to| target(to, How::Stun)).collect(),
                Layer4::Udp => vantage.quic.iter().map(|to| target(to, How::Quic)).collect(),
                Layer4::Tcp => {
                    let tcp = vantage.tcp.iter().map(|to| target(to, How::Tcp));
                    tcp.chain(vantage.ws.iter().map(|to| target(to, How::Ws))).collect()
                }
            }
        };
        let helpers: Vec<&Vantage> = self.helpers().collect();
        let strangers_first = helpers.len() > 1;
        let mut order: Vec<Vec<Target>> = Vec::new();
        let servers = self.servers().filter(|_| layer == Layer4::Udp);
        order.extend(servers.map(|to| vec![Target { vantage: to.to_string(), to, how: How::Stun }]));
        // Who can dial back is worth more as a stranger.
        let others = || self.vantages.iter().filter(|vantage| vantage.helper.is_none());
        order.extend(others().filter(|vantage| !vantage.asked_by_autonat()).map(of));
        order.extend(others().filter(|vantage| vantage.asked_by_autonat()).map(of));
        let at = if strangers_first { 0 } else { order.len() };
        order.splice(at..at, helpers.iter().map(of));
        interleaved(&order)
    }
}

/// The first of each, then the second of each; two of one host are enough.
fn interleaved(lists: &[Vec<Target>]) -> Vec<Target> {
    (0..2).flat_map(|place| lists.iter().filter_map(move |list| list.get(place).cloned()).collect::<Vec<_>>()).collect()
}

/// The socket of an address to listen on, if it is one of this protocol.
fn listened(address: &Multiaddr, layer: Layer4) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match (parts.next()?, layer) {
        (Protocol::Tcp(port), Layer4::Tcp) | (Protocol::Udp(port), Layer4::Udp) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}
