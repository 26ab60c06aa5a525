//! A connection of the contract as a byte stream.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncWrite};
use js_sys::{ArrayBuffer, Iterator, Uint8Array};
use p2p_probe::engine::Fault;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::{
    contract::{Wire, broken, ignored, iterator, next, promised},
    error,
    platform::get,
};

/// The most that is handed over in one write, so that the copy that the host makes of it is bounded.
const WRITE: usize = 256 * 1024;

/// An open connection. Dropping it gives it up.
pub struct Connection(SendWrapper<Inner>);

struct Inner {
    wire: Wire,
    reading: Reading,
    /// The write whose promise has not been seen to settle.
    writing: Option<JsFuture>,
    shut: bool,
    /// What stopped writing for good.
    broken: bool,
}

/// How far reading has come.
enum Reading {
    /// Nothing is asked for.
    Idle(Iterator),
    /// The next bytes were asked for.
    Asked(Iterator, JsFuture),
    /// Bytes have come, and so many of them were read.
    Bytes(Iterator, Uint8Array, u32),
    /// The peer has ended its side.
    Ended,
    /// It broke, which was told; or it breaks right now.
    Broken,
}

impl Connection {
    /// Wraps a connection, which nobody else may use from here on. The error is that it is none.
    pub(crate) fn new(connection: JsValue) -> Result<Self, Fault> {
        let read = get(&connection, "read");
        // From here on it is closed when it is dropped.
        let wire = connection.unchecked_into();
        let mut inner = Inner { wire, reading: Reading::Broken, writing: None, shut: false, broken: false };
        inner.reading = Reading::Idle(iterator(read, "the read of a connection").map_err(|error| error::fault(&error))?);
        Ok(Self(SendWrapper::new(inner)))
    }

    /// The own end as a multiaddr, where the platform tells.
    #[must_use]
    pub fn local(&self) -> Option<String> {
        get(&self.0.wire, "local_addr").as_string()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("local", &self.local()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Of some hosts it is `shutdown` alone that ends a connection.
        let ended = (!self.shut).then(|| self.wire.shutdown());
        // Nobody is left to be told that it failed.
        ended.into_iter().chain([self.wire.close()]).flatten().for_each(|value| ignored(&value));
    }
}

impl Inner {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            // Whatever happens on the way, a connection is never read in an older state again.
            match std::mem::replace(&mut self.reading, Reading::Broken) {
                Reading::Idle(iterator) => match next(&iterator) {
                    Ok(Some(promise)) => self.reading = Reading::Asked(iterator, promise),
                    Ok(None) => self.reading = Reading::Ended,
                    Err(error) => return Poll::Ready(Err(error::io(&error))),
                },
                Reading::Asked(iterator, mut promise) => match Pin::new(&mut promise).poll(cx) {
                    Poll::Pending => {
                        self.reading = Reading::Asked(iterator, promise);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(value)) => self.reading = arrived(iterator, value)?,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error::io(&error))),
                },
                Reading::Bytes(iterator, bytes, from) => {
                    let room = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
                    let to = bytes.length().min(from.saturating_add(room));
                    let count = to.saturating_sub(from) as usize;
                    if count == 0 {
                        return Poll::Ready(Err(error::io(&broken("bytes were taken back"))));
                    }
                    bytes.subarray(from, to).copy_to(&mut buffer[..count]);
                    self.reading =
                        if to == bytes.length() { Reading::Idle(iterator) } else { Reading::Bytes(iterator, bytes, to) };
                    return Poll::Ready(Ok(count));
                }
                Reading::Ended => {
                    self.reading = Reading::Ended;
                    return Poll::Ready(Ok(0));
                }
                Reading::Broken => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            }
        }
    }

    /// Waits until the host has room again.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(writing) = &mut self.writing {
            let written = ready!(Pin::new(writing).poll(cx));
            self.writing = None;
            if let Err(error) = written {
                self.broken = true;
                return Poll::Ready(Err(error::io(&error)));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(cx))?;
        if self.shut || self.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let bytes = &bytes[..bytes.len().min(WRITE)];
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        match self.wire.write(bytes) {
            Ok(written) => {
                self.writing = Some(promised(&written));
                Poll::Ready(Ok(bytes.len()))
            }
            Err(error) => {
                self.broken = true;
                Poll::Ready(Err(error::io(&error)))
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_room(cx))?;
        if !self.shut {
            self.shut = true;
            ignored(&self.wire.shutdown().map_err(|error| error::io(&error))?);
        }
        Poll::Ready(Ok(()))
    }
}

/// What a settled promise brings.
fn arrived(iterator: Iterator, value: JsValue) -> io::Result<Reading> {
    if value.is_null() {
        return Ok(Reading::Ended);
    }
    let bytes = match value.dyn_into::<ArrayBuffer>() {
        // Of one that the host has given away nothing can be made.
        Ok(buffer) if buffer.byte_length() == 0 => return Ok(Reading::Idle(iterator)),
        Ok(buffer) => Uint8Array::new(&buffer),
        Err(value) => value.dyn_into().map_err(|_| error::io(&broken("neither bytes nor null were read")))?,
    };
    // Other hosts may hand out nothing, which is no end.
    Ok(if bytes.length() == 0 { Reading::Idle(iterator) } else { Reading::Bytes(iterator, bytes, 0) })
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_room(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(cx)
    }
}
