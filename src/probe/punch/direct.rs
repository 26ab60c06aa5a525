//! A connection without the relay, to a peer that sends at the same time.

use std::{
    any::Any,
    cell::RefCell,
    collections::BTreeMap,
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::pin,
};

use futures::future::{Either, select, select_ok};
use libp2p_identity::PeerId;
use multiaddr::Protocol;
use tokio::net::{TcpListener, TcpStream};

use crate::{
    engine::Fault,
    model::{Cause, Found, Security, Transport},
    nat::punch::{MAX_DIALS_OF_HOST, Tries},
    native::port,
    probe::{Dial, errors, quic, socket},
    session::{multiplex_outbound, secure_outbound},
    transport::paced::paced,
};

/// The ports of ours that dial and are dialed.
pub(super) struct Doors<'a> {
    pub(super) dial: Dial<'a>,
    /// Of TCP; the QUIC port is among the machine's.
    listener: TcpListener,
    /// Who is to be there.
    peer: PeerId,
    /// The last one of each transport.
    faults: RefCell<BTreeMap<Transport, Fault>>,
    /// Over TCP; of no more hosts than are sent to.
    dialed: RefCell<BTreeMap<IpAddr, u32>>,
}

/// A connection without the relay.
pub(super) struct Direct {
    local: SocketAddr,
    /// The peer's end.
    pub(super) remote: SocketAddr,
    layer: fn(u16) -> Protocol<'static>,
    peer: PeerId,
    pub(super) from_listen_port: bool,
    /// The connection, which the other side is to see come about before it ends.
    pub(super) keep: Box<dyn Any>,
}

impl Direct {
    pub(super) fn found(&self) -> Found {
        Found {
            local: Some(socket::address(self.local, (self.layer)(self.local.port()))),
            remote: Some(socket::address(self.remote, (self.layer)(self.remote.port()))),
            peer: Some(self.peer.to_base58()),
            ..Found::default()
        }
    }
}

impl<'a> Doors<'a> {
    pub(super) fn new(dial: Dial<'a>, listener: TcpListener, peer: PeerId) -> Self {
        Self { dial, listener, peer, faults: RefCell::default(), dialed: RefCell::default() }
    }

    /// The last thing that went wrong on the way to a connection, once.
    pub(super) fn last_fault(&self, transport: Transport) -> Option<Fault> {
        self.faults.borrow_mut().remove(&transport)
    }

    /// Dials every address at once over one transport, and lets in who dials: a packet of theirs may come before ours has opened
    /// their NAT. It may take for ever.
    pub(super) async fn over(&self, transport: Transport, remotes: &[SocketAddr]) -> Result<Direct, Fault> {
        self.last_fault(transport);
        match transport {
            Transport::Quic => self.over_quic(remotes).await,
            _ => self.over_tcp(remotes).await,
        }
    }

    pub(super) fn has_port_towards(&self, remote: SocketAddr) -> bool {
        let ports = self.dial.machine.ports();
        ports.tcp_towards(remote.ip()).is_some() || ports.quic_towards(remote.ip()).is_some()
    }

    async fn over_quic(&self, remotes: &[SocketAddr]) -> Result<Direct, Fault> {
        let Some(listener) = remotes.first().and_then(|remote| self.dial.machine.ports().quic_towards(remote.ip())) else {
            return Err(Cause::LocalFault { errno: None }.into());
        };
        let keypair = self.dial.machine.identity();
        let direct = |local, remote, peer, connection: Box<dyn Any>| {
            let layer = Protocol::Udp;
            Direct { local, remote, layer, peer, from_listen_port: true, keep: connection }
        };
        let dials = remotes.iter().map(|remote| {
            Box::pin(async {
                let dialed = listener.dial(*remote, keypair).await.map_err(|error| quic::fault(&error))?;
                self.expect(dialed.peer)?;
                Ok(direct(dialed.local, *remote, dialed.peer, Box::new(dialed.connection)))
            })
        });
        let accepted = async {
            loop {
                let Some(arrival) = listener.accept().await else { return std::future::pending().await };
                let (remote, local) = (arrival.remote, listener.local_addr());
                if let (Ok(accepted), Ok(local)) = (arrival.handshake().await, local)
                    && accepted.peer == self.peer
                {
                    return Ok(direct(local, remote, accepted.peer, Box::new(accepted.connection)));
                }
            }
        };
        self.first(Transport::Quic, select_ok(dials), accepted).await
    }

    async fn over_tcp(&self, remotes: &[SocketAddr]) -> Result<Direct, Fault> {
        let dials = remotes.iter().map(|remote| Box::pin(self.tcp_to(*remote)));
        let accepted = async {
            let mut tries = Tries::default();
            loop {
                let Ok((stream, remote)) = self.listener.accept().await else {
                    // Who was gone before it was looked at, and others may come.
                    self.pause(&mut tries).await;
                    continue;
                };
                match self.proved(stream, remote, true).await {
                    Ok(direct) => return Ok(direct),
                    Err(fault) => self.note(Transport::Tcp, fault),
                }
            }
        };
        self.first(Transport::Tcp, select_ok(dials), accepted).await
    }

    /// Dials until it works: a refusal may be the NAT's, which does not expect us yet, and what has come about may be reset by
    /// the answer to what was sent before.
    async fn tcp_to(&self, remote: SocketAddr) -> Result<Direct, Fault> {
        let local = self.dial.machine.ports().tcp_towards(remote.ip()).ok_or(Cause::LocalFault { errno: None })?;
        let mut tries = Tries::default();
        loop {
            if !self.may_dial(remote.ip()) {
                return std::future::pending().await;
            }
            match port::connect(local, remote).await {
                Ok(stream) => {
                    let from_it = stream.local_addr().is_ok_and(|actual| actual.port() == local.port());
                    match self.proved(stream, remote, from_it).await {
                        Err(fault) if !matches!(fault.cause, Cause::WrongPeer { .. }) => self.note(Transport::Tcp, fault),
                        proved => return proved,
                    }
                }
                // The system still has what came of these two ports: who came in by them is being let in.
                Err(error) if port::is_taken(&error) => {}
                Err(error) => self.note(Transport::Tcp, errors::of_connect_to(&error, remote)),
            }
            self.pause(&mut tries).await;
        }
    }

    /// Whether a host may be dialed once more. It may be somebody who never asked.
    fn may_dial(&self, host: IpAddr) -> bool {
        let mut dialed = self.dialed.borrow_mut();
        let count = dialed.entry(host).or_default();
        let room = *count < MAX_DIALS_OF_HOST;
        *count += u32::from(room);
        room
    }

    /// Until the next attempt, for ever where there is none: the peer may still come.
    async fn pause(&self, tries: &mut Tries) {
        match tries.again() {
            Some(pause) => self.dial.machine.clock().sleep(pause).await,
            None => std::future::pending().await,
        }
    }

    /// Whoever dialed through the relay is the client, however the bytes came about.
    async fn proved(&self, stream: TcpStream, remote: SocketAddr, from_listen_port: bool) -> Result<Direct, Fault> {
        let local = stream.local_addr().map_err(|error| errors::of_this_machine(&error))?;
        let secured = secure_outbound(paced(stream), self.dial.machine.identity(), Security::Noise).await?;
        self.expect(secured.peer)?;
        let session = self.dial.session(multiplex_outbound(secured.stream).await?);
        session.run(session.established()).await?;
        Ok(Direct { local, remote, layer: Protocol::Tcp, peer: secured.peer, from_listen_port, keep: Box::new(session) })
    }

    fn expect(&self, peer: PeerId) -> Result<(), Fault> {
        if peer == self.peer { Ok(()) } else { Err(Cause::WrongPeer { actual: peer.to_base58() }.into()) }
    }

    fn note(&self, transport: Transport, fault: Fault) {
        self.faults.borrow_mut().insert(transport, fault);
    }

    /// The first that works; a dial that fails does not end it, as the peer may still come.
    async fn first<T>(
        &self,
        transport: Transport,
        dials: impl Future<Output = Result<(Direct, T), Fault>> + Unpin,
        accepted: impl Future<Output = Result<Direct, Fault>>,
    ) -> Result<Direct, Fault> {
        match select(dials, pin!(accepted)).await {
            Either::Left((Ok((direct, _)), _)) => Ok(direct),
            // What is known to be wrong is not waited for.
            Either::Left((Err(fault), _)) if matches!(fault.cause, Cause::WrongPeer { .. }) => Err(fault),
            Either::Left((Err(fault), accepted)) => {
                self.note(transport, fault);
                accepted.await
            }
            Either::Right((accepted, _)) => accepted,
        }
    }
}
