//! The client's half of the handshake: RFC 6455, section 4.1.

use std::io;

use async_tungstenite::tungstenite::{
    handshake::{client::generate_key, derive_accept_key},
    protocol::Role,
};
use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::{
    UpgradeError, WebSocket,
    head::{self, Headers},
};

/// The longest `Location` that is kept, in characters.
const MAX_LOCATION: usize = 1024;

/// The longest `Server` that is kept, in characters.
const MAX_SERVER: usize = 128;

/// What the server said when it upgraded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upgraded {
    /// Always 101.
    pub status: u16,
    /// The `Server` header, safe to print, at most 128 characters.
    pub server: Option<String>,
}

/// Asks the server behind `stream` for a WebSocket. `host` is the Host header's value, with the port where it is not
/// the scheme's own; `path` begins with a slash.
pub async fn connect<S>(mut stream: S, host: &str, path: &str) -> Result<(WebSocket<S>, Upgraded), UpgradeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let key = generate_key();
    stream.write_all(request(host, path, &key)?.as_bytes()).await?;
    stream.flush().await?;
    let answer = head::read(&mut stream, head::begins_response).await?;
    let upgraded = head::response(&answer.bytes, |status, version, headers| judge(status, version, &headers, &key))??;
    Ok((WebSocket::new(stream, answer.rest, Role::Client).await, upgraded))
}

fn request(host: &str, path: &str, key: &str) -> Result<String, UpgradeError> {
    // Both may come from a multiaddr that a peer announced: nothing in them may add a line to the request.
    if !host.bytes().chain(path.bytes()).all(|byte| byte.is_ascii_graphic()) || host.is_empty() || !path.starts_with('/') {
        return Err(io::Error::from(io::ErrorKind::InvalidInput).into());
    }
    Ok(format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nUser-Agent: {}/{}\r\n\r\n",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
    ))
}

fn judge(status: u16, version: u8, headers: &Headers<'_>, key: &str) -> Result<Upgraded, UpgradeError> {
    let server = headers.text("server", MAX_SERVER);
    if status != 101 {
        return Err(UpgradeError::HttpStatus { status, location: headers.text("location", MAX_LOCATION), server });
    }
    let accept = derive_accept_key(key.as_bytes());
    let failed = |what| Err(UpgradeError::Failed { what });
    if version == 0 {
        failed("101 in HTTP/1.0")
    } else if !headers.lists("upgrade", "websocket") {
        failed("no Upgrade: websocket")
    } else if !headers.lists("connection", "upgrade") {
        failed("no Connection: Upgrade")
    } else if headers.get("sec-websocket-accept").map(<[u8]>::trim_ascii) != Some(accept.as_bytes()) {
        failed("wrong or no Sec-WebSocket-Accept")
    } else if headers.get("sec-websocket-extensions").is_some_and(|value| !value.trim_ascii().is_empty()) {
        failed("an extension that was not offered")
    } else if headers.get("sec-websocket-protocol").is_some() {
        failed("a subprotocol that was not offered")
    } else {
        Ok(Upgraded { status, server })
    }
}
