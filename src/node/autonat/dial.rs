//! Where an asker may be dialed, and the dial.

use std::{ops::AsyncFnOnce, pin::pin, time::Duration};

use futures::future::{Either, select};
use multiaddr::{Multiaddr, Protocol};

use crate::{
    model::{Cause, Transport, ip_of},
    nat::dialback::Refusal,
    native::{self, network},
    node::dialback::{Asker, Dialback, route},
    plan::{Planned, Route},
    probe::{self, Machine},
    session::{Fault, Session},
};

/// The address as it is dialed, and how. `own` has it be at the asker's IP address already; else its IP address does not matter.
pub(super) fn way(asker: Asker, address: &[u8], own: bool) -> Result<(Multiaddr, Route), Refusal> {
    let address = Multiaddr::try_from(address.to_vec()).map_err(|_| Refusal::Malformed)?;
    let ip = ip_of(&address).ok_or(Refusal::Malformed)?;
    let to = asker.remote.ip().to_canonical();
    if own && ip != to {
        return Err(Refusal::Malformed);
    }
    let layers: Multiaddr = address.iter().skip(1).filter(|part| *part != Protocol::P2p(asker.peer)).collect();
    let (mut route, remote) = route(to, &layers.to_string())?;
    match route.peer.replace(asker.peer) {
        None => Ok((remote, route)),
        Some(_) => Err(Refusal::Malformed),
    }
}

/// Dials the asker, and does `work` on the connection, once the asker has shown that it stands there too.
pub(super) async fn dial<T>(
    dialback: &Dialback,
    asker: Asker,
    route: Route,
    within: Duration,
    work: impl AsyncFnOnce(&Session) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let ip = asker.remote.ip().to_canonical();
    let from = Some(asker.local.to_canonical()).filter(|from| from.is_ipv4() == ip.is_ipv4());
    let machine = Machine::new(dialback.native.clock(), from, Some(dialback.identity.clone()), network::zone_index);
    let unseen = route.transport == Transport::Quic;
    let planned = Planned { id: 1, ip: Some(ip), zone: None, expected: route.peer, version: None, route };
    let dialing = pin!(probe::lend_at(&dialback.native, &machine, &planned, async |session, _| {
        if unseen {
            seen(session).await?;
        }
        work(session).await
    }));
    match select(dialing, pin!(native::sleep(within))).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(Cause::TimedOut.into()),
    }
}

/// Over QUIC our half of the handshake is over while our last flight, with our certificate, is still on its way: it may be lost, and
/// the certificate rejected. Whatever the asker says of itself shows that neither was. (Elsewhere it has agreed to a multiplexer.)
async fn seen(session: &Session) -> Result<(), Fault> {
    match session.identify().await {
        Err(fault) if matches!(fault.cause, Cause::Closed | Cause::TimedOut) => Err(fault),
        // That it does not tell who it is, or ends the stream, is an answer too.
        _ => Ok(()),
    }
}
