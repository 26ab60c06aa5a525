//! Ports, and who arrives at them.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use futures::{
    StreamExt,
    stream::{self, LocalBoxStream},
};
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use tokio::net::{TcpListener, TcpStream};

use super::address::Spot;
use crate::{
    model::Transport,
    nat::relay::Incoming,
    native,
    session::Multiplexed,
    transport::{
        quic::{self, Arrival},
        webrtc_direct,
    },
};

/// How long to wait before a port is asked again that could not give a connection: without file descriptors it would say so
/// at once and without end.
const PAUSE: Duration = Duration::from_millis(200);

/// A port that was bound.
pub(super) enum Listener {
    Tcp(TcpListener, Transport),
    Quic(Arc<quic::Listener>, SocketAddr),
    Webrtc(Box<webrtc_direct::Listener>, SocketAddr),
}

/// Somebody at a port.
pub(super) struct Arrived {
    pub(super) transport: Transport,
    /// The address of ours that was dialed.
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// Where both are of a relay: the addresses that lead through it.
    pub(super) through: Option<Box<Through>>,
    pub(super) carrier: Carrier,
}

/// The two ends of a circuit.
pub(super) struct Through {
    pub(super) ours: Multiaddr,
    pub(super) theirs: Multiaddr,
}

impl Arrived {
    /// The address of ours that was dialed.
    pub(super) fn address(&self) -> Multiaddr {
        match &self.through {
            Some(through) => through.ours.clone(),
            None => Spot { transport: self.transport, socket: self.local }.address(),
        }
    }

    /// The dialer's address.
    pub(super) fn observed(&self) -> Multiaddr {
        match &self.through {
            Some(through) => through.theirs.clone(),
            None => Spot { transport: self.transport, socket: self.remote }.address(),
        }
    }
}

/// What a connection begins with.
pub(super) enum Carrier {
    Stream(TcpStream),
    Quic(Box<Arrival>),
    /// Dialed by ourselves, to who came through a relay.
    Dialed(Box<quic::Dialed>),
    /// The same over TCP, where the other side is no client.
    Reached(Box<Reached>),
    Webrtc(Box<webrtc_direct::Arrival>),
    Relayed(Box<Incoming>),
}

/// A connection that stands, and who proved to be at its other end.
pub(super) struct Reached {
    pub(super) peer: PeerId,
    pub(super) connection: Multiplexed,
}

impl Listener {
    pub(super) fn tcp(listener: TcpListener, transport: Transport) -> Self {
        Self::Tcp(listener, transport)
    }

    pub(super) fn quic(listener: quic::Listener, local: SocketAddr) -> Self {
        Self::Quic(Arc::new(listener), local)
    }

    /// The QUIC listener of it: its connections end by being told so.
    pub(super) fn as_quic(&self) -> Option<Arc<quic::Listener>> {
        match self {
            Self::Tcp(..) | Self::Webrtc(..) => None,
            Self::Quic(listener, _) => Some(Arc::clone(listener)),
        }
    }

    /// The IP address that it listens on, as it was bound.
    pub(super) fn bound(&self) -> Option<Multiaddr> {
        let local = match self {
            Self::Tcp(listener, _) => listener.local_addr().ok()?,
            Self::Quic(_, local) | Self::Webrtc(_, local) => *local,
        };
        Some(local.ip().into())
    }

    /// The UDP port of it, if it is one: both kinds answer STUN.
    pub(super) fn udp_port(&self) -> Option<u16> {
        match self {
            Self::Tcp(..) => None,
            Self::Quic(_, local) | Self::Webrtc(_, local) => Some(local.port()),
        }
    }

    /// The TCP port of it, where libp2p runs right on it.
    pub(super) fn tcp_port(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener, Transport::Tcp) => listener.local_addr().ok(),
            Self::Tcp(..) | Self::Quic(..) | Self::Webrtc(..) => None,
        }
    }

    /// Everybody who arrives, until the stream is dropped.
    pub(super) fn arrivals(self) -> LocalBoxStream<'static, Arrived> {
        match self {
            Self::Tcp(listener, transport) => stream::unfold(listener, move |listener| async move {
                let arrived = next_tcp(&listener, transport).await;
                Some((arrived, listener))
            })
            .boxed_local(),
            Self::Quic(listener, local) => stream::unfold(listener, move |listener| async move {
                let arrival = listener.accept().await?;
                let local = arrival.local.map_or(local, |ip| SocketAddr::new(ip, local.port()));
                let remote = arrival.remote;
                let carrier = Carrier::Quic(Box::new(arrival));
                Some((Arrived { transport: Transport::Quic, local, remote, through: None, carrier }, listener))
            })
            .boxed_local(),
            Self::Webrtc(listener, local) => stream::unfold(listener, move |listener| async move {
                let arrival = listener.accept().await?;
                let local = arrival.local.map_or(local, |ip| SocketAddr::new(ip, local.port()));
                let remote = arrival.remote;
                let carrier = Carrier::Webrtc(Box::new(arrival));
                Some((Arrived { transport: Transport::WebrtcDirect, local, remote, through: None, carrier }, listener))
            })
            .boxed_local(),
        }
    }
}

async fn next_tcp(listener: &TcpListener, transport: Transport) -> Arrived {
    loop {
        match listener.accept().await.and_then(|(stream, remote)| Ok((stream.local_addr()?, stream, remote))) {
            Ok((local, stream, remote)) => {
                // Flights of a handshake are small and wait for each other. Without it the connection is only slower.
                let _ = stream.set_nodelay(true);
                return Arrived { transport, local, remote, through: None, carrier: Carrier::Stream(stream) };
            }
            Err(error) if of_one_dialer(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                native::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether the error is about a dialer that was gone before it was looked at.
fn of_one_dialer(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::ConnectionAborted | Kind::ConnectionReset | Kind::NotConnected | Kind::InvalidInput)
}
