//! An established connection: streams, round trip, and how it ended.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{self, BoxFuture};
use libp2p_core::StreamMuxer;
use libp2p_core::muxing::StreamMuxerEvent;
use quinn::{ConnectionError, RecvStream, SendStream, VarInt};

use super::Permit;
use super::error::Ended;
use super::socket::{Socket, canonical};
use super::substream::Substream;
use super::unproven::Proof;

/// Longest wait for the farewell packet to leave the machine. It goes out at the next turn of the connection's task.
const FAREWELL: Duration = Duration::from_millis(100);

/// The code of an orderly close (libp2p's error code registry: `NO_ERROR`).
const NO_ERROR: u32 = 0;

type Streams = Result<(SendStream, RecvStream), ConnectionError>;

/// A libp2p connection over QUIC. Dropping it closes it, with its streams.
pub struct Connection {
    inner: quinn::Connection,
    socket: Arc<Socket>,
    inbound: Option<BoxFuture<'static, Streams>>,
    outbound: Option<BoxFuture<'static, Streams>>,
    ended: Option<BoxFuture<'static, ConnectionError>>,
    closing: Option<BoxFuture<'static, ()>>,
    /// Datagrams that the connection had sent when it was closed here.
    sent_before_close: OnceLock<u64>,
    /// Its place among a listener's connections, and that its address is proved.
    _place: Option<(Permit, Proof)>,
}

impl Connection {
    pub(super) fn new(inner: quinn::Connection, socket: Arc<Socket>, place: Option<(Permit, Proof)>) -> Self {
        Self {
            inner,
            socket,
            inbound: None,
            outbound: None,
            ended: None,
            closing: None,
            sent_before_close: OnceLock::new(),
            _place: place,
        }
    }

    /// The current estimate of the round trip.
    pub fn rtt(&self) -> Duration {
        self.inner.rtt()
    }

    /// The peer's address.
    pub fn remote(&self) -> SocketAddr {
        canonical(self.inner.remote_address())
    }

    /// Closes the connection at once with an application code. Streams end with it. One that has ended keeps its reason.
    pub fn close_with(&self, code: u32, reason: &[u8]) {
        if self.inner.close_reason().is_some() {
            return;
        }
        self.sent_before_close.get_or_init(|| self.inner.stats().udp_tx.datagrams);
        self.inner.close(VarInt::from_u32(code), reason);
    }

    /// How the connection ended; none while it lives.
    #[cfg(test)]
    pub(super) fn closed_reason(&self) -> Option<Ended> {
        self.inner.close_reason().map(Ended::from)
    }

    /// Closes orderly, and waits until the peer has been told as far as this machine can know: a closed connection
    /// sends nothing but its farewell.
    fn farewell(&self) -> BoxFuture<'static, ()> {
        self.close_with(NO_ERROR, b"");
        // Ended otherwise: there is nobody to tell, and nothing more is sent.
        let Some(before) = self.sent_before_close.get().copied() else { return future::ready(()).boxed() };
        let (connection, socket) = (self.inner.clone(), Arc::clone(&self.socket));
        let told = async move {
            loop {
                let mut sending = std::pin::pin!(socket.sending());
                sending.as_mut().enable();
                let ours = matches!(connection.close_reason(), Some(ConnectionError::LocallyClosed));
                if !ours || connection.stats().udp_tx.datagrams > before {
                    return;
                }
                sending.await;
            }
        };
        tokio::time::timeout(FAREWELL, told).map(|_| ()).boxed()
    }
}

/// Polls the future in `slot`, made on demand; a finished one leaves the slot empty.
fn poll_slot<T>(
    slot: &mut Option<BoxFuture<'static, T>>,
    cx: &mut Context<'_>,
    make: impl FnOnce() -> BoxFuture<'static, T>,
) -> Poll<T> {
    let output = ready!(slot.get_or_insert_with(make).poll_unpin(cx));
    *slot = None;
    Poll::Ready(output)
}

impl StreamMuxer for Connection {
    type Substream = Substream;
    type Error = Ended;

    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Substream, Ended>> {
        let Self { inbound, inner, .. } = self.get_mut();
        let streams = ready!(poll_slot(inbound, cx, || {
            let connection = inner.clone();
            async move { connection.accept_bi().await }.boxed()
        }));
        Poll::Ready(streams.map(Substream::new).map_err(Ended::from))
    }

    fn poll_outbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Substream, Ended>> {
        let Self { outbound, inner, .. } = self.get_mut();
        let streams = ready!(poll_slot(outbound, cx, || {
            let connection = inner.clone();
            async move { connection.open_bi().await }.boxed()
        }));
        Poll::Ready(streams.map(Substream::new).map_err(Ended::from))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        let this = self.get_mut();
        let mut closing = this.closing.take().unwrap_or_else(|| this.farewell());
        if closing.poll_unpin(cx).is_pending() {
            this.closing = Some(closing);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    /// quinn drives the connection by itself; here it is only noticed that it ended.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Ended>> {
        let Self { ended, inner, .. } = self.get_mut();
        let error = ready!(poll_slot(ended, cx, || {
            let connection = inner.clone();
            async move { connection.closed().await }.boxed()
        }));
        Poll::Ready(Err(error.into()))
    }
}

impl Drop for Connection {
    /// Streams still held elsewhere, and the futures above, would keep it open.
    fn drop(&mut self) {
        self.close_with(NO_ERROR, b"");
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("remote", &self.remote()).finish_non_exhaustive()
    }
}
