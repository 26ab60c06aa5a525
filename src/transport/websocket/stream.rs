//! An established WebSocket as a stream of bytes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use async_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Bytes, Message,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};
use futures::{AsyncRead, AsyncWrite, Sink, Stream};

use super::{
    MAX_CHUNK_BYTES, MAX_MESSAGE_BYTES, MAX_WAITING_BYTES,
    error::{WebSocketFault, io_error},
};

/// What is read from the stream below at once, in bytes. It is allocated for every connection, idle ones too.
const READ_BYTES: usize = 16 * 1024;

/// How many messages without a byte for the reader one poll takes, before other tasks have their turn: a peer may send
/// pings and empty messages without end.
const MESSAGES_PER_POLL: usize = 64;

/// A WebSocket whose binary messages are a stream of bytes.
///
/// Bytes are gathered until `flush` or until they fill a message of [`MAX_CHUNK_BYTES`]. A close frame reads as the end;
/// `close` sends one and closes the stream below without waiting for the peer's. Errors that are the peer's fault carry
/// a [`WebSocketFault`].
#[derive(Debug)]
pub struct WebSocket<S> {
    inner: WebSocketStream<S>,
    incoming: Bytes,
    outgoing: Vec<u8>,
    /// Nothing more is to be read.
    ended: bool,
    /// The peer sent a close frame: nothing more may be sent.
    closed_by_peer: bool,
    closing: Closing,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Closing {
    Open,
    /// What was written goes out before the close frame.
    Draining,
    /// The close frame is queued.
    Flushing,
    /// The stream below is being closed.
    Below,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// A WebSocket after its handshake; `rest` was read behind the head.
    pub(super) async fn new(stream: S, rest: Vec<u8>, role: Role) -> Self {
        // Messages are gathered here, so the library passes each on at once.
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_WAITING_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        Self {
            inner: WebSocketStream::from_partially_read(stream, rest, role, Some(config)).await,
            incoming: Bytes::new(),
            outgoing: Vec::new(),
            ended: false,
            closed_by_peer: false,
            closing: Closing::Open,
        }
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        self.inner.get_ref()
    }

    /// Takes the next message. Answers to pings are sent by the library with the read that follows.
    fn take(&mut self, message: Message) -> io::Result<()> {
        match message {
            Message::Binary(bytes) => self.incoming = bytes,
            Message::Text(_) => {
                self.ended = true;
                return Err(WebSocketFault::TextFrame.into());
            }
            Message::Close(_) => {
                self.ended = true;
                self.closed_by_peer = true;
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Ok(())
    }

    /// Sends what was gathered as one message.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.outgoing.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if self.closed_by_peer {
            return Poll::Ready(Err(WebSocketFault::Closed.into()));
        }
        // Ready means that all before it was taken by the stream below: at most one message waits.
        ready!(Pin::new(&mut self.inner).poll_ready(cx)).map_err(io_error)?;
        let message = Message::Binary(std::mem::take(&mut self.outgoing).into());
        Poll::Ready(Pin::new(&mut self.inner).start_send(message).map_err(io_error))
    }

    fn poll_flush_inner(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx).map_err(io_error)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        for _ in 0..MESSAGES_PER_POLL {
            if !this.incoming.is_empty() {
                let count = buf.len().min(this.incoming.len());
                buf[..count].copy_from_slice(&this.incoming.split_to(count));
                return Poll::Ready(Ok(count));
            }
            if this.ended {
                // The answer to a close frame is owed, but a peer that takes nothing more does not hold up the end.
                let _ = this.closed_by_peer && this.poll_flush_inner(cx).is_ready();
                return Poll::Ready(Ok(0));
            }
            match ready!(Pin::new(&mut this.inner).poll_next(cx)) {
                Some(message) => this.take(message.map_err(io_error)?)?,
                None => this.ended = true,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.closing != Closing::Open || this.closed_by_peer {
            return Poll::Ready(Err(WebSocketFault::Closed.into()));
        }
        if this.outgoing.len() == MAX_CHUNK_BYTES {
            ready!(this.poll_send(cx))?;
        }
        let count = buf.len().min(MAX_CHUNK_BYTES - this.outgoing.len());
        this.outgoing.extend_from_slice(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        this.poll_flush_inner(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match this.closing {
                Closing::Open => this.closing = Closing::Draining,
                Closing::Draining if this.closed_by_peer => {
                    // Nothing may follow the peer's close frame; the library owes its answer.
                    this.outgoing.clear();
                    this.closing = Closing::Flushing;
                }
                Closing::Draining => {
                    ready!(this.poll_send(cx))?;
                    ready!(Pin::new(&mut this.inner).poll_ready(cx)).map_err(io_error)?;
                    // Normal closure: go-libp2p takes a close frame without a code for a failure.
                    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
                    Pin::new(&mut this.inner).start_send(Message::Close(Some(frame))).map_err(io_error)?;
                    this.closing = Closing::Flushing;
                }
                Closing::Flushing => {
                    ready!(this.poll_flush_inner(cx))?;
                    this.closing = Closing::Below;
                }
                Closing::Below => return Pin::new(this.inner.get_mut()).poll_close(cx),
            }
        }
    }
}
