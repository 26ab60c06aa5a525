//! A peer behind a relay, and a hole punched to it: DCUtR in the role of who dialed.

mod direct;
mod outside;
mod race;
mod rounds;
mod told;

use std::{cell::Cell, net::SocketAddr, pin::pin, sync::Arc};

use futures::{
    channel::mpsc::unbounded,
    future::{Either, select},
};
use libp2p_identity::PeerId;
use tokio::net::TcpListener;

use super::{Dial, connect, errors, ports::Ports, relay, session};
use crate::{
    engine::Fault,
    nat::punch::DCUTR,
    native::port,
    plan,
    session::{Service, Session},
    transport::quic,
};
use direct::Doors;
use outside::outside;
use rounds::Rounds;

/// Dials a peer through a relay, and then directly. A punch that fails leaves the connection as it is.
pub(super) async fn dial(dial: Dial<'_>, circuit: plan::Circuit) -> Result<(), Fault> {
    let (listener, ports) = own_ports(&dial)?;
    let machine = dial.machine.with_ports(ports);
    let dial = Dial { machine: &machine, ..dial };
    let (asked, asks) = unbounded();
    let service = Service::new(DCUTR, move |stream| {
        // The receiver lives as long as the dial.
        let _ = asked.unbounded_send(stream);
        std::future::ready(())
    });
    let (outside, further) = outside(dial, circuit.transport);
    let (asks, listener) = (Cell::new(Some(asks)), Cell::new(Some(listener)));
    let ask = async |session: &Session, relay: PeerId| outside.ask(session, relay).await;
    let work = async |session: &Session, met: relay::Met| {
        session::identify(dial, session, met.peer).await;
        // The connections are kept until the end, so that the other side sees them come about.
        let _kept = match (asks.take(), listener.take()) {
            (Some(asks), Some(listener)) => {
                let doors = Doors::new(dial, listener, met.peer);
                Rounds::new(doors, &met, asks, &outside, circuit.transport).punch().await
            }
            _ => Vec::new(),
        };
        session::ping(dial, session).await
    };
    let tried = pin!(relay::through(dial, circuit, connect, vec![service], ask, work));
    match select(tried, pin!(further.keep())).await {
        Either::Left((tried, _)) => tried,
        Either::Right(((), tried)) => tried.await,
    }
}

/// Ports of our own, a TCP and a UDP one, for the relay and for the peer alike.
fn own_ports(dial: &Dial<'_>) -> Result<(TcpListener, Ports), Fault> {
    let mine = |error: &std::io::Error| errors::of_this_machine(error);
    let local = dial.machine.bind().map_or_else(|| port::any_towards(dial.remote().ip()), |ip| SocketAddr::new(ip, 0));
    let listener = port::listen(local).map_err(|error| mine(&error))?;
    let tcp = listener.local_addr().map_err(|error| mine(&error))?;
    let quic = quic::Listener::new(dial.udp()?, dial.machine.identity(), quic::Limits::default());
    let quic = Arc::new(quic.map_err(|error| mine(&error))?);
    Ok((listener, Ports { tcp: vec![tcp], quic: vec![quic] }))
}
