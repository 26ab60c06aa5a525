//! The byte stream through a relay, and whether it ended because the relay allows no more.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};

use super::Limits;
use crate::{model::Cause, session::Fault};

/// A stream that knows the limits of its relay: its end, once they are used up, is [`Cause::RelayLimit`].
#[derive(Debug)]
pub struct Circuit<S> {
    inner: S,
    meter: Meter,
}

/// How much of its limits a circuit has used. Clones share the count.
#[derive(Clone, Debug)]
pub struct Meter {
    limits: Limits,
    used: Arc<Used>,
}

#[derive(Debug, Default)]
struct Used {
    read: AtomicU64,
    written: AtomicU64,
    time: AtomicBool,
}

impl<S> Circuit<S> {
    /// A stream that a relay answered for.
    pub fn new(inner: S, limits: Limits) -> Self {
        Self { inner, meter: Meter { limits, used: Arc::default() } }
    }

    /// What tells how much is used.
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }
}

impl Meter {
    /// The limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The time is over: whoever has a clock says so.
    pub fn out_of_time(&self) {
        self.used.time.store(true, Ordering::Relaxed);
    }

    /// What an end of the stream means that is not told: that a limit was reached, if one was.
    fn spent(&self) -> Option<Fault> {
        let limit = |words: String| Some(Fault::from(Cause::RelayLimit).say(&words));
        if let Some(time) = self.limits.duration.filter(|_| self.used.time.load(Ordering::Relaxed)) {
            return limit(format!("the relay allows a connection {} s", time.as_secs()));
        }
        // Some relays count each way by itself, as the specification has it, and some both together.
        let carried = self.used.read.load(Ordering::Relaxed).saturating_add(self.used.written.load(Ordering::Relaxed));
        let bytes = self.limits.bytes.filter(|bytes| carried >= *bytes)?;
        limit(format!("the relay allows a connection {bytes} bytes, and {carried} were sent and received"))
    }

    fn count(&self, counter: impl Fn(&Used) -> &AtomicU64, bytes: usize) {
        counter(&self.used).fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn meaning(&self, error: io::Error) -> io::Error {
        self.spent().map_or(error, Fault::into_io)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Circuit<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        polled.map(|read| match read {
            Ok(0) if !buffer.is_empty() => self.meter.spent().map_or(Ok(0), |fault| Err(fault.into_io())),
            Ok(count) => {
                self.meter.count(|used| &used.read, count);
                Ok(count)
            }
            Err(error) => Err(self.meter.meaning(error)),
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Circuit<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        polled
            .map_ok(|count| {
                self.meter.count(|used| &used.written, count);
                count
            })
            .map_err(|error| self.meter.meaning(error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        polled.map_err(|error| self.meter.meaning(error))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_close(cx);
        polled.map_err(|error| self.meter.meaning(error))
    }
}

#[cfg(test)]
mod tests {
    use futures::{AsyncReadExt, AsyncWriteExt, executor::block_on, io::Cursor};

    use super::*;

    fn circuit(read: &[u8], limits: Limits) -> Circuit<Cursor<Vec<u8>>> {
        Circuit::new(Cursor::new(read.to_vec()), limits)
    }

    fn end(circuit: &mut Circuit<Cursor<Vec<u8>>>) -> Result<(), Cause> {
        let end = block_on(circuit.read_to_end(&mut Vec::new()));
        end.map(drop).map_err(|error| Fault::from_io(&error, Cause::Closed).cause)
    }

    #[test]
    fn an_end_at_a_limit_is_the_relays() {
        let bytes = |bytes| Limits { bytes: Some(bytes), duration: None };
        assert_eq!(end(&mut circuit(b"12345678", Limits::default())), Ok(()));
        assert_eq!(end(&mut circuit(b"12345678", bytes(9))), Ok(()));
        assert_eq!(end(&mut circuit(b"12345678", bytes(8))), Err(Cause::RelayLimit));
        // What was written took the place of what would have been read.
        let mut both = circuit(b"12345678", bytes(8));
        block_on(both.write_all(b"x")).unwrap();
        assert_eq!(end(&mut both), Err(Cause::RelayLimit));
    }

    #[test]
    fn an_end_when_the_time_is_over_is_the_relays() {
        let mut circuit = circuit(b"1", Limits { duration: Some(std::time::Duration::from_secs(1)), bytes: None });
        assert_eq!(end(&mut circuit), Ok(()));
        circuit.meter().out_of_time();
        assert_eq!(end(&mut circuit), Err(Cause::RelayLimit));
    }
}
