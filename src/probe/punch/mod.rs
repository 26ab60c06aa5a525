//! A peer behind a relay, and a hole punched to it: DCUtR in the role of who dialed.

mod direct;
mod rounds;
mod told;

use std::{cell::Cell, net::SocketAddr, sync::Arc};

use futures::channel::mpsc::unbounded;
use tokio::net::TcpListener;

use super::{Dial, connect, errors, ports::Ports, relay, session};
use crate::{
    engine::Fault,
    model::Transport,
    nat::punch::DCUTR,
    native::port,
    plan,
    session::{Service, Session},
    transport::quic,
};
use direct::Doors;
use rounds::Rounds;

/// Dials a peer through a relay, and then directly. A punch that fails leaves the connection as it is.
pub(super) async fn dial(dial: Dial<'_>, circuit: plan::Circuit) -> Result<(), Fault> {
    let (listener, ports) = own_ports(&dial, circuit.transport)?;
    let machine = dial.machine.with_ports(ports);
    let dial = Dial { machine: &machine, ..dial };
    let (asked, asks) = unbounded();
    let service = Service::new(DCUTR, move |stream| {
        // The receiver lives as long as the dial.
        let _ = asked.unbounded_send(stream);
        std::future::ready(())
    });
    let (asks, listener) = (Cell::new(Some(asks)), Cell::new(listener));
    relay::through(dial, circuit, connect, Some(vec![service]), async |session: &Session, met: relay::Met| {
        session::identify(dial, session, met.peer).await;
        let doors = Doors::new(dial, circuit.transport, listener.take(), met.peer);
        // The connection is kept until the end, so that the other side sees it come about.
        let _kept = match asks.take() {
            Some(asks) => Rounds::new(doors, met, asks).punch().await,
            None => None,
        };
        session::ping(dial, session).await
    })
    .await
}

/// A port of our own, for the relay and for the peer alike. Other transports have no holes to be punched.
fn own_ports(dial: &Dial<'_>, transport: Transport) -> Result<(Option<TcpListener>, Ports), Fault> {
    let mine = |error: &std::io::Error| errors::of_this_machine(error);
    let mut ports = Ports::default();
    match transport {
        Transport::Tcp => {
            let local = dial.machine.bind().map_or_else(|| port::any_towards(dial.remote().ip()), |ip| SocketAddr::new(ip, 0));
            let listener = port::listen(local).map_err(|error| mine(&error))?;
            ports.tcp.push(listener.local_addr().map_err(|error| mine(&error))?);
            Ok((Some(listener), ports))
        }
        Transport::Quic => {
            let listener = quic::Listener::new(dial.udp()?, dial.machine.identity(), quic::Limits::default());
            ports.quic.push(Arc::new(listener.map_err(|error| mine(&error))?));
            Ok((None, ports))
        }
        _ => Ok((None, ports)),
    }
}
