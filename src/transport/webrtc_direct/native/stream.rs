//! A stream of a connection, to be read and written.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{AsyncRead, AsyncWrite};

use super::shared::Shared;

/// A bidirectional stream on a data channel. Closing it finishes our side; dropping it without that resets it, so that the
/// peer never takes a stream given up for one that is complete.
pub struct Stream {
    shared: Arc<Shared>,
    id: u16,
}

impl Stream {
    pub(super) fn new(shared: Arc<Shared>, id: u16) -> Self {
        Self { shared, id }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let id = self.id;
        match self.shared.on_channels(|channels, sctp, _| channels.poll_read(id, sctp, buffer, cx.waker())) {
            Ok(polled) => polled,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let id = self.id;
        match self.shared.on_channels(|channels, sctp, _| channels.poll_write(id, sctp, data, cx.waker())) {
            Ok(polled) => polled,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// What was written is on its way already.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Does not wait for the acknowledgement: some implementations never send one. The connection waits for it when it is
    /// closed itself.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let id = self.id;
        Poll::Ready(self.shared.on_channels(|channels, sctp, _| channels.finish(id, sctp)))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let id = self.id;
        // Without a connection there is nothing to let go.
        let _ = self.shared.on_channels(|channels, sctp, now| channels.let_go(id, sctp, now));
        // It is to be forgotten in a while, whether or not there is anything to send now.
        self.shared.driver.wake();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("id", &self.id).finish_non_exhaustive()
    }
}
