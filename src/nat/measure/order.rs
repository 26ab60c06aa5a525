//! The tests on one socket, in the order that keeps each of them honest.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use futures::future::{join, join_all};
use multiaddr::{Multiaddr, Protocol};
use tokio::sync::Notify;

use super::{family::Family, listener::Guests, question::Again, vantage::Vantage};
use crate::{
    fault::Fault,
    model::{Layer4, MappingSeen, NatFound, Outcome, Stage, Tested},
    nat::dialback::By,
};

/// Vantage points that are tried to learn a first outside address: each that is silent costs a second.
const FIRST: usize = 3;

/// A socket under test.
pub(super) trait UnderTest {
    /// Its protocol.
    const LAYER: Layer4;
    /// Whether nobody sends again what is lost: one try shows little then.
    const MAY_BE_LOST: bool;

    /// The port that it has.
    fn port(&self) -> u16;

    /// Who has arrived at it.
    fn guests(&self) -> &Guests;

    /// Sends to somebody, and learns the own outside address.
    async fn ask(&self, target: &Target) -> Result<SocketAddr, Fault>;

    /// Has a helper send to an outside address from a fresh port.
    async fn packets(&self, helper: &Vantage, by: By, to: SocketAddr) -> Packets;

    /// Has a helper shake hands, where [`UnderTest::packets`] does less.
    async fn handshake(&self, helper: &Vantage, by: By, to: SocketAddr) -> Option<Packets>;

    /// Sends to the own outside address from another port.
    async fn hairpin(&self, to: SocketAddr) -> Tested;
}

/// Who is sent to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The name of the vantage point.
    pub(super) vantage: String,
    pub(super) to: SocketAddr,
    pub(super) how: How,
    /// How long a question to it takes, where that is known.
    pub(super) rtt: Duration,
}

/// How an outside address is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// A STUN binding request.
    Stun,
    /// A QUIC connection and identify.
    Quic,
    /// A TCP connection and identify.
    Tcp,
    /// The same within a WebSocket.
    Ws,
}

/// What came of packets that a helper was to send.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Packets {
    pub(super) vantage: String,
    /// Where they came from: as seen here where they arrived.
    pub(super) from: Option<SocketAddr>,
    /// Whether they arrived at all.
    pub(super) arrived: Outcome,
    /// How the dial went that they belonged to; none for bare datagrams.
    pub(super) dial: Option<(Outcome, Vec<Stage>)>,
    pub(super) message: Option<String>,
}

/// The tests on one socket.
pub(super) struct Course<'a, S> {
    pub(super) family: &'a Family<'a>,
    pub(super) socket: &'a S,
    /// Which peers were asked about which address by AutoNAT.
    pub(super) asked: RefCell<BTreeSet<(String, SocketAddr)>>,
    /// What they are asked once more at the end.
    pub(super) again: RefCell<Vec<Again<'a>>>,
}

impl<'a, S: UnderTest> Course<'a, S> {
    pub(super) fn new(family: &'a Family<'a>, socket: &'a S) -> Self {
        Self { family, socket, asked: RefCell::default(), again: RefCell::default() }
    }

    pub(super) async fn run(&self) {
        let targets = self.family.targets(S::LAYER);
        self.before_anything(&targets).await;
        let turn = Notify::new();
        self.after(&turn, Box::pin(self.alone(&targets, &turn)), Box::pin(self.sending(targets.clone()))).await;
    }

    /// From the first packet that the socket sends.
    async fn sending(&self, mut targets: Vec<Target>) {
        let Some((first, outside)) = self.first(&mut targets).await else { return };
        let stranger = |target: &Target| target.to.ip() != first.to.ip() && self.family.asks_by_autonat(&target.vantage);
        let (strangers, targets): (Vec<_>, Vec<_>) = targets.into_iter().partition(stranger);
        // Once all have been sent to who are to be, the port may be mapped otherwise.
        let waiting = Cell::new(self.family.servers_by_autonat().count());
        let sent = || match waiting.get().checked_sub(1) {
            Some(left) => waiting.set(left),
            None => self.family.over(S::LAYER),
        };
        let ours = async {
            let kept_out = self.strangers_and_known(&first, outside).await;
            self.others(&first, targets, outside).await;
            if let Some(helper) = kept_out {
                self.test(helper, By::You, outside).await;
            }
            if !self.family.way.is_own(outside) {
                let result = self.socket.hairpin(outside).await;
                self.family.notes.found(NatFound::Hairpin { layer: S::LAYER, to: outside, result });
            }
            sent();
        };
        join(ours, self.foreign(outside, &strangers, &sent)).await;
    }

    /// With one host alone nobody will be a stranger later on: it is one as long as the socket has sent nothing. That shows a
    /// port that is open on an own address or forwarded; behind a NAT a failure shows nothing, since no port is mapped yet.
    async fn before_anything(&self, targets: &[Target]) {
        let hosts: BTreeSet<_> = targets.iter().map(|target| target.to.ip()).collect();
        let Some(helper) = self.family.helpers().next() else { return };
        let Some(info) = helper.helper.as_ref().filter(|info| hosts.len() <= 1 && info.partner.is_none()) else { return };
        let to = SocketAddr::new(info.observed.ip(), self.socket.port());
        let at_home = self.family.way.is_own(to);
        let mut packets = self.packets(helper, By::You, to).await;
        if at_home && S::MAY_BE_LOST && !packets.arrived.passed() {
            packets = self.packets(helper, By::You, to).await;
        }
        if at_home {
            self.filtering(&packets, to, false);
        }
        if at_home || packets.arrived.passed() {
            self.inbound(helper, By::You, packets, to).await;
        }
    }

    /// The first who answers.
    async fn first(&self, targets: &mut Vec<Target>) -> Option<(Target, SocketAddr)> {
        let mut asked = BTreeSet::new();
        while asked.len() < FIRST {
            // A second port of a host that is silent would be silent as well.
            let next = targets.iter().position(|target| !asked.contains(&target.to.ip()))?;
            let target = targets.remove(next);
            asked.insert(target.to.ip());
            if let Some(outside) = self.ask(&target).await {
                return Some((target, outside));
            }
        }
        None
    }

    pub(super) async fn ask(&self, target: &Target) -> Option<SocketAddr> {
        self.socket.guests().sends_to(target.to);
        let told = self.socket.ask(target).await;
        let own = self.family.way.own(target.to).unwrap_or_else(|| unspecified(target.to));
        let local = SocketAddr::new(own, self.socket.port());
        let (mapped, outcome) = match told {
            Ok(mapped) => (Some(SocketAddr::new(mapped.ip().to_canonical(), mapped.port())), Outcome::Passed),
            Err(fault) => (None, Outcome::failed(fault.cause)),
        };
        let mapped = mapped.filter(|mapped| mapped.is_ipv4() == target.to.is_ipv4());
        if let Some(mapped) = mapped {
            self.family.seen(local.ip(), mapped.ip());
        }
        let vantage = target.vantage.clone();
        let seen = MappingSeen { layer: S::LAYER, local, vantage, to: target.to, mapped, outcome };
        self.family.notes.found(NatFound::Mapping(seen));
        mapped
    }

    pub(super) fn has_contacted(&self, ip: IpAddr) -> bool {
        self.socket.guests().has_contacted(ip)
    }

    /// Everybody else, and then from another port of one that has been sent to, if that was not tested yet.
    async fn others(&self, first: &Target, targets: Vec<Target>, outside: SocketAddr) {
        let helper_before = self.family.helpers().any(|helper| self.has_contacted(helper.ip));
        let told = join_all(targets.iter().map(|target| self.ask(target))).await;
        let others = targets.iter().zip(told).filter_map(|(target, mapped)| Some((target.to.ip(), mapped?)));
        let told: Vec<(IpAddr, SocketAddr)> = [(first.to.ip(), outside)].into_iter().chain(others).collect();
        let contacted = |helper: &&Vantage| self.has_contacted(helper.ip);
        if !helper_before && let Some(helper) = self.family.helpers().find(contacted) {
            self.test(helper, By::You, outside).await;
        }
        join_all(self.family.helpers().filter_map(|helper| {
            let other = other_address(&told, helper.ip, outside)?;
            Some(self.test(helper, By::You, other))
        }))
        .await;
    }
}

/// The outside address that a host tells for all its ports, where that is another port of the first one: the NAT gives each host one,
/// or a host tells a wrong port. What arrives there shows who is right.
fn other_address(told: &[(IpAddr, SocketAddr)], host: IpAddr, outside: SocketAddr) -> Option<SocketAddr> {
    let mut by_host = told.iter().filter(|(by, _)| *by == host).map(|(_, mapped)| *mapped);
    let other = by_host.next().filter(|other| other.ip() == outside.ip() && *other != outside)?;
    by_host.all(|mapped| mapped == other).then_some(other)
}

fn unspecified(to: SocketAddr) -> IpAddr {
    if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}

/// The first word of an address.
pub(super) fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "ip4" } else { "ip6" }
}

/// The address that a peer would dial.
pub(super) fn address(layer: Layer4, to: SocketAddr) -> Multiaddr {
    let (ip, port) = (Multiaddr::from(to.ip()), to.port());
    match layer {
        Layer4::Udp => ip.with(Protocol::Udp(port)).with(Protocol::QuicV1),
        Layer4::Tcp => ip.with(Protocol::Tcp(port)),
    }
}
