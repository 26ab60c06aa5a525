//! Where a connection's datagrams go and come from.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{Interest, ReadBuf};

use super::hub::Place;
use crate::transport::quic::{is_too_long, received};

/// One end of the way to the other side.
pub(super) enum Link {
    /// A dialer's own socket, connected, so that a closed port is told.
    Own { socket: Arc<tokio::net::UdpSocket>, remote: SocketAddr, fault: BoxFuture<'static, io::Error> },
    /// A place at a listener's port.
    Hub { place: Place, writable: Option<BoxFuture<'static, io::Result<()>>> },
}

impl Link {
    /// Connects a bound socket.
    pub(super) fn connected(socket: UdpSocket, remote: SocketAddr) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.connect(remote)?;
        let socket = Arc::new(tokio::net::UdpSocket::from_std(socket)?);
        Ok(Self::Own { fault: fault(Arc::clone(&socket)), socket, remote })
    }

    pub(super) fn of_hub(place: Place) -> Self {
        Self::Hub { place, writable: None }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Own { socket, .. } => socket.local_addr(),
            Self::Hub { place, .. } => place.hub.socket.local_addr(),
        }
    }

    /// The next datagram.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        match self {
            Self::Own { socket, remote, fault: next } => {
                let mut buffer = ReadBuf::new(buffer);
                if socket.poll_recv(cx, &mut buffer).map_err(received)?.is_pending() {
                    let error = ready!(next.poll_unpin(cx));
                    *next = fault(Arc::clone(socket));
                    return Poll::Ready(Err(received(error)));
                }
                Poll::Ready(Ok((buffer.filled().len(), *remote)))
            }
            Self::Hub { place, .. } => {
                // The hub keeps the sending end for as long as the place is held.
                let Some((from, bytes)) = ready!(place.inbox.poll_recv(cx)) else { return Poll::Pending };
                let length = bytes.len().min(buffer.len());
                buffer[..length].copy_from_slice(&bytes[..length]);
                Poll::Ready(Ok((length, from)))
            }
        }
    }

    /// Sends a datagram once there is room.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>, to: SocketAddr, bytes: &[u8]) -> Poll<io::Result<()>> {
        let (place, writable) = match self {
            Self::Own { socket, .. } => return socket.poll_send(cx, bytes).map_ok(|_| ()),
            Self::Hub { place, writable } => (place, writable),
        };
        loop {
            // Each connection waits by itself: the socket would remember the last one only.
            if let Some(waiting) = writable {
                let room = ready!(waiting.poll_unpin(cx));
                *writable = None;
                room?;
            }
            match place.hub.socket.try_send_to(bytes, to) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let socket = Arc::clone(&place.hub.socket);
                    *writable = Some(async move { socket.writable().await }.boxed());
                }
                sent => return Poll::Ready(sent.map(|_| ())),
            }
        }
    }

    /// Sends a datagram if there is room. A farewell that does not leave is found out by time.
    pub(super) fn try_send(&self, to: SocketAddr, bytes: &[u8]) {
        let _ = match self {
            Self::Own { socket, .. } => socket.try_send(bytes),
            Self::Hub { place, .. } => place.hub.socket.try_send_to(bytes, to),
        };
    }
}

/// Waits for an error that the network reports. It makes a socket neither readable nor writable: without a look at the error
/// itself it would be found by the first retransmission only.
fn fault(socket: Arc<tokio::net::UdpSocket>) -> BoxFuture<'static, io::Error> {
    async move {
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
