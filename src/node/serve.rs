//! One dialer, from its first packet to its last.

use std::{cell::Cell, future::Future, pin::pin, rc::Rc, time::Duration};

use futures::{FutureExt, future::select, select_biased};
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::{
    accept::Arrived,
    address,
    common::Common,
    connection::{Established, establish},
};
use crate::{
    engine::{Cut, Fault, Record},
    model::{Found, StageName, WhyCode},
    native, probe,
    session::{Noted, Session, Us},
    transport::quic::Permit,
};

/// How long a goodbye may take: it is sent at once, and whether it arrives is the network's business.
const GOODBYE: Duration = Duration::from_millis(200);

/// Serves one dialer until it leaves, is idle for too long, or the node ends.
pub(super) async fn serve(common: Rc<Common>, record: Rc<Record>, arrived: Arrived, observed: Multiaddr, permit: Permit) {
    let remote = arrived.remote.ip();
    let step = establish(&common, &record, arrived);
    let Some(Established { peer, connection }) = bounded(&common, &record, common.limits.handshake, step).await else { return };
    let us = Us { key: common.identity.public(), listen: address::told(&common.addresses, remote), observed: Some(observed) };
    let busy = Rc::new(Cell::new(true));
    let session = Session::new(connection, common.native.clock(), us, note(&busy, &record));
    let step = session.run(identify(&session, &record, peer));
    if bounded(&common, &record, common.limits.identify, step).await.is_some() {
        record.end(Ok(()));
    }
    if session.ended().is_none() {
        let idle = pin!(idle(&busy, common.limits.idle));
        let enough = select(idle, common.closing.clone());
        select(pin!(session.serve()), enough).await;
    }
    drop(record);
    select(pin!(session.close()), pin!(native::sleep(GOODBYE))).await;
    drop(permit);
}

/// Notes what a dialer asks for. One that pings has found who it expected.
fn note(busy: &Rc<Cell<bool>>, record: &Rc<Record>) -> impl Fn(Noted) + 'static {
    let (busy, record, pings) = (Rc::clone(busy), Rc::downgrade(record), Cell::new(0_u32));
    move |noted| {
        busy.set(true);
        if let (Noted::Pinged, Some(record)) = (noted, record.upgrade()) {
            pings.set(pings.get().saturating_add(1));
            record.found(Found { received: Some(pings.get()), ..Found::default() });
        }
    }
}

async fn identify(session: &Session, record: &Record, peer: PeerId) -> Result<(), Fault> {
    record.enter(StageName::Identify);
    let (found, identity) = probe::session::told(peer, session.identify().await?);
    record.found(found);
    record.identified(identity);
    Ok(())
}

/// Does one step of the attempt within its time. Where it fails the attempt ends, with what it failed by.
async fn bounded<T>(common: &Common, record: &Record, time: Duration, step: impl Future<Output = Result<T, Fault>>) -> Option<T> {
    let mut step = pin!(step.fuse());
    let mut time = pin!(native::sleep(time).fuse());
    select_biased! {
        ended = step => match ended {
            Ok(value) => return Some(value),
            Err(fault) => record.end(Err(fault)),
        },
        _ = common.closing.clone() => record.cut(Cut::Ended(WhyCode::Interrupted.into())),
        () = time => record.cut(Cut::TimedOut),
    }
    None
}

/// Ends when nothing was asked for during a whole `time`.
async fn idle(busy: &Cell<bool>, time: Duration) {
    while busy.take() {
        native::sleep(time).await;
    }
}
