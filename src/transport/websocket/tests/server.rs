//! The upgrade, as a server sees it.

use std::io;

use futures::{AsyncReadExt, AsyncWriteExt};

use super::{super::*, pipe};
use crate::transport::tap::Speaks;

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
