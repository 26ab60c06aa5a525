use std::io;

use async_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{
            Role,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, SinkExt, StreamExt};
use tokio::io::{DuplexStream, duplex};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::*;
use crate::transport::tap::{Speaks, Tap};

type Pipe = Compat<DuplexStream>;

fn pipe(buffer: usize) -> (Pipe, Pipe) {
    let (near, far) = duplex(buffer);
    (near.compat(), far.compat())
}

/// Both ends of a WebSocket of ours.
async fn pair(buffer: usize) -> (WebSocket<Pipe>, WebSocket<Pipe>) {
    let (near, far) = pipe(buffer);
    let (client, server) = futures::join!(connect(near, "example.org", "/"), accept(far));
    (client.unwrap().0, server.unwrap())
}

/// A client of ours, and the library's raw server, which sends whatever a test wants.
async fn with_raw_server() -> (WebSocket<Pipe>, WebSocketStream<Pipe>) {
    let (near, far) = pipe(64 * 1024);
    let (client, server) = futures::join!(connect(near, "example.org", "/"), async_tungstenite::accept_async(far));
    (client.unwrap().0, server.unwrap())
}

/// What a client of ours makes of a server that says `answer` and closes.
async fn answered(answer: &[u8]) -> Result<Upgraded, UpgradeError> {
    let (near, mut far) = pipe(64 * 1024);
    let server = async {
        let mut request = [0; 1024];
        let _ = far.read(&mut request).await.unwrap();
        far.write_all(answer).await.unwrap();
        far.close().await.unwrap();
        far
    };
    futures::join!(connect(near, "example.org", "/"), server).0.map(|(_, upgraded)| upgraded)
}

/// What a server of ours makes of a client that says `request`, and what it answers.
async fn asked(request: &[u8]) -> (Option<AcceptError>, String) {
    let (near, mut far) = pipe(64 * 1024);
    let client = async {
        far.write_all(request).await.unwrap();
        far.close().await.unwrap();
        let mut answer = Vec::new();
        // A WebSocket that is dropped in the meantime ends the stream as well.
        let _ = far.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let server = async { accept(near).await.err() };
    futures::join!(server, client)
}

fn fault(error: &io::Error) -> Option<WebSocketFault> {
    error.get_ref()?.downcast_ref().copied()
}

async fn read_fault<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S>) -> Option<WebSocketFault> {
    fault(&socket.read(&mut [0; 16]).await.unwrap_err())
}

#[tokio::test]
async fn an_upgrade_through_a_proxy_and_a_frame_in_the_same_segment() {
    let (near, mut far) = pipe(4096);
    let server = async {
        let mut request = vec![0; 4096];
        let count = far.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..count]).into_owned();
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let accept = async_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        let head = format!(
            "HTTP/1.1 101 OK\r\nServer: nginx\r\nupgrade: WebSocket\r\nconnection: keep-alive, Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        far.write_all(&[head.as_bytes(), b"\x82\x02hi"].concat()).await.unwrap();
        request
    };
    let (client, request) = futures::join!(connect(near, "example.org:8080", "/p"), server);
    assert!(request.starts_with("GET /p HTTP/1.1\r\nHost: example.org:8080\r\n"), "{request}");
    let (mut socket, upgraded) = client.unwrap();
    assert_eq!(upgraded, Upgraded { status: 101, server: Some("nginx".into()) });
    let mut bytes = [0; 2];
    socket.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"hi");
}

#[tokio::test]
async fn an_http_status_is_told_with_its_location() {
    let long = "x".repeat(3000);
    let cases = [
        ("HTTP/1.1 404 Not Found\r\nServer: nginx/1.24\r\n\r\n<html>".to_owned(), 404, None, Some("nginx/1.24")),
        ("HTTP/1.0 404 File not found\r\nServer: SimpleHTTP\r\n\r\n".to_owned(), 404, None, Some("SimpleHTTP")),
        ("HTTP/1.1 302 Found\r\nLocation: https://example.org/\r\n\r\n".to_owned(), 302, Some("https://example.org/"), None),
        ("HTTP/1.1 200 OK\nContent-Length: 0\n\n".to_owned(), 200, None, None),
        (format!("HTTP/1.1 308\r\nLocation: {long}\r\n\r\n"), 308, Some(&long[..1024]), None),
        ("HTTP/1.1 301 M\r\nLocation: /\u{202e}x\r\n\r\n".to_owned(), 301, Some("/\\u{202e}x"), None),
    ];
    for (answer, expected, to, by) in cases {
        match answered(answer.as_bytes()).await {
            Err(UpgradeError::HttpStatus { status, location, server }) => {
                assert_eq!((status, location.as_deref(), server.as_deref()), (expected, to, by));
            }
            other => panic!("{answer}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn who_does_not_speak_http_is_named() {
    let cases: [(&[u8], Option<Speaks>, &str); 5] = [
        (b"SSH-2.0-OpenSSH_9.6\r\n", Some(Speaks::Ssh), "SSH-2.0-OpenSSH_9.6"),
        (b"\x13/multistream/1.0.0\n", Some(Speaks::Multistream), "\\u{13}/multistream/1.0.0"),
        (b"\x15\x03\x01\0\x02\x02\x46", Some(Speaks::Tls), "\\u{15}\\u{3}\\u{1}\\u{0}\\u{2}\\u{2}F"),
        (b"220 mail.example.org ESMTP\r\n", Some(Speaks::Smtp), "220 mail.example.org ESMTP"),
        (b"good day\n", None, "good day"),
    ];
    for (answer, expected, line) in cases {
        match answered(answer).await {
            Err(UpgradeError::NotHttp { speaks, banner }) => assert_eq!((speaks, &*banner), (expected, line)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_broken_handshake_names_the_rule() {
    let cases = [
        ("HTTP/1.1 101 S\r\n\r\n", "no Upgrade: websocket"),
        ("HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n", "no Connection: Upgrade"),
        ("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "wrong or no Sec-WebSocket-Accept"),
        (
            "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
            "wrong or no Sec-WebSocket-Accept",
        ),
        ("HTTP/1.0 101 S\r\n\r\n", "101 in HTTP/1.0"),
        ("HTTP/1.1 abc\r\n\r\n", "a malformed HTTP start line"),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "a malformed HTTP header"),
        ("HTTP/1.1 200 OK\r\nServer: \x1b[2J\r\n\r\n", "a malformed HTTP header"),
    ];
    for (answer, expected) in cases {
        let result = answered(answer.as_bytes()).await;
        assert!(matches!(result, Err(UpgradeError::Failed { what }) if what == expected), "{answer}: {result:?}");
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
    let result = answered(many.as_bytes()).await;
    assert!(matches!(result, Err(UpgradeError::Failed { what: "too many HTTP headers" })), "{result:?}");
}

#[tokio::test]
async fn an_answer_cut_short_is_an_early_end() {
    for answer in [&b""[..], b"HTTP/1.1 101 Switching", b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n"] {
        match answered(answer).await {
            Err(UpgradeError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn endless_headers_end_with_an_error() {
    let (near, mut far) = pipe(4096);
    let near = Tap::new(near);
    let view = near.view();
    let server = async {
        far.write_all(b"HTTP/1.1 101 Switching Protocols\r\n").await.unwrap();
        while far.write_all(b"X-Padding: and so on and so on\r\n").await.is_ok() {}
    };
    let (client, ()) = futures::join!(connect(near, "example.org", "/"), server);
    assert!(matches!(client, Err(UpgradeError::Failed { what: "the HTTP head is too large" })), "{client:?}");
    assert!(view.read() < 2 * MAX_HEAD_BYTES as u64);
}

#[tokio::test]
async fn endless_requests_end_with_an_error() {
    let (near, far) = pipe(4096);
    let (mut reader, mut writer) = far.split();
    let client = async {
        writer.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        while writer.write_all(b"X-Padding: and so on and so on\r\n").await.is_ok() {}
    };
    let answer = async {
        let mut answer = String::new();
        let _ = reader.read_to_string(&mut answer).await;
        answer
    };
    let (server, (), answer) = futures::join!(accept(near), client, answer);
    assert!(matches!(server, Err(AcceptError::Failed { what: "the HTTP head is too large" })), "{server:?}");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn nothing_in_an_address_adds_a_line_to_the_request() {
    for (host, path) in [("a\r\nX: y", "/"), ("a", "/ HTTP/1.1\r\nX: y"), ("", "/"), ("a", "b")] {
        let (near, _far) = pipe(4096);
        let result = connect(near, host, path).await;
        assert!(matches!(&result, Err(UpgradeError::Io(error)) if error.kind() == io::ErrorKind::InvalidInput));
    }
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_answered() {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let cases = [
        ("GET /x HTTP/1.1\r\n\r\n".to_owned(), "GET /x 426", "HTTP/1.1 426 "),
        ("POST / HTTP/1.1\r\n\r\n".to_owned(), "POST / 405", "HTTP/1.1 405 "),
        (format!("GET / HTTP/1.1\r\n{upgrade}\r\n"), "another Sec-WebSocket-Version than 13", "HTTP/1.1 426 "),
        (
            format!("GET / HTTP/1.1\r\n{upgrade}Sec-WebSocket-Version: 13\r\n\r\n"),
            "wrong or no Sec-WebSocket-Key",
            "HTTP/1.1 400 ",
        ),
        ("GET / HTTP/3.7\r\n\r\n".to_owned(), "an unknown HTTP version", "HTTP/1.1 400 "),
    ];
    for (request, expected, start) in cases {
        let (error, answer) = asked(request.as_bytes()).await;
        let told = match error {
            Some(AcceptError::NotUpgrade { method, target, answered }) => format!("{method} {target} {answered}"),
            Some(AcceptError::Failed { what }) => what.to_owned(),
            other => panic!("{request}: {other:?}"),
        };
        assert_eq!(told, expected);
        assert!(answer.starts_with(start), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_speak_http_is_named() {
    let cases: [(&[u8], Option<Speaks>); 3] = [
        (b"\x16\x03\x01\0\xc4\x01\0\0\xc0\x03\x03", Some(Speaks::Tls)),
        (b"\x13/multistream/1.0.0\n", Some(Speaks::Multistream)),
        (b"\x00\x01\x02\x03", None),
    ];
    for (request, expected) in cases {
        let (error, answer) = asked(request).await;
        assert!(matches!(error, Some(AcceptError::NotHttp { speaks, .. }) if speaks == expected), "{error:?}");
        assert_eq!(answer, "");
    }
    let (error, _) = asked(b"GET / HT").await;
    assert!(matches!(error, Some(AcceptError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof));
}

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
