//! A stream of a session, to be read and written.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncWrite, FutureExt};
use js_sys::Uint8Array;
use p2p_probe::engine::Fault;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{
    of_stream,
    platform::{Bidirectional, Reader, Writer},
};
use crate::platform::get;

/// Bytes of one write: what is copied at once.
const MAX_WRITE: usize = 64 * 1024;

/// A bidirectional stream. Closing it ends our side; dropping it without that resets it.
pub(super) struct Stream(SendWrapper<Inner>);

struct Inner {
    reader: Reader,
    writer: Writer,
    reading: Reading,
    /// The last write: the next one comes when the platform has taken it.
    writing: Option<JsFuture>,
    closing: Option<JsFuture>,
    closed: bool,
}

enum Reading {
    /// Bytes that have come, those before the number read already.
    Have(Vec<u8>, usize),
    Wait(JsFuture),
    End,
    Failed(Fault),
}

impl Stream {
    pub(super) fn new(stream: &JsValue) -> Self {
        let stream: &Bidirectional = stream.unchecked_ref();
        Self(SendWrapper::new(Inner {
            reader: stream.readable().reader(),
            writer: stream.writable().writer(),
            reading: Reading::Have(Vec::new(), 0),
            writing: None,
            closing: None,
            closed: false,
        }))
    }
}

impl Inner {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            match &mut self.reading {
                Reading::Have(bytes, read) if *read < bytes.len() => {
                    let count = buffer.len().min(bytes.len() - *read);
                    buffer[..count].copy_from_slice(&bytes[*read..*read + count]);
                    *read += count;
                    return Poll::Ready(Ok(count));
                }
                Reading::Have(..) => self.reading = Reading::Wait(JsFuture::from(self.reader.read())),
                Reading::Wait(next) => {
                    let next = ready!(next.poll_unpin(cx));
                    self.reading = next.map_or_else(|error| Reading::Failed(of_stream(&error)), |next| chunk(&next));
                }
                Reading::End => return Poll::Ready(Ok(0)),
                Reading::Failed(fault) => return Poll::Ready(Err(fault.clone().into_io())),
            }
        }
    }

    /// Waits until the platform has room, or has failed to write.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(writing) = &mut self.writing else { return Poll::Ready(Ok(())) };
        let written = ready!(writing.poll_unpin(cx));
        self.writing = None;
        Poll::Ready(written.map(drop).map_err(|_| io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.closing.is_some() || self.closed {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        ready!(self.poll_written(cx))?;
        let bytes = &bytes[..bytes.len().min(MAX_WRITE)];
        // Settles when it was taken, which is when there is room.
        self.writing = Some(JsFuture::from(self.writer.write(&Uint8Array::from(bytes))));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closed {
            return Poll::Ready(Ok(()));
        }
        if self.closing.is_none() {
            ready!(self.poll_written(cx))?;
        }
        let closing = self.closing.get_or_insert_with(|| JsFuture::from(self.writer.close()));
        let closed = ready!(closing.poll_unpin(cx));
        self.closing = None;
        self.closed = true;
        Poll::Ready(closed.map(drop).map_err(|_| io::ErrorKind::BrokenPipe.into()))
    }
}

/// What the platform's reader gives: `{ done, value }`.
fn chunk(next: &JsValue) -> Reading {
    if get(next, "done").is_truthy() { Reading::End } else { Reading::Have(Uint8Array::new(&get(next, "value")).to_vec(), 0) }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_written(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(cx)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A rejection that nobody looks at would be told to the page.
        let hush = |promise| mem::drop(JsFuture::from(promise));
        if !self.closed && self.closing.is_none() {
            hush(self.writer.abort());
        }
        if !matches!(self.reading, Reading::End | Reading::Failed(_)) {
            hush(self.reader.cancel());
        }
    }
}
