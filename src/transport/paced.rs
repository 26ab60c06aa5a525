//! A socket that leaves others their turn.
//!
//! Attempts, and the dialers of a node, run side by side in one task. Tokio's budget is that of the task: a peer that never
//! stops sending would use it up in every turn, and the sockets polled after its own would never be read. So each socket is
//! outside of that budget and has one of its own.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncWrite};
use tokio::{net::TcpStream, task::unconstrained};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

/// Reads and writes at once, after which others have their turn: a few flights of a handshake.
const TURN: u32 = 32;

/// A paced socket.
#[derive(Debug)]
pub struct Paced<S> {
    socket: S,
    done: u32,
}

/// Paces a TCP connection.
pub fn paced(socket: TcpStream) -> Paced<Compat<TcpStream>> {
    Paced { socket: socket.compat(), done: 0 }
}

impl<S: Unpin> Paced<S> {
    fn step<T>(&mut self, cx: &mut Context<'_>, mut step: impl FnMut(Pin<&mut S>, &mut Context<'_>) -> Poll<T>) -> Poll<T> {
        if self.done == TURN {
            self.done = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let socket = &mut self.socket;
        let polled = pin!(unconstrained(poll_fn(|cx| step(Pin::new(socket), cx)))).poll(cx);
        self.done = if polled.is_ready() { self.done + 1 } else { 0 };
        Poll::Ready(ready!(polled))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.step(cx, |socket, cx| socket.poll_read(cx, buffer))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.step(cx, |socket, cx| socket.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.step(cx, |socket, cx| socket.poll_write_vectored(cx, buffers))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures::{
        AsyncReadExt as _, AsyncWriteExt as _,
        future::{join, select},
    };
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (near, far) = join(TcpStream::connect(address), listener.accept()).await;
        (near.unwrap(), far.unwrap().0)
    }

    /// Reads for ever what never ends to come, in front of a socket that has one byte to read.
    #[tokio::test]
    async fn a_flood_leaves_others_their_turn() {
        let ((flooded, flood), (other, mut quiet)) = (pair().await, pair().await);
        let flooding = async {
            let (mut flood, bytes) = (paced(flood), vec![0; 65536]);
            while flood.write_all(&bytes).await.is_ok() {}
        };
        tokio::io::AsyncWriteExt::write_all(&mut quiet, b"!").await.unwrap();
        let (mut flooded, mut other) = (paced(flooded), paced(other));
        let endless = async { while flooded.read_exact(&mut [0; 1]).await.is_ok() {} };
        let mut byte = [0];
        select(pin!(join(flooding, endless)), pin!(other.read_exact(&mut byte))).await;
        assert_eq!(&byte, b"!");
    }

    /// Whoever waits after a whole turn is woken again.
    #[tokio::test]
    async fn a_turn_is_followed_by_another() {
        let (near, far) = pair().await;
        let (mut near, mut far) = (paced(near), paced(far));
        let bytes = vec![7; 100 * TURN as usize];
        let send = async {
            for byte in &bytes {
                near.write_all(&[*byte]).await.unwrap();
            }
            near.close().await.unwrap();
        };
        let mut received = Vec::new();
        let receive = async {
            let mut byte = [0];
            while far.read(&mut byte).await.unwrap() == 1 {
                received.push(byte[0]);
            }
        };
        join(send, receive).await;
        assert_eq!(received, bytes);
    }
}
