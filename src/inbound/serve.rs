//! One dialer, from its first packet to its last.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::pin,
    rc::Rc,
    time::Duration,
};

use futures::{
    FutureExt,
    future::{Either, LocalBoxFuture, select},
    select_biased,
};
use libp2p_identity::PeerId;
use multiaddr::{Multiaddr, Protocol};

use super::{Established, Service, Visitor, told};
use crate::{
    engine::{Cut, Fault, Record},
    model::{Found, StageName, WhyCode, ip_of},
    probe,
    session::{Clock, Noted, Session, Us},
};

/// The record of an attempt, until that has ended.
type Recorded = Rc<RefCell<Option<Rc<Record>>>>;

/// How long a goodbye may take: it is sent at once, and whether it arrives is the network's business.
const GOODBYE: Duration = Duration::from_millis(200);

/// Serves one dialer until it leaves, is idle for too long, or the node ends.
pub(super) async fn serve(
    service: Rc<Service>,
    record: Rc<Record>,
    remote: Multiaddr,
    establish: LocalBoxFuture<'_, Result<Established, Fault>>,
) {
    let times = service.times;
    let Some(established) = bounded(&service, &record, times.handshake, establish).await else { return };
    let Established { peer, remote: proved, connection, services } = established;
    let remote = proved.unwrap_or(remote);
    // Through a relay no address is told: those behind it would be dialed before anything else is tried.
    let relayed = remote.iter().any(|part| part == Protocol::P2pCircuit);
    let listen = if relayed { Vec::new() } else { told(&service.addresses.borrow(), ip_of(&remote)) };
    let us = Us { key: service.identity.public(), listen, observed: Some(remote.clone()) };
    let busy = Rc::new(Cell::new(true));
    let recorded: Recorded = Rc::new(RefCell::new(Some(Rc::clone(&record))));
    let session = Session::new(connection, service.clock.clone(), us, note(&busy, &recorded)).offering(services);
    let visitor = Visitor { peer, remote, relayed, opener: session.opener() };
    let welcome = service.extra.welcome(&visitor);
    let session = session.offering(welcome.services);
    // In boxes: what is needed for a moment is not kept for as long as the connection is held.
    identified(&service, record, &session, &visitor).boxed_local().await;
    recorded.take();
    drop((visitor, recorded));
    if session.ended().is_none() {
        let idle = pin!(idle(&service.clock, || busy.take() || (welcome.in_use)(), times.idle));
        let enough = select(idle, service.closing.clone());
        select(pin!(session.serve()), enough).await;
    }
    drop(welcome.in_use);
    select(pin!(session.close()), service.clock.sleep(GOODBYE)).await;
}

/// Learns who it is, and does what else the node does for it: the end of the attempt.
async fn identified(service: &Service, record: Rc<Record>, session: &Session, visitor: &Visitor) {
    let step = session.run(identify(session, &record, visitor.peer));
    let Some(announced) = bounded(service, &record, service.times.identify, step).await else { return };
    if session.ended().is_none() {
        let further = pin!(session.run(service.extra.identified(visitor, announced, &record)));
        if let Either::Right(_) = select(further, service.closing.clone()).await {
            record.cut(Cut::Ended(WhyCode::Interrupted.into()));
        }
    }
    record.end(Ok(()));
}

/// Notes what a dialer asks for. One that pings has found who it expected. The record is taken out when its attempt has ended.
fn note(busy: &Rc<Cell<bool>>, record: &Recorded) -> impl Fn(Noted) + 'static {
    let (busy, record, pings) = (Rc::clone(busy), Rc::clone(record), Cell::new(0_u32));
    move |noted| {
        busy.set(true);
        if let (Noted::Pinged, Some(record)) = (noted, &*record.borrow()) {
            pings.set(pings.get().saturating_add(1));
            record.found(Found { received: Some(pings.get()), ..Found::default() });
        }
    }
}

async fn identify(session: &Session, record: &Record, peer: PeerId) -> Result<Vec<Multiaddr>, Fault> {
    record.enter(StageName::Identify);
    let identified = session.identify().await?;
    let announced = identified.announced.clone();
    let (found, identity) = probe::session::told(peer, identified);
    record.found(found);
    record.identified(identity);
    Ok(announced)
}

/// Does one step of the attempt within its time. Where it fails the attempt ends, with what it failed by.
async fn bounded<T>(
    service: &Service,
    record: &Record,
    time: Duration,
    step: impl Future<Output = Result<T, Fault>>,
) -> Option<T> {
    let mut step = pin!(step.fuse());
    let mut time = pin!(service.clock.sleep(time).fuse());
    select_biased! {
        ended = step => match ended {
            Ok(value) => return Some(value),
            Err(fault) => record.end(Err(fault)),
        },
        _ = service.closing.clone() => record.cut(Cut::Ended(WhyCode::Interrupted.into())),
        () = time => record.cut(Cut::TimedOut),
    }
    None
}

/// Ends when nothing was asked for during a whole `time`, and nothing is held.
async fn idle(clock: &Clock, busy: impl Fn() -> bool, time: Duration) {
    while busy() {
        clock.sleep(time).await;
    }
}
