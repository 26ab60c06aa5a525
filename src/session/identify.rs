//! Who the other side is: <https://github.com/libp2p/specs/blob/master/identify/README.md>.

use std::{pin::pin, time::Duration};

use futures::{
    AsyncRead, AsyncWrite, AsyncWriteExt,
    future::{Either, select},
};
use libp2p_identity::{PeerId, PublicKey};
use multiaddr::Multiaddr;
use prost::Message as _;

use super::{Fault, frame, link::Link, upgrade::key_name};
use crate::{
    model::{Cause, Micros},
    order::set,
};

pub(super) const PROTOCOL: &str = "/ipfs/id/1.0.0";
pub(super) const PUSH: &str = "/ipfs/id/push/1.0.0";
/// What libp2p nodes say here since the protocol has a version.
const PROTOCOL_VERSION: &str = "ipfs/0.1.0";
const AGENT: &str = concat!("p2p-probe/", env!("CARGO_PKG_VERSION"));

/// go-libp2p splits what is long into several messages and accepts this many.
const MAX_MESSAGES: usize = 10;
/// All messages together: eight times what go-libp2p accepts.
const MAX_BYTES: usize = 64 * 1024;
/// How long to wait for more after a message when the other side leaves the stream open. The stream should be closed at
/// once, but all that is asked for has come.
const GRACE: Duration = Duration::from_millis(500);
/// Or this many times as long as the first message took, if that is more: on a line that slow, or to a peer that busy, the
/// second of several comes late too.
const GRACES: u32 = 2;
/// Addresses kept; the rest is counted.
const MAX_ADDRESSES: usize = 100;
/// Protocols kept.
const MAX_PROTOCOLS: usize = 1000;
/// Characters kept of any text.
const MAX_TEXT: usize = 256;

/// What the other side tells of itself, bounded and otherwise as it came: it may hold control characters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identified {
    /// Its agent version, at most 256 characters.
    pub agent: Option<String>,
    /// Its protocol version, at most 256 characters.
    pub protocol_version: Option<String>,
    /// The protocols it offers, sorted, each once, at most 1,000 of at most 256 characters.
    pub protocols: Vec<String>,
    /// The addresses it announces, in its order, the first 100 that can be read.
    pub announced: Vec<Multiaddr>,
    /// How many addresses it announces in all.
    pub announced_total: u32,
    /// How many of them cannot be read.
    pub unreadable: u32,
    /// Our address as it sees it.
    pub observed: Option<Multiaddr>,
    /// The peer whose key it shows; `None` where it shows none that can be read. It proves nothing.
    pub claims: Option<PeerId>,
    /// The type of the key it shows.
    pub key_type: Option<&'static str>,
}

/// What we tell of ourselves.
#[derive(Clone, Debug)]
pub struct Us {
    /// Our key.
    pub key: PublicKey,
    /// Where we listen, if we do.
    pub listen: Vec<Multiaddr>,
    /// The other side's address as we see it.
    pub observed: Option<Multiaddr>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Wire {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) public_key: Option<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(super) listen_addrs: Vec<Vec<u8>>,
    #[prost(string, repeated, tag = "3")]
    pub(super) protocols: Vec<String>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(super) observed_addr: Option<Vec<u8>>,
    #[prost(string, optional, tag = "5")]
    pub(super) protocol_version: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(super) agent_version: Option<String>,
}

/// Asks on a new stream.
pub(super) async fn ask(link: &Link) -> Result<Identified, Fault> {
    let asked = link.clock().now();
    let mut stream = link.open(PROTOCOL).await?;
    stream.confirmed().await.map_err(|fault| link.on_stream(fault))?;
    merged(link, &mut stream, asked).await
}

/// Reads messages until the stream ends and merges them, as protobuf does.
pub(super) async fn read(link: &Link, stream: &mut (impl AsyncRead + Unpin)) -> Result<Identified, Fault> {
    merged(link, stream, link.clock().now()).await
}

async fn merged(link: &Link, stream: &mut (impl AsyncRead + Unpin), began: Micros) -> Result<Identified, Fault> {
    let mut wire = Wire::default();
    let mut room = MAX_BYTES;
    // The first one is waited for without end.
    let mut grace = None;
    for count in 0..=MAX_MESSAGES {
        let message = match select(pin!(frame::read(stream, room)), pin!(over(link, grace))).await {
            Either::Left((message, _)) => message.map_err(|fault| link.on_stream(fault))?,
            Either::Right(_) => None,
        };
        let Some(message) = message else {
            return if count == 0 { Err(link.explain(Cause::Closed.into())) } else { Ok(wire.into()) };
        };
        room -= message.len();
        grace.get_or_insert_with(|| (GRACES * Duration::from(link.clock().now().since(began))).max(GRACE));
        wire.merge(message.as_slice()).map_err(|error| Fault::from(Cause::Malformed).say(&error))?;
    }
    Err(Cause::TooLarge.into())
}

/// Ends when no more messages need be waited for.
async fn over(link: &Link, grace: Option<Duration>) {
    match grace {
        Some(grace) => link.clock().sleep(grace).await,
        None => std::future::pending().await,
    }
}

/// Tells who we are.
pub(super) async fn tell(link: &Link, mut stream: impl AsyncWrite + Unpin) -> std::io::Result<()> {
    let us = link.us();
    let wire = Wire {
        public_key: Some(us.key.encode_protobuf()),
        listen_addrs: us.listen.iter().map(Multiaddr::to_vec).collect(),
        protocols: link.offers().into_iter().map(str::to_owned).collect(),
        observed_addr: us.observed.as_ref().map(Multiaddr::to_vec),
        protocol_version: Some(PROTOCOL_VERSION.to_owned()),
        agent_version: Some(AGENT.to_owned()),
    };
    let mut message = Vec::new();
    frame::put(&mut message, &wire.encode_to_vec());
    stream.write_all(&message).await?;
    stream.close().await
}

impl From<Wire> for Identified {
    fn from(wire: Wire) -> Self {
        let protocols = set(wire.protocols.into_iter().take(MAX_PROTOCOLS).map(cut));
        let total = wire.listen_addrs.len();
        let mut announced: Vec<_> = wire.listen_addrs.into_iter().filter_map(|bytes| Multiaddr::try_from(bytes).ok()).collect();
        let unreadable = total - announced.len();
        announced.truncate(MAX_ADDRESSES);
        let key = wire.public_key.and_then(|bytes| PublicKey::try_decode_protobuf(&bytes).ok());
        Self {
            agent: wire.agent_version.map(cut),
            protocol_version: wire.protocol_version.map(cut),
            protocols,
            announced,
            announced_total: count(total),
            unreadable: count(unreadable),
            observed: wire.observed_addr.and_then(|bytes| Multiaddr::try_from(bytes).ok()),
            claims: key.as_ref().map(PublicKey::to_peer_id),
            key_type: key.as_ref().map(|key| key_name(&key.key_type())),
        }
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
        text.shrink_to_fit();
    }
    text
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
