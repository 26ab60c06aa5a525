//! Rules that are broken, and the end.

use std::io;

use async_tungstenite::tungstenite::{
    Message,
    protocol::{
        Role,
        frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};

use super::{super::*, fault, pipe, read_fault, with_raw_server};

#[tokio::test]
async fn text_is_a_fault_of_its_own() {
    let (mut client, mut server) = with_raw_server().await;
    server.send(Message::text("/multistream/1.0.0")).await.unwrap();
    assert_eq!(read_fault(&mut client).await, Some(WebSocketFault::TextFrame));
    assert_eq!(client.read(&mut [0; 16]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_huge_message_is_refused_before_it_is_read() {
    let (mut client, mut server) = with_raw_server().await;
    let huge = Message::binary(vec![0; MAX_MESSAGE_BYTES + 1]);
    let sender = async { server.send(huge).await };
    let reader = async {
        let told = read_fault(&mut client).await;
        drop(client);
        told
    };
    let (sent, told) = futures::join!(sender, reader);
    assert_eq!(told, Some(WebSocketFault::MessageTooLarge { size: MAX_MESSAGE_BYTES + 1 }));
    assert!(sent.is_err());
}

#[tokio::test]
async fn fragments_do_not_add_up_to_a_huge_message() {
    let (mut client, mut server) = with_raw_server().await;
    let sender = async {
        let first = Frame::message(vec![0; 1024 * 1024], OpCode::Data(Data::Binary), false);
        let mut sent = server.send(Message::Frame(first)).await;
        while sent.is_ok() {
            let next = Frame::message(vec![0; 1024 * 1024], OpCode::Data(Data::Continue), false);
            sent = server.send(Message::Frame(next)).await;
        }
    };
    let reader = async {
        let told = read_fault(&mut client).await;
        drop(client);
        told
    };
    let ((), told) = futures::join!(sender, reader);
    assert!(matches!(told, Some(WebSocketFault::MessageTooLarge { .. })), "{told:?}");
}

#[tokio::test]
async fn the_rules_of_the_protocol_are_kept() {
    // As a server sends them; the last is masked, which only a client may do.
    let cases: [(&[u8], WebSocketFault); 5] = [
        (b"\xc2\x01x", WebSocketFault::Violation("reserved bits are set")),
        (b"\x80\x01x", WebSocketFault::Violation("a continuation of nothing")),
        (b"\x83\x01x", WebSocketFault::Violation("an unknown opcode")),
        (b"\x81\x01\xff", WebSocketFault::Violation("text that is not UTF-8")),
        (b"\x82\x81\0\0\0\0x", WebSocketFault::Violation("a server's frame is masked")),
    ];
    for (bytes, expected) in cases {
        let (near, mut far) = pipe(4096);
        far.write_all(bytes).await.unwrap();
        let mut client = WebSocket::new(near, Vec::new(), Role::Client).await;
        assert_eq!(read_fault(&mut client).await, Some(expected), "{}", bytes.escape_ascii());
    }
}

#[tokio::test]
async fn a_close_frame_is_the_end_and_is_answered() {
    let (mut client, mut server) = with_raw_server().await;
    server.send(Message::binary(&b"last"[..])).await.unwrap();
    server.send(Message::Close(None)).await.unwrap();
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"last");
    let error = client.write(b"more").await.unwrap_err();
    assert_eq!((error.kind(), fault(&error)), (io::ErrorKind::BrokenPipe, Some(WebSocketFault::Closed)));
    assert!(matches!(server.next().await, Some(Ok(Message::Close(_)))));
    client.close().await.unwrap();
}

#[tokio::test]
async fn closing_sends_what_was_written_and_a_close_frame() {
    let (mut client, mut server) = with_raw_server().await;
    client.write_all(b"not flushed").await.unwrap();
    client.close().await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::binary(&b"not flushed"[..]));
    match server.next().await {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1000),
        other => panic!("{other:?}"),
    }
    let error = client.write(b"more").await.unwrap_err();
    assert_eq!(fault(&error), Some(WebSocketFault::Closed));
}

#[tokio::test]
async fn an_end_without_a_close_frame_is_told() {
    let (mut client, server) = with_raw_server().await;
    drop(server);
    let error = client.read(&mut [0; 16]).await.unwrap_err();
    assert_eq!((error.kind(), fault(&error)), (io::ErrorKind::UnexpectedEof, Some(WebSocketFault::NoCloseFrame)));
}
