//! Where a connection's datagrams go and come from.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::Interest;

use super::batch::Batch;
use super::place::Place;
use super::port::{Arrived, Port, Space};
use crate::transport::quic::{is_too_long, received};

/// One end of the way to the other side.
pub(super) enum Link {
    /// A dialer's own socket, connected, so that a closed port is told.
    Own { port: Arc<Port>, remote: SocketAddr, space: Space, fault: BoxFuture<'static, io::Error> },
    /// A place at a listener's port.
    Hub { place: Place, writable: Option<BoxFuture<'static, io::Result<()>>> },
}

impl Link {
    /// Connects a bound socket.
    pub(super) fn connected(socket: UdpSocket, remote: SocketAddr) -> io::Result<Self> {
        let port = Arc::new(Port::connected(socket, remote)?);
        Ok(Self::Own { fault: fault(Arc::clone(&port)), port, remote, space: Space::new(1) })
    }

    pub(super) fn of_hub(place: Place) -> Self {
        Self::Hub { place, writable: None }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.port().io().local_addr()
    }

    /// The address of ours that the other side has sent to from there, where the system tells.
    pub(super) fn ours(&self, theirs: SocketAddr) -> Option<IpAddr> {
        match self {
            Self::Own { port, .. } => port.io().local_addr().ok().map(|local| local.ip()),
            Self::Hub { place, .. } => place.ours(theirs),
        }
    }

    fn port(&self) -> &Arc<Port> {
        match self {
            Self::Own { port, .. } => port,
            Self::Hub { place, .. } => &place.hub.port,
        }
    }

    /// Datagrams of one batch that are sent at once.
    pub(super) fn segments(&self) -> usize {
        self.port().segments()
    }

    /// Hands what has come to `each`. How many datagrams it was.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        mut each: impl FnMut(SocketAddr, &[u8]),
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Own { port, remote, space, fault: next } => {
                let remote = *remote;
                let Poll::Ready(read) = port.poll_receive(cx, space, |arrived: Arrived<'_>| each(remote, arrived.bytes)) else {
                    let error = ready!(next.poll_unpin(cx));
                    *next = fault(Arc::clone(port));
                    return Poll::Ready(Err(received(error)));
                };
                Poll::Ready(read.map_err(received))
            }
            Self::Hub { place, .. } => place.poll_receive(cx, each),
        }
    }

    /// Tells a listener's port when the dialer has proved where it is.
    pub(super) fn note_proof(&self, is_proved: impl FnOnce() -> bool) {
        if let Self::Hub { place, .. } = self {
            place.note_proof(is_proved);
        }
    }

    /// Sends a batch once there is room.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>, batch: &Batch) -> Poll<io::Result<()>> {
        let (place, writable) = match self {
            Self::Own { port, .. } => loop {
                ready!(port.io().poll_send_ready(cx))?;
                match port.try_send(batch, None) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    sent => return Poll::Ready(sent),
                }
            },
            Self::Hub { place, writable } => (place, writable),
        };
        loop {
            // Each connection waits by itself: the socket would remember the last one only.
            if let Some(waiting) = writable {
                let room = ready!(waiting.poll_unpin(cx));
                *writable = None;
                room?;
            }
            match place.try_send(batch) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let port = Arc::clone(&place.hub.port);
                    *writable = Some(async move { port.io().writable().await }.boxed());
                }
                sent => return Poll::Ready(sent),
            }
        }
    }

    /// Sends a batch if there is room. A farewell that does not leave is found out by time.
    pub(super) fn try_send(&self, batch: &Batch) {
        let _ = match self {
            Self::Own { port, .. } => port.try_send(batch, None),
            Self::Hub { place, .. } => place.try_send(batch),
        };
    }
}

/// Waits for an error that the network reports. It makes a socket neither readable nor writable: without a look at the error
/// itself it would be found by the first retransmission only.
fn fault(port: Arc<Port>) -> BoxFuture<'static, io::Error> {
    async move {
        let socket = port.io();
        loop {
            if let Err(error) = socket.ready(Interest::ERROR).await {
                return error;
            }
            let pending = socket.try_io(Interest::ERROR, || {
                socket.take_error()?.filter(|error| !is_too_long(error)).ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            match pending {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(error) | Err(error) => return error,
            }
        }
    }
    .boxed()
}
