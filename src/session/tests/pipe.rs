//! Two ends of a byte stream in memory that count flights: each end knows the longest chain of "wrote after having read"
//! behind what it has seen, so that two of them are one round trip on any line, however the two sides are polled.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};

use futures::{AsyncRead, AsyncWrite};

#[derive(Default)]
struct Line {
    chunks: VecDeque<(u32, VecDeque<u8>)>,
    closed: bool,
    reader: Option<Waker>,
}

/// One end.
pub(super) struct End {
    from: Arc<Mutex<Line>>,
    to: Arc<Mutex<Line>>,
    flights: Flights,
    /// The most bytes that one read gives.
    pub(super) sip: usize,
}

/// The flights that an end has seen.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<AtomicU32>);

impl Flights {
    pub(super) fn seen(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(super) fn pipe() -> (End, End) {
    let [one, other]: [Arc<Mutex<Line>>; 2] = Default::default();
    let end = |from: &Arc<Mutex<Line>>, to: &Arc<Mutex<Line>>| End {
        from: from.clone(),
        to: to.clone(),
        flights: Flights::default(),
        sip: usize::MAX,
    };
    (end(&one, &other), end(&other, &one))
}

impl End {
    pub(super) fn flights(&self) -> Flights {
        self.flights.clone()
    }
}

fn close(line: &Mutex<Line>) {
    let mut line = line.lock().unwrap();
    line.closed = true;
    if let Some(reader) = line.reader.take() {
        reader.wake();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        close(&self.to);
        close(&self.from);
    }
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut line = self.from.lock().unwrap();
        let Some((flight, chunk)) = line.chunks.front_mut() else {
            if line.closed {
                return Poll::Ready(Ok(0));
            }
            line.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        self.flights.0.fetch_max(*flight, Ordering::SeqCst);
        let count = chunk.len().min(buffer.len()).min(self.sip);
        for (place, byte) in buffer.iter_mut().zip(chunk.drain(..count)) {
            *place = byte;
        }
        if chunk.is_empty() {
            line.chunks.pop_front();
        }
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut line = self.to.lock().unwrap();
        if line.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        line.chunks.push_back((self.flights.seen() + 1, bytes.iter().copied().collect()));
        if let Some(reader) = line.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        close(&self.to);
        Poll::Ready(Ok(()))
    }
}
