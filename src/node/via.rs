//! A slot at a relay, kept for as long as the node runs, so that it is reached through the relay.

use std::{
    cell::{Cell, RefCell},
    net::{IpAddr, SocketAddr},
    pin::pin,
    rc::Rc,
    time::Duration,
};

use futures::{
    FutureExt, SinkExt, StreamExt,
    channel::mpsc::{Sender, channel},
    future::{Either, select},
    select_biased,
    stream::LocalBoxStream,
};
use libp2p_core::muxing::SubstreamBox;
use libp2p_identity::PeerId;
use multiaddr::{Multiaddr, Protocol};

use super::{
    accept::{Arrived, Carrier, Through},
    common::Common,
    punch::Sights,
};
use crate::{
    engine::{Ctx, Cut, Fault, Log, Record, Runtime as _},
    model::{Cause, Direction, Fact, Found, Options, Source, StageName, Transport, WhyCode},
    nat::relay::{self, Incoming, Reservation, STOP},
    native::{self, network},
    plan::{self, Host, Parsed, Planned, Record as DnsRecord, Route},
    probe::{
        self, Dial, Machine,
        further::{Known, further},
    },
    session::{Service, Session},
};

/// Before a relay is asked again that gave no slot, or lost it: at first, and at most after doubling.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A slot is renewed when three quarters of its time are over, and after this time where the relay does not tell its time.
const UNTOLD: Duration = Duration::from_secs(30 * 60);
/// No relay is asked more often than this.
const SHORTEST: Duration = Duration::from_secs(5);
/// How long to wait for where the relay sees the other ports.
const FURTHER: Duration = Duration::from_secs(2);
/// Those who wait to be looked at. The relay has limits of its own.
const WAITING: usize = 16;

/// Lets in those who come through relays.
#[derive(Clone)]
pub(super) struct Door(pub(super) Sender<Arrived>);

/// A door, and who comes through it.
pub(super) fn door() -> (Door, LocalBoxStream<'static, Arrived>) {
    let (arrived, arrivals) = channel(WAITING);
    (Door(arrived), arrivals.boxed_local())
}

/// How long to wait for the next attempt.
#[derive(Debug, Default)]
pub(super) struct Pause(u32);

impl Pause {
    /// The pause after an attempt by which a slot was held, or not.
    pub(super) fn after(&mut self, held: bool) -> Duration {
        self.0 = if held { 0 } else { self.0.saturating_add(1) };
        PAUSE.saturating_mul(1 << self.0.min(16)).min(LONGEST_PAUSE)
    }
}

/// Connects to a relay and keeps a slot there until it is lost. True when there was one. What the attempt tells goes to
/// `log`.
pub(super) async fn slot(common: Rc<Common>, log: Rc<Log>, attempt: u32, address: &Multiaddr, door: &Door) -> bool {
    let held = Cell::new(false);
    let resolved = resolved(&common, address).await;
    let route = resolved.as_ref().ok().map(|(route, ..)| route);
    log.emit(log.now(), planned(attempt, address, route.map(|route| route.transport)));
    let record = Record::new(&log, attempt);
    let holding = async {
        let (route, ip, zone) = resolved?;
        let planned = Planned { id: attempt, expected: route.peer, route, ip: Some(ip), zone, version: None };
        hold(&common, &record, &planned, address, door, &held).await
    };
    let bound = async {
        native::sleep(common.service.times.handshake).await;
        if held.get() {
            std::future::pending::<()>().await;
        }
    };
    select_biased! {
        ended = pin!(holding.fuse()) => record.end(ended),
        () = pin!(bound.fuse()) => record.cut(Cut::TimedOut),
        _ = common.service.closing.clone() => record.cut(Cut::Ended(WhyCode::Interrupted.into())),
    }
    held.get()
}

fn planned(attempt: u32, address: &Multiaddr, transport: Option<Transport>) -> Fact {
    Fact::AttemptPlanned {
        attempt,
        address: address.to_string(),
        remote: Some(address.to_string()),
        names: Vec::new(),
        transport,
        source: Source::Relay,
        direction: Direction::Outbound,
        version: None,
        why: None,
        cause: None,
    }
}

/// Where the relay is. A name leads to the first of its addresses.
async fn resolved(common: &Common, address: &Multiaddr) -> Result<(Route, IpAddr, Option<String>), Fault> {
    let Parsed::Route(route) = plan::parse(address)? else {
        return Err(Cause::UnsupportedAddress { part: "/dnsaddr".into() }.into());
    };
    if route.circuit.is_some() {
        return Err(Cause::UnsupportedAddress { part: "/p2p-circuit".into() }.into());
    }
    let (ip, zone) = match route.host.clone() {
        Host::Ip(ip, zone) => (ip, zone),
        Host::Name(lookup) => {
            let records = common.native.look_up(lookup).await.records?;
            let ip = records.iter().find_map(|record| match record {
                DnsRecord::Ip(ip) => Some(*ip),
                DnsRecord::Address(_) => None,
            });
            (ip.ok_or_else(|| Cause::NameHasNoAddress { family: "any".into() })?, None)
        }
    };
    Ok((route, ip, zone))
}

/// Connects, reserves, and renews.
async fn hold(
    common: &Rc<Common>,
    record: &Rc<Record>,
    planned: &Planned,
    address: &Multiaddr,
    door: &Door,
    held: &Cell<bool>,
) -> Result<(), Fault> {
    let machine = Machine::new(common.native.clock(), None, Some(common.service.identity.clone()), network::zone_index);
    // From the ports that are listened on, so that the relay sees what a hole is to be punched for.
    let machine = machine.with_ports(common.puncher.ports.clone());
    let (ctx, options) = (Ctx::alone(record), Options::default());
    let dial = Dial { machine: &machine, ctx: &ctx, planned, options: &options };
    let (ours, whose) = (Rc::new(RefCell::new(None)), door.clone());
    let relay_at = SocketAddr::new(planned.ip.unwrap_or(IpAddr::from([0; 4])), planned.route.port);
    let known = Rc::clone(&ours);
    let stop = || {
        let (whose, known) = (whose.clone(), Rc::clone(&known));
        vec![Service::new(STOP, move |stream| let_in(stream, whose.clone(), relay_at, Rc::clone(&known)))]
    };
    let connected = probe::connect(dial).await?.offering(stop());
    connected
        .used(async |session: &Session, relay| {
            let circuit = circuit(address, relay);
            ours.replace(Some(circuit.clone()));
            record.enter(StageName::Hop);
            let mut reservation = reserve(record, session).await?;
            record.end(Ok(()));
            held.set(true);
            let identified = session.identify().await.unwrap_or_default();
            let sights = Sights::new(&common.puncher, relay, relay_at.ip());
            sights.note(planned.route.transport, identified.observed.ok_or(WhyCode::TooFewVantages));
            let known = Known { relay, announced: identified.announced };
            let told = |transport, place| sights.note(transport, place);
            let further = pin!(further(dial, planned.route.transport, known, &stop, told));
            let renewing = pin!(async {
                // Who dials may do so at once, and is to hear of all ports.
                select(pin!(session.run(sights.all())), pin!(native::sleep(FURTHER))).await;
                let us = circuit.with(Protocol::P2p(common.service.identity.public().to_peer_id()));
                record.tell(Fact::Listening { address: us.to_string() });
                loop {
                    let time = pin!(native::sleep(until_renewal(&reservation)));
                    if let Either::Left((ended, _)) = select(pin!(session.serve()), time).await {
                        return Err(ended);
                    }
                    reservation = reserve(record, session).await?;
                }
            });
            match select(renewing, further).await {
                Either::Left((ended, _)) => ended,
                Either::Right(((), renewing)) => renewing.await,
            }
        })
        .await
}

async fn reserve(record: &Record, session: &Session) -> Result<Reservation, Fault> {
    let (answer, reservation) = relay::reserve(&session.opener()).await?;
    record.found(Found {
        status: u16::try_from(answer.status).ok(),
        limits: Some(probe::allowed(answer.limits)),
        ..Found::default()
    });
    answer.granted()?;
    Ok(reservation)
}

/// The part of an address that leads through the relay.
fn circuit(address: &Multiaddr, relay: PeerId) -> Multiaddr {
    let mut circuit = address.clone();
    if !matches!(circuit.iter().last(), Some(Protocol::P2p(_))) {
        circuit.push(Protocol::P2p(relay));
    }
    circuit.with(Protocol::P2pCircuit)
}

/// When to ask for the slot again.
fn until_renewal(reservation: &Reservation) -> Duration {
    let now = native::time_of_day().duration_since(std::time::SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let left = reservation.expires.map(|expires| Duration::from_secs(expires.saturating_sub(now)));
    left.map_or(UNTOLD, |left| left / 4 * 3).clamp(SHORTEST, 2 * UNTOLD)
}

/// Hands over whom the relay brings. Who finds no room is dropped, and the relay says so.
async fn let_in(stream: SubstreamBox, mut door: Door, relay: SocketAddr, ours: Rc<RefCell<Option<Multiaddr>>>) {
    let Ok(incoming) = Incoming::receive(stream).await else { return };
    let Some(circuit) = ours.borrow().clone() else { return };
    let theirs = circuit.clone().with(Protocol::P2p(incoming.from));
    let through = Some(Box::new(Through { ours: circuit, theirs }));
    let carrier = Carrier::Relayed(Box::new(incoming));
    let arrived = Arrived { transport: Transport::Relay, local: relay, remote: relay, through, carrier };
    // Without a node there is nobody to be let in to.
    let _ = door.0.send(arrived).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_that_gives_no_slot_is_asked_less_and_less_often() {
        let mut pause = Pause::default();
        let seconds: Vec<u64> =
            [false, false, true, false, false, false, false, false, false, false].map(|held| pause.after(held).as_secs()).into();
        assert_eq!(seconds, [10, 20, 5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn a_slot_is_renewed_in_time() {
        let now = native::time_of_day().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let renewed = |expires| until_renewal(&Reservation { expires, ..Reservation::default() }).as_secs();
        assert!((2690..=2700).contains(&renewed(Some(now + 3600))));
        assert_eq!(renewed(None), 1800);
        assert_eq!(renewed(Some(0)), 5);
        assert_eq!(renewed(Some(u64::MAX)), 3600);
    }

    #[test]
    fn the_way_through_a_relay_names_it() {
        let relay = PeerId::random();
        for address in ["/ip4/11.22.33.44/tcp/1".to_owned(), format!("/ip4/11.22.33.44/tcp/1/p2p/{relay}")] {
            let through = circuit(&address.parse().unwrap(), relay);
            assert_eq!(through.to_string(), format!("/ip4/11.22.33.44/tcp/1/p2p/{relay}/p2p-circuit"));
        }
    }
}
