//! What the node does on a stream that the dialer opened.

use super::autonat;
use super::hop;
use super::identify;
use super::script::{Identifies, Ping};
use super::stack::{Duplex, Node};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use multiaddr::Multiaddr;
use multistream_select::listener_select_proto;
use std::io;

const IDENTIFY: &str = "/ipfs/id/1.0.0";
const PING: &str = "/ipfs/ping/1.0.0";
const PING_SIZE: usize = 32;

pub async fn answer(node: &Node, stream: impl Duplex + 'static, observed: &Multiaddr) -> io::Result<()> {
    let script = &node.script;
    let spoken = [
        (IDENTIFY, script.identify.does != Identifies::Missing),
        (PING, script.ping != Ping::Missing),
        (hop::HOP, script.hop.is_some()),
        (autonat::FIRST, script.autonat.is_some()),
        (autonat::SECOND, script.autonat.is_some()),
    ];
    let spoken = spoken.into_iter().filter(|(_, known)| *known).map(|(name, _)| name);
    let Ok((name, mut stream)) = listener_select_proto(stream, spoken).await else {
        return Ok(());
    };
    if let (hop::HOP, Some(hop), Some(target)) = (name, &script.hop, &node.behind) {
        if hop::answer(hop, &mut stream).await? {
            let served = target.boxed(Box::new(stream), Multiaddr::empty().with(multiaddr::Protocol::P2pCircuit));
            // How the target's part ends is nothing to the relay.
            let _ = served.await;
        }
        return Ok(());
    }
    if let (autonat::FIRST | autonat::SECOND, Some(script)) = (name, &script.autonat) {
        return autonat::answer(script, name, &node.key, &mut stream).await;
    }
    match (name, script.identify.does, script.ping) {
        (IDENTIFY, Identifies::Hang, _) | (PING, _, Ping::Hang) => std::future::pending().await,
        (IDENTIFY, _, _) => {
            let bytes = identify::answer(&script.identify, &node.key.public(), node.port, observed);
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
