//! Packets that open the own NAT, until the other side has come.

use std::{future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use futures::{
    SinkExt,
    channel::oneshot,
    future::{Either, join_all, pending, select},
};
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::Puncher;
use crate::{
    model::Transport,
    nat::punch::{Hole, Tries},
    native::{self, port},
    node::accept::{Arrived, Carrier},
    session::Clock,
    transport::quic,
};

/// How long a round sends: both sides retransmit a lost first packet within it, over any line.
const DIRECT: Duration = Duration::from_secs(5);
/// Between two packets that open the own NAT: random, by the specification.
const BETWEEN: std::ops::RangeInclusive<u64> = 10..=200;
/// Such packets to one address in a round: as many as fit it on average.
const PACKETS: usize = 50;
/// Bytes of such a packet, of no meaning to anybody.
const PACKET: usize = 64;

/// What we are of the connection that comes about. By the specification who dialed through the relay is the client. Where our
/// NAT maps per destination and the other one lets everybody in, only the other way round works: it is the last thing tried, as
/// by go-libp2p. Over TCP nothing would tell the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Server,
    Client,
}

impl Puncher {
    /// Sends to every address until the peer has come, and tells from where.
    pub(super) async fn direct(&self, clock: &Clock, holes: &[Hole], peer: PeerId, role: Role) -> Option<Multiaddr> {
        let sending = join_all(holes.iter().map(|hole| self.open(clock, *hole, peer, role)));
        let sending = async {
            sending.await;
            // The peer may still come, to where it was sent to.
            if !holes.is_empty() {
                pending::<()>().await;
            }
        };
        self.meet(peer, DIRECT, sending).await
    }

    /// Waits until the peer has come, no longer than `sending` goes on, and tells from where.
    pub(super) async fn meet(&self, peer: PeerId, time: Duration, sending: impl Future) -> Option<Multiaddr> {
        let (sender, came) = oneshot::channel();
        self.awaited.borrow_mut().insert(peer, sender);
        let both = select(came, Box::pin(sending));
        let came = match select(both, pin!(native::sleep(time))).await {
            Either::Left((Either::Left((came, _)), _)) => came.ok(),
            Either::Left((Either::Right(_), _)) | Either::Right(_) => None,
        };
        self.awaited.borrow_mut().remove(&peer);
        came
    }

    async fn open(&self, clock: &Clock, hole: Hole, peer: PeerId, role: Role) {
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
                    self.dial_tcp(clock, local, hole.at).await;
                }
            }
        }
    }

    /// Dials until it works. The other side is the client of what comes about, as of any connection at our port. What fails
    /// may be a NAT that does not expect us yet, or somebody who never asked.
    async fn dial_tcp(&self, clock: &Clock, local: SocketAddr, remote: SocketAddr) {
        let mut tries = Tries::default();
        while self.allowance.borrow_mut().dial(clock.now(), remote.ip()) {
            if let Ok(stream) = port::connect(local, remote).await {
                let local = stream.local_addr().unwrap_or(local);
                let carrier = Carrier::Stream(stream);
                return self.let_in(Arrived { transport: Transport::Tcp, local, remote, through: None, carrier }).await;
            }
            let Some(pause) = tries.again() else { return };
            native::sleep(pause).await;
        }
    }

    /// The other side may be reached where we are not.
    async fn dial_quic(&self, port: &quic::Listener, remote: SocketAddr, peer: PeerId) {
        match port.dial(remote, &self.identity).await {
            Ok(dialed) if dialed.peer == peer => {
                let (local, carrier) = (dialed.local, Carrier::Dialed(Box::new(dialed)));
                self.let_in(Arrived { transport: Transport::Quic, local, remote, through: None, carrier }).await;
            }
            Ok(_) | Err(_) => {}
        }
    }

    pub(super) async fn let_in(&self, arrived: Arrived) {
        // Without a node there is nobody to be let in to.
        let _ = self.door.clone().send(arrived).await;
    }
}

/// Opens the own NAT for a QUIC client.
async fn knock(port: &Arc<quic::Listener>, to: SocketAddr) {
    for _ in 0..PACKETS {
        let packet: [u8; PACKET] = rand::random();
        if port.send(&packet, to).await.is_err() {
            return;
        }
        native::sleep(Duration::from_millis(rand::random_range(BETWEEN))).await;
    }
}
