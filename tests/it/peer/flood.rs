//! A peer that opens streams without end, and sends on each as much as it may.

use futures::stream::FuturesUnordered;
use futures::{AsyncWriteExt, StreamExt};
use libp2p_core::muxing::{StreamMuxerBox, StreamMuxerExt, SubstreamBox};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Streams at once: fewer than any muxer of ours allows, since the next comes as soon as one has ended.
const STREAMS: usize = 200;
/// What a stream sends at once, in bytes.
const WRITE: usize = 64 * 1024;
/// What is asked for, in turn: what every libp2p node serves, and what none does.
const PROTOCOLS: [&str; 4] = ["/ipfs/ping/1.0.0", "/flood/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/id/1.0.0"];

type Sending = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// The streams of one connection.
#[derive(Default)]
pub struct Flood {
    open: FuturesUnordered<Sending>,
    opened: usize,
}

impl Flood {
    /// Goes on with it. Whoever drives the connection is woken for it.
    pub fn poll(&mut self, muxer: &mut StreamMuxerBox, cx: &mut Context<'_>) {
        // One stream a turn: the answers of the other side get theirs.
        if self.open.len() < STREAMS
            && let Poll::Ready(Ok(stream)) = muxer.poll_outbound_unpin(cx)
        {
            let protocol = PROTOCOLS[self.opened % PROTOCOLS.len()];
            self.opened += 1;
            self.open.push(Box::pin(send(stream, protocol)));
            cx.waker().wake_by_ref();
        }
        while let Poll::Ready(Some(_)) = self.open.poll_next_unpin(cx) {
            cx.waker().wake_by_ref();
        }
    }
}

/// Asks, and sends on whatever is answered. A stream that is refused or broken off ends; what comes is left unread.
async fn send(mut stream: SubstreamBox, protocol: &str) -> io::Result<()> {
    for name in ["/multistream/1.0.0", protocol] {
        let length = u8::try_from(name.len() + 1).expect("a short name");
        stream.write_all(&[&[length], name.as_bytes(), b"\n"].concat()).await?;
    }
    let bytes = vec![7; WRITE];
    loop {
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        // A stream that takes everything at once must not keep the others from their turn.
        tokio::task::yield_now().await;
    }
}
