//! Bytes on their way.

use async_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};
use futures::{AsyncReadExt, AsyncWriteExt, SinkExt, StreamExt};

use super::{super::*, Pipe, pair, pipe, with_raw_server};
use crate::transport::tap::Tap;

/// Bytes that differ from place to place, so that a swap or a loss shows.
fn pattern(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(step).collect()
}

#[tokio::test]
async fn ten_mebibytes_both_ways_through_a_narrow_pipe() {
    const LENGTH: usize = 10 * 1024 * 1024;
    let (client, server) = pair(1000).await;
    let exchange = |socket: WebSocket<Pipe>, sent: Vec<u8>, expected: Vec<u8>| async move {
        let (mut reader, mut writer) = socket.split();
        let write = async {
            // Pieces of all sizes, as a muxer writes them.
            for piece in sent.chunks(70_001) {
                writer.write_all(piece).await.unwrap();
            }
            writer.flush().await.unwrap();
        };
        let mut got = vec![0; expected.len()];
        let read = async { reader.read_exact(&mut got).await.unwrap() };
        futures::join!(write, read);
        assert!(got == expected, "the bytes differ");
        writer.close().await.unwrap();
        assert_eq!(reader.read(&mut [0; 16]).await.unwrap(), 0);
    };
    let (there, back) = (pattern(LENGTH, 1), pattern(LENGTH, 2));
    futures::join!(exchange(client, there.clone(), back.clone()), exchange(server, back, there));
}

#[tokio::test]
async fn a_peer_that_reads_nothing_stops_the_writer() {
    let (near, far) = pipe(1000);
    let near = Tap::new(near);
    let view = near.view();
    let (client, server) = futures::join!(connect(near, "example.org", "/"), accept(far));
    let (mut client, mut server) = (client.unwrap().0, server.unwrap());
    let mut accepted = 0;
    let block = [0; 10_000];
    while let std::task::Poll::Ready(count) = futures::poll!(client.write(&block)) {
        accepted += count.unwrap();
        assert!(accepted < 1024 * 1024, "nothing holds the writer back");
    }
    assert!(view.written() < 10_000);
    let mut got = vec![0; accepted];
    let read = async { server.read_exact(&mut got).await.unwrap() };
    futures::join!(read, async { client.flush().await.unwrap() });
}

#[tokio::test]
async fn writes_are_gathered_until_a_flush() {
    let (mut client, mut server) = with_raw_server().await;
    for piece in [&b"yamux"[..], b"header", b"body"] {
        client.write_all(piece).await.unwrap();
    }
    client.flush().await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::binary(&b"yamuxheaderbody"[..]));
    let write = async {
        client.write_all(&vec![1; MAX_CHUNK_BYTES + 1]).await.unwrap();
        client.flush().await.unwrap();
    };
    let read = async {
        assert_eq!(server.next().await.unwrap().unwrap().len(), MAX_CHUNK_BYTES);
        assert_eq!(server.next().await.unwrap().unwrap().len(), 1);
    };
    futures::join!(write, read);
}

#[tokio::test]
async fn fragments_and_empty_messages_are_one_stream() {
    let (mut client, mut server) = with_raw_server().await;
    let frame = |bytes: &'static [u8], kind, last| Message::Frame(Frame::message(bytes, OpCode::Data(kind), last));
    server.send(Message::binary(Vec::new())).await.unwrap();
    server.send(frame(b"in ", Data::Binary, false)).await.unwrap();
    server.send(frame(b"three ", Data::Continue, false)).await.unwrap();
    server.send(frame(b"parts", Data::Continue, true)).await.unwrap();
    server.send(Message::binary(&b", and on"[..])).await.unwrap();
    let mut bytes = [0; 22];
    client.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"in three parts, and on");
}

#[tokio::test]
async fn pings_are_answered_while_reading() {
    let (mut client, mut server) = with_raw_server().await;
    let other_side = async {
        server.send(Message::Ping(b"there?"[..].into())).await.unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), Message::Pong(b"there?"[..].into()));
        server.send(Message::binary(&b"x"[..])).await.unwrap();
    };
    let mut byte = [0; 1];
    let read = async { client.read_exact(&mut byte).await.unwrap() };
    futures::join!(other_side, read);
}

#[tokio::test]
async fn a_flood_of_pings_lets_other_tasks_run() {
    let (mut client, mut server) = with_raw_server().await;
    for _ in 0..1000 {
        server.feed(Message::Ping(b""[..].into())).await.unwrap();
    }
    server.flush().await.unwrap();
    let mut buffer = [0; 1];
    let mut read = client.read(&mut buffer);
    for _ in 0..3 {
        assert!(futures::poll!(&mut read).is_pending());
    }
}
