//! A question on a stream, and its answer: what shows that a connection works, whatever hides it.

use std::fmt::Debug;
use std::future::poll_fn;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p_core::muxing::{StreamMuxer, StreamMuxerExt};

/// One side opens a stream and asks, the other answers; both see the stream to its end.
pub(super) async fn echo<M>(from: &mut M, to: &mut M)
where
    M: StreamMuxer<Substream: AsyncRead + AsyncWrite + Unpin, Error: Debug> + Unpin,
{
    let ask = async {
        let mut stream = poll_fn(|cx| from.poll_outbound_unpin(cx)).await.unwrap();
        let exchange = async {
            stream.write_all(b"question").await.unwrap();
            stream.close().await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            answer
        };
        moved(from, exchange).await
    };
    let answer = async {
        let mut stream = poll_fn(|cx| to.poll_inbound_unpin(cx)).await.unwrap();
        let exchange = async {
            let mut question = Vec::new();
            stream.read_to_end(&mut question).await.unwrap();
            stream.write_all(&question).await.unwrap();
            stream.close().await.unwrap();
        };
        moved(to, exchange).await;
        // Until the other side has it all.
        poll_fn(|cx| to.poll_close_unpin(cx)).await.unwrap();
    };
    assert_eq!(tokio::join!(ask, answer).0, b"question");
}

/// Does something on a connection, which moves only while it is polled.
async fn moved<M: StreamMuxer + Unpin, T>(muxer: &mut M, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    poll_fn(|cx| {
        let _ = muxer.poll_unpin(cx);
        work.as_mut().poll(cx)
    })
    .await
}
