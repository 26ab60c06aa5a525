//! A stream of a connection, to be read and written.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};
use send_wrapper::SendWrapper;

use super::channel::Channel;

/// What dropping a stream does to its channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A stream given up is reset, so that the peer never takes it for one that is complete.
    Stream,
    /// The handshake's channel stays, and says no more.
    Handshake,
}

/// A bidirectional stream on a data channel. Closing it finishes our side.
pub(super) struct Stream {
    channel: SendWrapper<Rc<Channel>>,
    used: Use,
}

impl Stream {
    pub(super) fn new(channel: Rc<Channel>, used: Use) -> Self {
        Self { channel: SendWrapper::new(channel), used }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.channel.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.channel.poll_write(cx, data)
    }

    /// What was written is on its way already.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Does not wait for the acknowledgement: some implementations never send one.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.channel.finish();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        match self.used {
            Use::Stream => self.channel.let_go(),
            Use::Handshake => self.channel.silence(),
        }
    }
}
