//! Carries bytes both ways between two streams, within limits.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncWrite};

/// Bytes of each way that wait to be written.
const BUFFER: usize = 8 * 1024;
/// Pieces carried in one turn before others get theirs.
const TURN: usize = 32;

/// Why a circuit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Both sides ended it.
    InOrder,
    /// One of them broke.
    Broken,
    /// One way carried all that it may.
    Limit,
}

/// Two streams as one. Each way ends by itself, as the streams do; it is over when both have, or one breaks.
pub(super) struct Pump<A, B> {
    near: A,
    far: B,
    out: Way,
    back: Way,
}

/// Joins two streams. Each way carries `limit` bytes at most.
pub(super) fn pump<A, B>(near: A, far: B, limit: u64) -> Pump<A, B> {
    Pump { near, far, out: Way::new(limit), back: Way::new(limit) }
}

impl<A, B> Future for Pump<A, B>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let Self { near, far, out, back } = &mut *self;
        let ways = [out.poll(near, far, cx), back.poll(far, near, cx)];
        let [out, back] = ways;
        match (out, back) {
            (Poll::Ready(Err(ended)), _) | (_, Poll::Ready(Err(ended))) => Poll::Ready(ended),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(Ended::InOrder),
            _ => Poll::Pending,
        }
    }
}

struct Way {
    buffer: Box<[u8]>,
    /// What of the buffer is to be written.
    start: usize,
    end: usize,
    left: u64,
    ended: bool,
    closed: bool,
}

impl Way {
    fn new(limit: u64) -> Self {
        Self { buffer: vec![0; BUFFER].into(), start: 0, end: 0, left: limit, ended: false, closed: false }
    }

    fn poll<R, W>(&mut self, from: &mut R, to: &mut W, cx: &mut Context<'_>) -> Poll<Result<(), Ended>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if self.closed {
            return Poll::Ready(Ok(()));
        }
        for _ in 0..TURN {
            match ready!(self.step(from, to, cx)) {
                Ok(false) => {}
                Ok(true) => {
                    self.closed = true;
                    return Poll::Ready(Ok(()));
                }
                Err(_) if self.left == 0 => return Poll::Ready(Err(Ended::Limit)),
                Err(_) => return Poll::Ready(Err(Ended::Broken)),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Carries one piece. True when all is carried and the other side knows it.
    fn step<R, W>(&mut self, from: &mut R, to: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<bool>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if self.start < self.end {
            let written = ready!(Pin::new(to).poll_write(cx, &self.buffer[self.start..self.end]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.start += written;
            return Poll::Ready(Ok(false));
        }
        if self.ended {
            ready!(Pin::new(to).poll_close(cx))?;
            return Poll::Ready(Ok(true));
        }
        let Poll::Ready(read) = Pin::new(from).poll_read(cx, &mut self.buffer) else {
            // Nothing more to come now: what was written must not wait.
            if let Poll::Ready(Err(error)) = Pin::new(to).poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            return Poll::Pending;
        };
        let read = read?;
        // A byte above the limit ends it. What came before has been carried.
        let allowed = usize::try_from(self.left).unwrap_or(usize::MAX).min(read);
        self.left -= allowed as u64;
        if allowed < read {
            self.left = 0;
            return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()));
        }
        (self.start, self.end, self.ended) = (0, read, read == 0);
        Poll::Ready(Ok(false))
    }
}

#[cfg(test)]
#[cfg(feature = "native")]
mod tests {
    use futures::{
        AsyncReadExt, AsyncWriteExt,
        executor::block_on,
        future::{join, join3},
    };

    use tokio::io::{DuplexStream, duplex};
    use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

    use super::*;

    fn pipe() -> (Compat<DuplexStream>, Compat<DuplexStream>) {
        let (near, far) = duplex(1024);
        (near.compat(), far.compat())
    }

    #[test]
    fn bytes_pass_both_ways_and_each_way_ends_by_itself() {
        let [(mut client, near), (far, mut server)] = [pipe(), pipe()];
        let asked = async {
            client.write_all(b"question").await.unwrap();
            client.close().await.unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            answer
        };
        let answered = async {
            let mut question = Vec::new();
            server.read_to_end(&mut question).await.unwrap();
            server.write_all(&question.repeat(10_000)).await.unwrap();
            server.close().await.unwrap();
        };
        let (answer, (), ended) = block_on(join3(asked, answered, pump(near, far, u64::MAX)));
        assert_eq!((answer.len(), ended), (80_000, Ended::InOrder));
    }

    #[test]
    fn a_way_carries_its_limit_and_not_a_byte_more() {
        for (sent, ended) in [(100, Ended::InOrder), (101, Ended::Limit)] {
            let [(mut client, near), (far, mut server)] = [pipe(), pipe()];
            let asked = async move {
                client.write_all(&vec![7; sent]).await.unwrap();
                client.close().await.unwrap();
            };
            let answered = async move {
                let mut got = Vec::new();
                let _ = server.read_to_end(&mut got).await;
                let _ = server.close().await;
                got.len()
            };
            let limited = async { pump(near, far, 100).await };
            let ((), (got, end)) = block_on(join(asked, join(answered, limited)));
            assert!(got <= 100, "{got}");
            assert_eq!(end, ended, "{sent}");
        }
    }
}
