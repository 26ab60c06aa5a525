//! The server's half of the handshake: RFC 6455, section 4.2.

use async_tungstenite::tungstenite::{handshake::derive_accept_key, protocol::Role};
use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::{
    AcceptError, WebSocket,
    error::HeadError,
    head::{self, Headers},
};
use crate::transport::tap::printable;

/// The longest method and target that are kept, in characters.
const MAX_METHOD: usize = 16;
const MAX_TARGET: usize = 128;

/// The length of a key: 16 bytes in base64.
const KEY_LENGTH: usize = 24;

/// Becomes a WebSocket with whoever asks for one, at any path. Anyone who speaks HTTP gets an answer; the stream is
/// closed unless it became a WebSocket.
pub async fn accept<S>(mut stream: S) -> Result<WebSocket<S>, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let asked = match head::read(&mut stream, head::begins_request).await {
        Ok(asked) => asked,
        Err(error) => return Err(refuse(stream, error).await),
    };
    let verdict = match head::request(&asked.bytes, |method, target, headers| judge(method, target, &headers)) {
        Ok(verdict) => verdict,
        Err(error) => return Err(refuse(stream, error).await),
    };
    match verdict {
        Ok(key) => {
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {}\r\n\r\n",
                derive_accept_key(&key),
            );
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
            Ok(WebSocket::new(stream, asked.rest, Role::Server).await)
        }
        Err(Refusal { answer, error }) => {
            say(stream, answer).await;
            Err(error)
        }
    }
}

/// What a client that gets no WebSocket is told, and what the caller is.
struct Refusal {
    answer: &'static str,
    error: AcceptError,
}

const BAD_REQUEST: &str = "400 Bad Request\r\n";
const NOT_ALLOWED: &str = "405 Method Not Allowed\r\nAllow: GET\r\n";
const UPGRADE_REQUIRED: &str = "426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";

/// The client's key, or what is wrong.
fn judge(method: &str, target: &str, headers: &Headers<'_>) -> Result<Vec<u8>, Refusal> {
    let elsewhere = |answer, answered| {
        let method = printable(method.as_bytes(), MAX_METHOD);
        let target = printable(target.as_bytes(), MAX_TARGET);
        Err(Refusal { answer, error: AcceptError::NotUpgrade { method, target, answered } })
    };
    let failed = |answer, what| Err(Refusal { answer, error: AcceptError::Failed { what } });
    if method != "GET" {
        return elsewhere(NOT_ALLOWED, 405);
    }
    if !headers.lists("upgrade", "websocket") || !headers.lists("connection", "upgrade") {
        return elsewhere(UPGRADE_REQUIRED, 426);
    }
    if headers.get("sec-websocket-version").map(<[u8]>::trim_ascii) != Some(b"13") {
        return failed(UPGRADE_REQUIRED, "another Sec-WebSocket-Version than 13");
    }
    match headers.get("sec-websocket-key").map(<[u8]>::trim_ascii) {
        Some(key) if key.len() == KEY_LENGTH => Ok(key.to_vec()),
        _ => failed(BAD_REQUEST, "wrong or no Sec-WebSocket-Key"),
    }
}

/// Answers those that speak HTTP; to others nothing is said.
async fn refuse<S: AsyncWrite + Unpin>(stream: S, error: HeadError) -> AcceptError {
    if matches!(error, HeadError::Failed(_)) {
        say(stream, BAD_REQUEST).await;
    }
    error.into()
}

/// Answers and closes. What was wrong stays the finding, whether or not the answer arrives.
async fn say<S: AsyncWrite + Unpin>(mut stream: S, answer: &str) {
    let answer = format!("HTTP/1.1 {answer}Connection: close\r\nContent-Length: 0\r\n\r\n");
    if stream.write_all(answer.as_bytes()).await.is_ok() {
        let _ = stream.close().await;
    }
}
