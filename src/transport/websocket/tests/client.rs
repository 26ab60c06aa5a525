//! The upgrade, as a client sees it.

use std::io;

use futures::{AsyncReadExt, AsyncWriteExt};

use super::{super::*, pipe};
use crate::transport::tap::{Speaks, Tap};

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
async fn nothing_in_an_address_adds_a_line_to_the_request() {
    for (host, path) in [("a\r\nX: y", "/"), ("a", "/ HTTP/1.1\r\nX: y"), ("", "/"), ("a", "b")] {
        let (near, _far) = pipe(4096);
        let result = connect(near, host, path).await;
        assert!(matches!(&result, Err(UpgradeError::Io(error)) if error.kind() == io::ErrorKind::InvalidInput));
    }
}
