//! A hole punched to whoever came through a relay: DCUtR in the role of who was dialed, which begins.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    future::Future,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures::{
    SinkExt,
    channel::{mpsc::Sender, oneshot},
    future::{Either, join_all, select},
};
use libp2p_core::muxing::SubstreamBox;
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;
use tokio::net::TcpStream;

use super::accept::{Arrived, Carrier};
use crate::{
    engine::{Fault, Record},
    model::{Cause, Found, StageName, Transport},
    nat::punch::{self, DCUTR, Hole, ROUNDS, again},
    native::{self, port},
    probe::Ports,
    session::{Clock, Opener, Proposal},
    transport::quic,
};

/// How long the other side may take for its part of a round.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a round sends: both sides retransmit a lost first packet within it, over any line.
const DIRECT: Duration = Duration::from_secs(5);
/// Between two packets that open the own NAT: random, by the specification.
const BETWEEN: std::ops::RangeInclusive<u64> = 10..=200;
/// Bytes of such a packet, of no meaning to anybody.
const PACKET: usize = 64;
/// A peer that does not speak the protocol may do so once it knows an address of its own: go-libp2p asks itself after 250 ms,
/// and again 500 ms later.
const NOT_YET: Duration = Duration::from_secs(1);
/// Peers punched to at once: each makes us send to addresses that it names.
const AT_ONCE: usize = 8;

/// The ports of a node that dial too, and where relays see them.
pub(super) struct Puncher {
    pub(super) ports: Ports,
    identity: Keypair,
    observed: RefCell<BTreeMap<Transport, Multiaddr>>,
    awaited: RefCell<HashMap<PeerId, oneshot::Sender<Multiaddr>>>,
    door: Sender<Arrived>,
}

impl Puncher {
    pub(super) fn new(ports: Ports, identity: Keypair, door: Sender<Arrived>) -> Self {
        Self { ports, identity, observed: RefCell::default(), awaited: RefCell::default(), door }
    }

    /// A relay sees one of the ports here.
    pub(super) fn seen_at(&self, observed: &Multiaddr) {
        if let Some(hole) = punch::hole(observed) {
            self.observed.borrow_mut().insert(hole.transport, observed.clone());
        }
    }

    /// Somebody came without a relay.
    pub(super) fn came(&self, peer: PeerId, from: &Multiaddr) {
        if let Some(awaited) = self.awaited.borrow_mut().remove(&peer) {
            // Whoever waited may have given up.
            let _ = awaited.send(from.clone());
        }
    }

    /// Begins rounds until one works. What goes wrong is told, and changes nothing for the connection through the relay.
    pub(super) async fn punch(&self, record: &Record, opener: &Opener, clock: &Clock, peer: PeerId) {
        let ours: Vec<Multiaddr> = self.observed.borrow().values().cloned().collect();
        if ours.is_empty() || self.awaited.borrow().len() >= AT_ONCE {
            return;
        }
        for number in 0..ROUNDS {
            record.enter(StageName::DcutrConnect);
            let mut agreed = round(record, opener, clock, &ours).await;
            if number == 0 && agreed.as_ref().is_err_and(|fault| fault.cause == Cause::ProtocolNotSupported) {
                native::sleep(NOT_YET).await;
                agreed = round(record, opener, clock, &ours).await;
            }
            let Agreed { holes, rtt, .. } = match &agreed {
                Ok(agreed) => agreed,
                Err(fault) => return record.failed_but_continue(opener.explain(fault.clone())),
            };
            // The moment reaches the other side after half of it.
            native::sleep(*rtt / 2).await;
            record.enter(StageName::Direct);
            let role = if number + 1 == ROUNDS { Role::Client } else { Role::Server };
            match self.direct(holes, peer, role).await {
                Some(from) => return record.found(Found { remote: Some(from.to_string()), ..Found::default() }),
                None => record.failed_but_continue(Cause::TimedOut.into()),
            }
            if opener.ended() {
                return;
            }
        }
    }

    /// Sends to every address until the peer has come.
    async fn direct(&self, holes: &[Hole], peer: PeerId, role: Role) -> Option<Multiaddr> {
        let (sender, came) = oneshot::channel();
        self.awaited.borrow_mut().insert(peer, sender);
        let sending = join_all(holes.iter().map(|hole| self.open(*hole, peer, role)));
        let both = select(came, Box::pin(sending));
        let came = match select(both, pin!(native::sleep(DIRECT))).await {
            Either::Left((Either::Left((came, _)), _)) => came.ok(),
            Either::Left((Either::Right(_), _)) | Either::Right(_) => None,
        };
        self.awaited.borrow_mut().remove(&peer);
        came
    }

    async fn open(&self, hole: Hole, peer: PeerId, role: Role) {
        match hole.transport {
            Transport::Quic => {
                if let Some(port) = self.ports.quic_towards(hole.at.ip()) {
                    match role {
                        Role::Server => knock(port, hole.at).await,
                        Role::Client => self.dial_quic(port, hole.at, peer).await,
                    }
                }
            }
            _ => {
                if let Some(local) = self.ports.tcp_towards(hole.at.ip()) {
                    self.dial(local, hole.at).await;
                }
            }
        }
        // Another address may still work.
        std::future::pending::<()>().await;
    }

    /// Dials until it works. The other side is the client of what comes about, as of any connection at our port. What fails
    /// may be a NAT that does not expect us yet.
    async fn dial(&self, local: SocketAddr, remote: SocketAddr) {
        loop {
            if let Ok(stream) = port::connect(local, remote).await {
                return self.let_in(local, remote, stream).await;
            }
            native::sleep(again()).await;
        }
    }

    /// The other side may be reached where we are not.
    async fn dial_quic(&self, port: &quic::Listener, remote: SocketAddr, peer: PeerId) {
        match port.dial(remote, &self.identity).await {
            Ok(dialed) if dialed.peer == peer => {
                let (local, carrier) = (dialed.local, Carrier::Dialed(Box::new(dialed)));
                let arrived = Arrived { transport: Transport::Quic, local, remote, through: None, carrier };
                // Without a node there is nobody to be let in to.
                let _ = self.door.clone().send(arrived).await;
            }
            Ok(_) | Err(_) => {}
        }
    }

    async fn let_in(&self, local: SocketAddr, remote: SocketAddr, stream: TcpStream) {
        let local = stream.local_addr().unwrap_or(local);
        let carrier = Carrier::Stream(stream);
        let arrived = Arrived { transport: Transport::Tcp, local, remote, through: None, carrier };
        // Without a node there is nobody to be let in to.
        let _ = self.door.clone().send(arrived).await;
    }
}

/// Opens the own NAT for a QUIC client.
async fn knock(port: &Arc<quic::Listener>, to: SocketAddr) {
    loop {
        let packet: [u8; PACKET] = rand::random();
        if port.send(&packet, to).await.is_err() {
            return;
        }
        native::sleep(Duration::from_millis(rand::random_range(BETWEEN))).await;
    }
}

/// Who is the client of what comes about. By the specification it is the one that dialed through the relay. Where our NAT maps per
/// destination and the other one lets everybody in, only the other way round works: it is the last thing tried, as by go-libp2p.
/// Over TCP nothing would tell the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Server,
    Client,
}

/// What a round is about.
struct Agreed {
    /// Where to send.
    holes: Vec<Hole>,
    /// The round trip through the relay.
    rtt: Duration,
    /// Kept for the round: a stream that is dropped is reset, and go-libp2p then forgets what it has not read of it.
    _stream: Proposal<SubstreamBox>,
}

/// CONNECT and SYNC.
async fn round(record: &Record, opener: &Opener, clock: &Clock, ours: &[Multiaddr]) -> Result<Agreed, Fault> {
    let asking = async {
        let mut stream = opener.open(DCUTR).await?;
        let asked = clock.now();
        punch::tell(&mut stream, ours).await?;
        let holes = punch::hear(&mut stream, ours).await?;
        Ok::<_, Fault>((stream, holes, clock.now().since(asked)))
    };
    let (mut stream, holes, rtt) = in_time(asking).await?;
    record.found(Found { addresses: u32::try_from(holes.len()).ok(), rtt_ms: Some(rtt), ..Found::default() });
    record.enter(StageName::DcutrSync);
    in_time(punch::sync(&mut stream)).await?;
    Ok(Agreed { holes, rtt: rtt.into(), _stream: stream })
}

async fn in_time<T>(step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match select(pin!(step), pin!(native::sleep(PATIENCE))).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(Cause::TimedOut.into()),
    }
}
