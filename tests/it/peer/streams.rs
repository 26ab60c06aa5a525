//! What the node does on a stream that the dialer opened.

use super::identify;
use super::script::{Identifies, Ping};
use super::stack::Node;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use multiaddr::Multiaddr;
use multistream_select::listener_select_proto;
use std::io;

const IDENTIFY: &str = "/ipfs/id/1.0.0";
const PING: &str = "/ipfs/ping/1.0.0";
const PING_SIZE: usize = 32;

pub async fn answer(node: &Node, stream: impl AsyncRead + AsyncWrite + Unpin, observed: &Multiaddr) -> io::Result<()> {
    let spoken = [(IDENTIFY, node.script.identify.does != Identifies::Missing), (PING, node.script.ping != Ping::Missing)];
    let spoken = spoken.into_iter().filter(|(_, known)| *known).map(|(name, _)| name);
    let Ok((name, mut stream)) = listener_select_proto(stream, spoken).await else {
        return Ok(());
    };
    match (name, node.script.identify.does, node.script.ping) {
        (IDENTIFY, Identifies::Hang, _) | (PING, _, Ping::Hang) => std::future::pending().await,
        (IDENTIFY, _, _) => {
            let script = &node.script.identify;
            let bytes = identify::answer(script, &node.key.public(), node.port, observed);
            stream.write_all(&bytes).await?;
            stream.close().await
        }
        (_, _, ping) => echo(stream, ping).await,
    }
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin, ping: Ping) -> io::Result<()> {
    let mut payload = [0; PING_SIZE];
    loop {
        stream.read_exact(&mut payload).await?;
        if ping == Ping::WrongEcho {
            payload = payload.map(|byte: u8| !byte);
        }
        stream.write_all(&payload).await?;
        stream.flush().await?;
    }
}
