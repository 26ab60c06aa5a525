//! The tests of one address family.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    time::Duration,
};

use futures::future::{join, pending, select};
use multiaddr::Multiaddr;
use tokio::sync::watch;

use super::{
    Tests,
    doubt::Doubt,
    gateways::Gateways,
    nat64::Way,
    order::{Course, How, Target, UnderTest},
    pinholes,
    tcp::Tcp,
    udp::Udp,
    vantage::Vantage,
};
use crate::{
    engine::Notes,
    model::{self, Layer4, NatFound, Scope, socket_of},
    native::{Native, network},
};

/// One address family, and who can be asked over it.
pub(super) struct Family<'a> {
    pub(super) native: &'a Native,
    pub(super) notes: &'a Notes,
    version: model::Family,
    pub(super) way: Way,
    vantages: Vec<&'a Vantage>,
    tests: &'a Tests,
    doubt: Doubt,
}

/// The addresses of this machine: those that it sends from, and the others on its links.
pub(super) fn local() -> NatFound {
    let mut ips: Vec<IpAddr> = network::families().into_iter().map(|(_, ip)| ip).collect();
    for ip in network::on_links() {
        if !ips.contains(&ip) {
            ips.push(ip);
        }
    }
    NatFound::Local { addresses: network::described(ips) }
}

impl<'a> Family<'a> {
    pub(super) fn new(
        native: &'a Native,
        notes: &'a Notes,
        (family, way): (model::Family, Way),
        known: &'a [Vantage],
        tests: &'a Tests,
    ) -> Self {
        let v4 = family == model::Family::Ipv4;
        Self {
            native,
            notes,
            version: family,
            way,
            vantages: known.iter().filter(|vantage| vantage.ip.is_ipv4() == v4).collect(),
            tests,
            doubt: Doubt::default(),
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

    /// The time for dials of helpers, of which this is the least.
    pub(super) fn over_the_line(&self, least: Duration) -> Duration {
        self.helpers().map(|helper| helper.dials_within(least)).max().unwrap_or(least)
    }

    /// Where a vantage point is.
    pub(super) fn ip_of(&self, name: &str) -> Option<IpAddr> {
        self.vantages.iter().find(|vantage| vantage.name == name).map(|vantage| vantage.ip)
    }

    fn servers(&self) -> impl Iterator<Item = SocketAddr> {
        let v4 = self.version == model::Family::Ipv4;
        self.tests.servers.iter().copied().filter(move |server| server.is_ipv4() == v4)
    }

    /// Tests UDP and TCP side by side, and then what gateways make of it. Holds `at_work` until its vantage points were asked what
    /// they are needed for, and asks for second opinions once nobody holds it.
    pub(super) async fn measure(&self, at_work: watch::Sender<()>, mut others: watch::Receiver<()>) {
        let alone = self.vantages.is_empty() && self.servers().next().is_none();
        if alone && !self.asks_gateways() {
            return;
        }
        let keypair = self.native.machine().identity();
        let udp = bound(Layer4::Udp, Udp::bind(self.native, keypair, self.port(Layer4::Udp), self.way));
        let tcp = bound(Layer4::Tcp, Tcp::bind(self.native, keypair, self.port(Layer4::Tcp), self.way));
        let (of_udp, of_tcp) = (self.course(udp.as_ref()), self.course(tcp.as_ref()));
        let gateways = Gateways::new(self);
        let courses = async {
            join(self.run(of_udp.as_ref()), self.run(of_tcp.as_ref())).await;
            drop(at_work);
            while others.changed().await.is_ok() {}
            join(again(of_udp.as_ref()), again(of_tcp.as_ref())).await;
        };
        let mapping = async {
            let (found, router) = join(gateways.find(), Box::pin(pinholes::find(self))).await;
            self.doubt.end().await;
            gateways.test(found, udp.as_ref(), tcp.as_ref()).await;
            if let Some(router) = router {
                Box::pin(pinholes::test(self, router, udp.as_ref(), tcp.as_ref())).await;
            }
        };
        let pumps = async {
            join(pump(udp.as_ref().map(Udp::pump)), pump(tcp.as_ref().map(Tcp::pump))).await;
        };
        select(pin!(pumps), pin!(join(courses, mapping))).await;
    }

    fn course<'b, S: UnderTest>(&'b self, socket: Option<&'b S>) -> Option<Course<'b, S>> {
        socket.map(|socket| Course::new(self, socket))
    }

    async fn run<S: UnderTest>(&self, course: Option<&Course<'_, S>>) {
        if let Some(course) = course {
            course.run().await;
        }
        self.over(S::LAYER);
    }

    /// The tests that are made from here are over; servers of other implementations may still be at work.
    pub(super) fn over(&self, layer: Layer4) {
        self.doubt.over(layer);
    }

    /// Whether gateways are looked for at all: over IPv4, and where the own address needs one.
    fn asks_gateways(&self) -> bool {
        let inside = |ip| matches!(Scope::of_ip(ip), Scope::Private | Scope::Cgnat);
        let own = || network::families().into_iter().find(|(family, _)| *family == model::Family::Ipv4);
        self.version == model::Family::Ipv4 && !self.tests.leave_gateways && own().is_some_and(|(_, ip)| inside(ip))
    }

    /// Whether the router is asked to open its firewall: over IPv6.
    pub(super) fn asks_router(&self) -> bool {
        self.version == model::Family::Ipv6 && !self.tests.leave_gateways
    }

    /// Waits until all tests are over.
    pub(super) async fn ended(&self) {
        self.doubt.end().await;
    }

    /// A vantage point told the outside address of a socket under test.
    pub(super) fn seen(&self, own: IpAddr, outside: IpAddr) {
        self.doubt.settle(own != outside);
    }

    /// Waits until it is known whether a NAT stands between, which gateways could help with; where nobody tells, it may.
    pub(super) async fn translated(&self) -> bool {
        self.asks_gateways() && self.doubt.translated().await
    }

    /// Where to listen: the port that the user fixed, or any.
    fn port(&self, layer: Layer4) -> SocketAddr {
        let straight = self.version == model::Family::Ipv4 && self.way.0.is_none();
        let any: IpAddr = if straight { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        match self.fixed_port(layer) {
            Some(fixed) if fixed.is_ipv4() == straight => fixed,
            fixed => SocketAddr::new(any, fixed.map_or(0, |fixed| fixed.port())),
        }
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
            let rtt = vantage.helper.as_ref().map_or(Duration::ZERO, |helper| helper.rtt);
            let target = |to: &SocketAddr, how| Target { vantage: vantage.name.clone(), to: *to, how, rtt };
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
        order.extend(servers.map(|to| vec![Target { vantage: to.to_string(), to, how: How::Stun, rtt: Duration::ZERO }]));
        // Who sees this machine elsewhere than most do comes last: everything is tested at the address that the first one tells.
        let sees = self.seen_by_most();
        let (agreed, apart): (Vec<&Vantage>, Vec<&Vantage>) =
            self.vantages.iter().copied().partition(|vantage| vantage.sees_us_at().is_none_or(|at| Some(at) == sees));
        // Who can dial back is worth more as a stranger.
        let others = || agreed.iter().filter(|vantage| vantage.helper.is_none());
        order.extend(others().filter(|vantage| !vantage.asked_by_autonat()).map(of));
        order.extend(others().filter(|vantage| vantage.asked_by_autonat()).map(of));
        let at = if strangers_first { 0 } else { order.len() };
        order.splice(at..at, agreed.iter().filter(|vantage| vantage.helper.is_some()).map(of));
        order.extend(apart.iter().map(of));
        interleaved(&order)
    }

    /// The address of this machine that most vantage points see on the connections to them; of as many, an own one before another,
    /// a public one before a private one, and what the first of them sees.
    fn seen_by_most(&self) -> Option<IpAddr> {
        let seen: Vec<IpAddr> = self.vantages.iter().filter_map(|vantage| vantage.sees_us_at()).collect();
        let weight = |ip: &IpAddr| {
            let count = seen.iter().filter(|other| *other == ip).count();
            (count, self.way.is_own(SocketAddr::new(*ip, 0)), Scope::of_ip(*ip) == Scope::Public)
        };
        // Of equals the last is taken.
        seen.iter().rev().max_by_key(|ip| weight(ip)).copied()
    }
}

/// A port that could be had.
fn bound<S>(layer: Layer4, socket: io::Result<S>) -> Option<S> {
    socket.inspect_err(|error| tracing::warn!(%error, "no {layer} port could be opened to be tested")).ok()
}

async fn again<S: UnderTest>(course: Option<&Course<'_, S>>) {
    if let Some(course) = course {
        course.again().await;
    }
}

/// Without a socket there is nothing to be pumped, and nothing ends for it.
async fn pump(socket: Option<impl Future<Output = ()>>) {
    match socket {
        Some(socket) => socket.await,
        None => pending().await,
    }
}

/// The first of each, then the second of each; two of one host are enough.
fn interleaved(lists: &[Vec<Target>]) -> Vec<Target> {
    (0..2).flat_map(|place| lists.iter().filter_map(move |list| list.get(place).cloned()).collect::<Vec<_>>()).collect()
}

/// The socket of an address to listen on, if it is one of this protocol.
fn listened(address: &Multiaddr, layer: Layer4) -> Option<SocketAddr> {
    socket_of(address).filter(|(other, _)| *other == layer).map(|(_, at)| at)
}
