//! Both ends of a WebSocket, by what they are good for.

mod client;
mod faults;
mod flow;
mod server;

use std::io;

use async_tungstenite::WebSocketStream;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::io::{DuplexStream, duplex};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::{WebSocket, WebSocketFault, accept, connect};

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

fn fault(error: &io::Error) -> Option<WebSocketFault> {
    error.get_ref()?.downcast_ref().copied()
}

async fn read_fault<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S>) -> Option<WebSocketFault> {
    fault(&socket.read(&mut [0; 16]).await.unwrap_err())
}
