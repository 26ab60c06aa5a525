//! Where the relay sees the ports that we dial from: the one that it is dialed from as it is, the others by further connections,
//! where it announces that it can be dialed so.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    time::Duration,
};

use futures::{
    StreamExt as _,
    channel::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
        oneshot,
    },
    future::{join_all, pending, select},
};
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use crate::{
    engine::{Ctx, Log, Record},
    model::{Found, StageName, Transport, WhyCode},
    nat::punch,
    plan::{self, Host, Parsed, Planned, Route},
    probe::{Dial, connect},
    session::Session,
};

/// What holes are punched over.
pub(super) const TRANSPORTS: [Transport; 2] = [Transport::Tcp, Transport::Quic];
/// How long to wait for the further connections, before the peer is dialed: a relay that answers does so in a few round trips.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a port is, as others see it; else why that is not known.
type Place = Result<Multiaddr, WhyCode>;

/// Who the relay is, and where it can be dialed.
struct Known {
    relay: PeerId,
    announced: Vec<Multiaddr>,
}

/// What the relay says of our ports.
pub(super) struct Outside<'a> {
    dial: Dial<'a>,
    /// The transport that the relay is dialed over.
    carrier: Transport,
    begin: Cell<Option<oneshot::Sender<Known>>>,
    answers: Cell<Option<UnboundedReceiver<(Transport, Place)>>>,
    seen: RefCell<Vec<(Transport, Place)>>,
}

/// The further connections to the relay, which are kept as long as this is polled: so are the mappings of a NAT.
pub(super) struct Further<'a> {
    dial: Dial<'a>,
    carrier: Transport,
    known: oneshot::Receiver<Known>,
    tell: UnboundedSender<(Transport, Place)>,
}

/// Both parts, of which the second one works beside all else.
pub(super) fn outside(dial: Dial<'_>, carrier: Transport) -> (Outside<'_>, Further<'_>) {
    let (begin, known) = oneshot::channel();
    let (tell, answers) = unbounded();
    let outside =
        Outside { dial, carrier, begin: Cell::new(Some(begin)), answers: Cell::new(Some(answers)), seen: RefCell::default() };
    (outside, Further { dial, carrier, known, tell })
}

impl Outside<'_> {
    /// Asks the relay, as the stage `identify`. One that does not tell may relay all the same.
    pub(super) async fn ask(&self, session: &Session, relay: PeerId) {
        let ctx = self.dial.ctx;
        ctx.enter(StageName::Identify);
        let identified = match session.identify().await {
            Ok(identified) => identified,
            Err(fault) => return ctx.failed_but_continue(fault),
        };
        let observed = identified.observed.as_ref().map(ToString::to_string);
        ctx.found(Found { agent: identified.agent, observed, ..Found::default() });
        if TRANSPORTS.contains(&self.carrier) {
            self.seen.borrow_mut().push((self.carrier, identified.observed.ok_or(WhyCode::TooFewVantages)));
        }
        if let (Some(begin), Some(mut answers)) = (self.begin.take(), self.answers.take()) {
            // The other part lives as long as the dial.
            let _ = begin.send(Known { relay, announced: identified.announced });
            let all = async {
                while let Some(answer) = answers.next().await {
                    self.seen.borrow_mut().push(answer);
                    if self.seen.borrow().len() == TRANSPORTS.len() {
                        return;
                    }
                }
            };
            select(pin!(all), self.dial.machine.clock().sleep(PATIENCE)).await;
        }
    }

    /// Where the port of a transport is. A relay that does not tell, or cannot be right, is no vantage point.
    pub(super) fn place(&self, transport: Transport) -> Place {
        let seen = self.seen.borrow();
        let (_, place) = seen.iter().find(|(known, _)| *known == transport).ok_or(WhyCode::TooFewVantages)?;
        let observed = place.clone()?;
        let believed = punch::seen_by(self.dial.remote().ip(), &observed).is_some_and(|hole| hole.transport == transport);
        if believed { Ok(observed) } else { Err(WhyCode::TooFewVantages) }
    }
}

impl Further<'_> {
    /// Makes the connections once the relay is known, and keeps them. It does not end.
    pub(super) async fn keep(self) {
        let Ok(known) = self.known.await else { return pending().await };
        let further = TRANSPORTS.into_iter().filter(|transport| *transport != self.carrier);
        let connections = further.map(|transport| {
            let (tell, route) = (self.tell.clone(), way(self.dial.planned, transport, &known));
            async move {
                let told = |place| {
                    // Who asked may wait no longer.
                    let _ = tell.unbounded_send((transport, place));
                };
                match route {
                    Some(route) => over(self.dial, route, known.relay, &told).await,
                    None => told(Err(WhyCode::NotOffered)),
                }
            }
        });
        join_all(connections).await;
        pending::<()>().await;
    }
}

/// How the relay is dialed over a transport, by what it announces: at the address where it is dialed, which alone is known to be
/// its own.
fn way(planned: &Planned, transport: Transport, known: &Known) -> Option<Route> {
    let same = |host: &Host| match host {
        Host::Ip(ip, _) => planned.ip.is_some_and(|there| there.to_canonical() == ip.to_canonical()),
        Host::Name(_) => *host == planned.route.host,
    };
    let routes = known.announced.iter().filter_map(|address| match plan::parse(address) {
        Ok(Parsed::Route(route)) => Some(route),
        Ok(Parsed::Dnsaddr { .. }) | Err(_) => None,
    });
    let direct = |route: &Route| route.transport == transport && route.circuit.is_none() && route.port != 0;
    routes.into_iter().find(|route| direct(route) && same(&route.host))
}

/// One further connection, which belongs to no stage: what the relay sees of us is told, and it is kept.
async fn over(dial: Dial<'_>, route: Route, relay: PeerId, told: &impl Fn(Place)) {
    let planned = Planned { expected: Some(relay), route: Route { peer: Some(relay), ..route }, ..dial.planned.clone() };
    let ctx = Ctx::alone(&Record::new(&Log::new(Box::new(|| Duration::ZERO)), planned.id));
    let dial = Dial { ctx: &ctx, planned: &planned, ..dial };
    let asked = async {
        let asking = async |session: &Session, _| {
            let observed = session.identify().await.ok().and_then(|identified| identified.observed);
            told(observed.ok_or(WhyCode::TooFewVantages));
            pending().await
        };
        connect(dial).await?.alone().used(asking).await
    };
    // Where no connection came about nothing was told, and after one that was, this means nothing.
    drop(asked.await);
    told(Err(WhyCode::TooFewVantages));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_is_dialed_where_it_is_known_to_be() {
        let relay = PeerId::random();
        let parsed = |address: &str| match plan::parse(&address.parse().unwrap()) {
            Ok(Parsed::Route(route)) => route,
            other => panic!("{other:?}"),
        };
        let planned = |address: &str| Planned {
            id: 1,
            route: parsed(address),
            ip: Some([11, 22, 33, 1].into()),
            zone: None,
            expected: None,
            version: None,
        };
        let by = |dialed: &str, announced: &[&str]| {
            let announced = announced.iter().map(|address| address.parse().unwrap()).collect();
            let route = way(&planned(dialed), Transport::Quic, &Known { relay, announced })?;
            Some((route.port, route.transport))
        };
        let circuit = format!("/ip4/11.22.33.1/udp/1/quic-v1/p2p/{relay}/p2p-circuit");
        let all = [
            &circuit[..],
            "/ip4/11.22.33.1/tcp/2",
            "/ip4/11.22.33.1/udp/3/webrtc-direct",
            "/ip4/11.22.36.1/udp/4/quic-v1",
            "/dns4/node.example.org/udp/5/quic-v1",
            "/ip4/11.22.33.1/udp/6/quic-v1",
        ];
        assert_eq!(by("/ip4/11.22.33.1/tcp/1", &all), Some((6, Transport::Quic)));
        assert_eq!(by("/ip4/11.22.33.1/tcp/1", &all[..5]), None);
        assert_eq!(by("/dns4/node.example.org/tcp/1", &all), Some((5, Transport::Quic)));
    }
}
