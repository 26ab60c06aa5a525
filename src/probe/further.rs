//! Where a relay sees the ports that it is not dialed from: asked on further connections to it, where it announces that it can be
//! dialed so.

use std::time::Duration;

use futures::future::{join_all, pending};
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::{Dial, connect};
use crate::{
    engine::{Ctx, Log, Record},
    model::{Transport, WhyCode},
    plan::{self, Host, Parsed, Planned, Route},
    session::{Service, Session},
};

/// What holes are punched over.
pub(crate) const TRANSPORTS: [Transport; 2] = [Transport::Tcp, Transport::Quic];
/// A connection that was lost is made anew after this time.
const AGAIN: Duration = Duration::from_secs(60);

/// Where a port is, as others see it; else why that is not known.
pub(crate) type Place = Result<Multiaddr, WhyCode>;

/// Who the relay is, and where it can be dialed.
pub(crate) struct Known {
    pub(crate) relay: PeerId,
    pub(crate) announced: Vec<Multiaddr>,
}

/// Tells where the relay sees the port of each transport but `carrier`, and again whenever that is no longer known. The connections
/// are kept as long as this is polled, and with them the mappings of a NAT. They serve what `services` makes: a relay may ask for
/// something on any of the connections of a peer. It does not end.
pub(crate) async fn further(
    dial: Dial<'_>,
    carrier: Transport,
    known: Known,
    services: impl Fn() -> Vec<Service>,
    told: impl Fn(Transport, Place),
) {
    let others = TRANSPORTS.into_iter().filter(|transport| *transport != carrier);
    join_all(others.map(|transport| again(dial, transport, &known, &services, &told))).await;
    pending::<()>().await;
}

/// Asks over one transport, and once more when the connection is lost.
async fn again(
    dial: Dial<'_>,
    transport: Transport,
    known: &Known,
    services: &impl Fn() -> Vec<Service>,
    told: &impl Fn(Transport, Place),
) {
    let told = |place| told(transport, place);
    let (ports, ip) = (dial.machine.ports(), dial.remote().ip());
    let listens = if transport == Transport::Quic { ports.quic_towards(ip).is_some() } else { ports.tcp_towards(ip).is_some() };
    let Some(route) = way(dial.planned, transport, known).filter(|_| listens) else { return told(Err(WhyCode::NotOffered)) };
    loop {
        over(dial, route.clone(), known.relay, services(), &told).await;
        dial.machine.clock().sleep(AGAIN).await;
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
async fn over(dial: Dial<'_>, route: Route, relay: PeerId, services: Vec<Service>, told: &impl Fn(Place)) {
    let planned = Planned { expected: Some(relay), route: Route { peer: Some(relay), ..route }, ..dial.planned.clone() };
    let ctx = Ctx::alone(&Record::new(&Log::new(Box::new(|| Duration::ZERO)), planned.id));
    let dial = Dial { ctx: &ctx, planned: &planned, ..dial };
    let asked = async {
        let asking = async |session: &Session, _| {
            let observed = session.identify().await.ok().and_then(|identified| identified.observed);
            told(observed.ok_or(WhyCode::TooFewVantages));
            pending().await
        };
        connect(dial).await?.alone().offering(services).used(asking).await
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
