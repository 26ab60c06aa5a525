//! A peer behind a relay, and a hole punched to it: DCUtR in the role of who dialed.

use std::{any::Any, cell::Cell, future::Future, io::ErrorKind, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, unbounded},
    future::{Either, select, select_ok},
};
use libp2p_core::muxing::SubstreamBox;
use libp2p_identity::PeerId;
use multiaddr::{Multiaddr, Protocol};
use tokio::net::TcpListener;

use super::{Dial, connect, errors, ports::Ports, relay, session};
use crate::{
    engine::Fault,
    model::{Cause, Found, HolePunch, NatFound, Outcome, Security, StageName, Transport, WhyCode},
    nat::punch::{self, DCUTR, Hole, ROUNDS},
    native::port,
    plan,
    session::{Service, Session, multiplex_outbound, secure_outbound},
    transport::{paced::paced, quic},
};

/// How long to wait for the peer to begin. Some dial announced addresses first, of which we have none.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long a round sends: both sides retransmit a lost first packet within it, over any line.
const DIRECT: Duration = Duration::from_secs(5);
/// After a refusal, which a NAT answers until the other side has sent, the next attempt comes so much later.
const AGAIN: Duration = Duration::from_millis(50);

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
    let asks = Cell::new(Some(asks));
    relay::through(dial, circuit, connect, Some(vec![service]), async |session: &Session, met: relay::Met| {
        session::identify(dial, session, met.peer).await;
        let _kept = match asks.take() {
            Some(asks) => Puncher { dial, listener, met, asks }.punch().await,
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

struct Puncher<'a> {
    dial: Dial<'a>,
    listener: Option<TcpListener>,
    met: relay::Met,
    /// The streams on which the peer begins.
    asks: UnboundedReceiver<SubstreamBox>,
}

impl Puncher<'_> {
    /// Takes part in as many rounds as the peer begins, until one works. What comes of it is to be kept until the end.
    async fn punch(mut self) -> Option<Box<dyn Any>> {
        let dial = self.dial;
        let ours = self.ours()?;
        let mut kept = None;
        let (mut rounds, mut rtt) = (0, None);
        let mut outcome = Outcome::unknown(WhyCode::NotReached);
        let mut from_listen_port = None;
        while rounds < ROUNDS && !outcome.passed() {
            let round = self.round(&ours, rounds).await;
            match round {
                // What came before says more than that the peer does not begin once more.
                Err(_) if rounds > 0 => break,
                Err(fault) => {
                    outcome = Outcome::failed(fault.cause.clone());
                    dial.ctx.failed_but_continue(fault);
                    break;
                }
                Ok((holes, took)) => {
                    rounds += 1;
                    rtt = Some(took.into());
                    dial.ctx.enter(StageName::Direct);
                    let direct = in_time(dial, DIRECT, self.direct(&holes)).await;
                    match direct {
                        Ok(direct) => {
                            from_listen_port = Some(direct.from_listen_port);
                            dial.ctx.found(direct.found);
                            kept = Some(direct.keep);
                            outcome = Outcome::Passed;
                        }
                        Err(fault) => {
                            outcome = Outcome::failed(fault.cause.clone());
                            dial.ctx.failed_but_continue(fault);
                        }
                    }
                }
            }
        }
        dial.ctx.nat(NatFound::HolePunch(HolePunch {
            via: self.met.relay.to_base58(),
            transport: self.transport(),
            outcome,
            attempt: Some(dial.planned.id),
            peer: Some(self.met.peer.to_base58()),
            rounds: Some(rounds),
            rtt_ms: rtt,
            from_listen_port,
        }));
        kept
    }

    fn transport(&self) -> Option<Transport> {
        self.dial.planned.route.circuit.as_ref().map(|circuit| circuit.transport)
    }

    /// Where the relay sees the port that we dial from; none where there is nothing to punch for.
    fn ours(&self) -> Option<Vec<Multiaddr>> {
        let observed = self.met.observed.as_ref()?;
        let hole = punch::hole(observed)?;
        (Some(hole.transport) == self.transport()).then(|| vec![observed.clone()])
    }

    /// CONNECT and SYNC: where to send, at the moment of return, and the round trip through the relay.
    async fn round(&mut self, ours: &[Multiaddr], before: u32) -> Result<(Vec<Hole>, Duration), Fault> {
        let dial = self.dial;
        if before == 0 {
            dial.ctx.enter(StageName::DcutrConnect);
        }
        let begun = in_time(dial, PATIENCE, async { self.asks.next().await.ok_or(Cause::Closed.into()) });
        let mut stream = begun.await?;
        if before > 0 {
            dial.ctx.enter(StageName::DcutrConnect);
        }
        let holes = in_time(dial, PATIENCE, async {
            let holes = punch::hear(&mut stream, ours).await?;
            punch::tell(&mut stream, ours).await?;
            Ok(holes)
        });
        let holes = holes.await?;
        dial.ctx.found(Found { addresses: u32::try_from(holes.len()).ok(), ..Found::default() });
        dial.ctx.enter(StageName::DcutrSync);
        let clock = dial.machine.clock();
        let told = clock.now();
        in_time(dial, PATIENCE, punch::synced(&mut stream)).await?;
        let rtt = clock.now().since(told);
        dial.ctx.found(Found { rtt_ms: Some(rtt), ..Found::default() });
        Ok((holes, rtt.into()))
    }

    /// Dials every address at once, and lets in who dials: a packet of theirs may come before ours has opened their NAT.
    async fn direct(&self, holes: &[Hole]) -> Result<Direct, Fault> {
        let remotes: Vec<SocketAddr> =
            holes.iter().filter(|hole| Some(hole.transport) == self.transport()).map(|hole| hole.at).collect();
        if remotes.is_empty() {
            return Err(Fault::from(Cause::TimedOut).say("the peer names no address of this transport"));
        }
        match self.transport() {
            Some(Transport::Quic) => self.over_quic(&remotes).await,
            _ => self.over_tcp(&remotes).await,
        }
    }

    async fn over_quic(&self, remotes: &[SocketAddr]) -> Result<Direct, Fault> {
        let Some(listener) = remotes.first().and_then(|remote| self.dial.machine.ports().quic_towards(remote.ip())) else {
            return Err(Cause::LocalFault { errno: None }.into());
        };
        let keypair = self.dial.machine.identity();
        let dials = remotes.iter().map(|remote| {
            Box::pin(async {
                let dialed = listener.dial(*remote, keypair).await.map_err(|error| super::quic::fault(&error))?;
                self.expect(dialed.peer)?;
                Ok(Direct::new(dialed.local, *remote, Protocol::Udp, dialed.peer, Box::new(dialed.connection)))
            })
        });
        let accepted = async {
            loop {
                let Some(arrival) = listener.accept().await else { return std::future::pending().await };
                let (remote, local) = (arrival.remote, listener.local_addr());
                if let (Ok(accepted), Ok(local)) = (arrival.handshake().await, local)
                    && accepted.peer == self.met.peer
                {
                    return Ok(Direct::new(local, remote, Protocol::Udp, accepted.peer, Box::new(accepted.connection)));
                }
            }
        };
        self.first(select_ok(dials), accepted).await
    }

    async fn over_tcp(&self, remotes: &[SocketAddr]) -> Result<Direct, Fault> {
        let dials = remotes.iter().map(|remote| Box::pin(self.tcp_to(*remote)));
        let accepted = async {
            loop {
                let Some(listener) = &self.listener else { return std::future::pending().await };
                let Ok((stream, remote)) = listener.accept().await else { return std::future::pending().await };
                if let Ok(direct) = self.proved(stream, remote, true).await {
                    return Ok(direct);
                }
            }
        };
        self.first(select_ok(dials), accepted).await
    }

    /// Dials until it works: a refusal may be the NAT's, which does not expect us yet.
    async fn tcp_to(&self, remote: SocketAddr) -> Result<Direct, Fault> {
        let local = self.dial.machine.ports().tcp_towards(remote.ip()).ok_or(Cause::LocalFault { errno: None })?;
        loop {
            match port::connect(local, remote).await {
                Ok(stream) => {
                    let from_it = stream.local_addr().is_ok_and(|actual| actual.port() == local.port());
                    return self.proved(stream, remote, from_it).await;
                }
                Err(error) => {
                    // The system keeps what it knows of the same two ports for a moment.
                    let taken = matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable);
                    let fault = errors::of_connect(&error);
                    if !taken && !matches!(fault.cause, Cause::Refused | Cause::Reset | Cause::Unreachable { .. }) {
                        return Err(fault);
                    }
                }
            }
            self.dial.machine.clock().sleep(AGAIN).await;
        }
    }

    /// Whoever dialed through the relay is the client, however the bytes came about.
    async fn proved(&self, stream: tokio::net::TcpStream, remote: SocketAddr, from_listen_port: bool) -> Result<Direct, Fault> {
        let local = stream.local_addr().map_err(|error| errors::of_this_machine(&error))?;
        let secured = secure_outbound(paced(stream), self.dial.machine.identity(), Security::Noise).await?;
        self.expect(secured.peer)?;
        let session = self.dial.session(multiplex_outbound(secured.stream).await?);
        session.run(session.established()).await?;
        let keep: Box<dyn Any> = Box::new(session);
        Ok(Direct { from_listen_port, ..Direct::new(local, remote, Protocol::Tcp, secured.peer, keep) })
    }

    fn expect(&self, peer: PeerId) -> Result<(), Fault> {
        if peer == self.met.peer { Ok(()) } else { Err(Cause::WrongPeer { actual: peer.to_base58() }.into()) }
    }

    /// The first that works; a dial that fails does not end it, as the peer may still come.
    async fn first<T>(
        &self,
        dials: impl Future<Output = Result<(Direct, T), Fault>> + Unpin,
        accepted: impl Future<Output = Result<Direct, Fault>>,
    ) -> Result<Direct, Fault> {
        match select(dials, pin!(accepted)).await {
            Either::Left((Ok((direct, _)), _)) => Ok(direct),
            // What is known to be wrong is not waited for.
            Either::Left((Err(fault), _)) if matches!(fault.cause, Cause::WrongPeer { .. } | Cause::LocalFault { .. }) => {
                Err(fault)
            }
            Either::Left((Err(_), accepted)) => accepted.await,
            Either::Right((accepted, _)) => accepted,
        }
    }
}

/// A connection without the relay.
struct Direct {
    found: Found,
    from_listen_port: bool,
    /// The connection, which the other side is to see come about before it ends.
    keep: Box<dyn Any>,
}

impl Direct {
    fn new(local: SocketAddr, remote: SocketAddr, layer: fn(u16) -> Protocol<'static>, peer: PeerId, keep: Box<dyn Any>) -> Self {
        let found = Found {
            local: Some(super::socket::address(local, layer(local.port()))),
            remote: Some(super::socket::address(remote, layer(remote.port()))),
            peer: Some(peer.to_base58()),
            ..Found::default()
        };
        Self { found, from_listen_port: true, keep }
    }
}

async fn in_time<T>(dial: Dial<'_>, time: Duration, step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match select(pin!(step), dial.machine.clock().sleep(time)).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(Cause::TimedOut.into()),
    }
}
