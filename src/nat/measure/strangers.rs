//! Who sends to a socket under test from outside, and what that shows.

use std::net::{IpAddr, SocketAddr};

use futures::future::{join, join_all};

use super::{
    order::{Course, Packets, Target, UnderTest, address, family},
    vantage::{Helper, Vantage},
};
use crate::{
    model::{FilteringSeen, InboundBy, InboundSeen, Method, NatFound, Outcome, WhyCode},
    nat::dialback::By,
};

/// Strangers that send: one that arrives settles it, and two that do not are enough.
const STRANGERS: usize = 2;

impl<'a, S: UnderTest> Course<'a, S> {
    /// The stranger, if there is one, that was kept out where who had been sent to came in: unless it comes in as well once it has
    /// been sent to, what it sends may not leave it.
    pub(super) async fn strangers_and_known(&self, first: &Target, outside: SocketAddr) -> Option<&'a Vantage> {
        let strangers: Vec<&'a Vantage> =
            self.family.helpers().filter(|helper| !self.has_contacted(helper.ip)).take(STRANGERS).collect();
        let partner = self.family.helpers().find(|helper| helper.helper.as_ref().is_some_and(|info| info.partner.is_some()));
        let mut senders: Vec<(&'a Vantage, By)> = strangers.iter().map(|helper| (*helper, By::You)).collect();
        if senders.is_empty() {
            senders.extend(partner.map(|helper| (helper, By::Partner)));
        }
        let forwarded = self.forwarded(&senders, outside);
        let sending = join_all(senders.iter().map(|(helper, by)| self.test(helper, *by, outside)));
        let known = join_all(
            self.family.helpers().filter(|helper| helper.ip == first.to.ip()).map(|helper| self.test(helper, By::You, outside)),
        );
        let ((strangers, known), ()) = join(join(sending, known), forwarded).await;
        let (helper, by) = *senders.first().filter(|_| known.contains(&true) && !strangers.contains(&true))?;
        // What is lost on the way looks like a filter by address.
        let lost = S::MAY_BE_LOST && self.test(helper, by, outside).await;
        (!lost && by == By::You).then_some(helper)
    }

    /// A port that was forwarded by hand has the number that is listened on, whatever a NAT makes of what is sent.
    async fn forwarded(&self, senders: &[(&Vantage, By)], outside: SocketAddr) {
        let to = SocketAddr::new(outside.ip(), self.socket.port());
        let Some((helper, by)) = senders.first().filter(|_| to != outside) else { return };
        let packets = self.packets(helper, *by, to).await;
        if packets.arrived.passed() {
            self.inbound(helper, *by, packets, to).await;
        }
    }

    /// Has a helper send, and tells what it shows. Whether anything arrived.
    pub(super) async fn test(&self, helper: &Vantage, by: By, to: SocketAddr) -> bool {
        // It sends to where it sees this machine, and nowhere else.
        let sees = |info: &Helper| info.observed.ip() == to.ip();
        let packets = if helper.helper.as_ref().is_some_and(sees) {
            self.packets(helper, by, to).await
        } else {
            let (vantage, arrived) = (helper.name.clone(), Outcome::unknown(WhyCode::VantagesDisagree));
            Packets { vantage, from: None, arrived, dial: None, message: None }
        };
        let (contacted, arrived) = (self.was_contacted(helper, by, &packets), packets.arrived.passed());
        self.filtering(&packets, to, contacted);
        self.inbound(helper, by, packets, to).await;
        arrived
    }

    /// Has a helper, or its partner, send. What was not seen to arrive a helper sent from the address that it is known by: what it says
    /// itself may be an address behind a NAT of its own.
    pub(super) async fn packets(&self, helper: &Vantage, by: By, to: SocketAddr) -> Packets {
        let packets = self.socket.packets(helper, by, to).await;
        let unseen = by == By::You && !packets.arrived.passed();
        let from = packets.from.map(|from| if unseen { SocketAddr::new(helper.ip, from.port()) } else { from });
        Packets { from, ..packets }
    }

    /// Whether the socket had sent to who sent this. A partner whose dial did not connect does not say where it is: unless it is a
    /// vantage point itself, it is another host than all that were sent to.
    fn was_contacted(&self, helper: &Vantage, by: By, packets: &Packets) -> bool {
        let known = if by == By::You { Some(helper.ip) } else { self.family.ip_of(&packets.vantage) };
        let ip = packets.from.map(|from| from.ip()).or(known);
        ip.is_some_and(|ip| self.has_contacted(ip))
    }

    pub(super) fn filtering(&self, packets: &Packets, to: SocketAddr, contacted_before: bool) {
        let answer = packets.from.is_some_and(|from| self.socket.guests().is_contacted(from));
        let outcome = if answer { Outcome::unknown(WhyCode::VantagesDisagree) } else { packets.arrived.clone() };
        self.family.notes.found(NatFound::Filtering(FilteringSeen {
            layer: S::LAYER,
            vantage: packets.vantage.clone(),
            from: packets.from,
            to,
            contacted_before,
            outcome,
            message: packets.message.clone(),
        }));
    }

    /// Tells a dial from outside; where it was datagrams that arrived, a dial follows.
    pub(super) async fn inbound(&self, helper: &Vantage, by: By, packets: Packets, to: SocketAddr) {
        let contacted = self.was_contacted(helper, by, &packets);
        let arrived = packets.arrived.passed();
        // Of a dial that did not connect nobody knows the port.
        let host = packets.from.map(|from| from.ip()).or((by == By::You).then_some(helper.ip));
        self.told(packets, host, to, contacted);
        if let Some(dial) = if arrived { self.socket.handshake(helper, by, to).await } else { None } {
            self.told(dial, host, to, contacted);
        }
    }

    fn told(&self, packets: Packets, from: Option<IpAddr>, to: SocketAddr, contacted_before: bool) {
        let (method, outcome, stages) = match packets.dial {
            Some((outcome, stages)) => (Method::Dialback, outcome, stages),
            None => (Method::Datagrams, packets.arrived, Vec::new()),
        };
        let from = from.map(|ip| format!("/{}/{ip}", family(ip)));
        let by =
            InboundBy { method, vantage: packets.vantage, from, contacted_before, outcome, stages, message: packets.message };
        let address = address(S::LAYER, to).to_string();
        self.family.notes.found(NatFound::Inbound(InboundSeen { address, transport: S::LAYER.transport(), by }));
    }
}
