//! Direct connection upgrade through a relay (DCUtR, <https://github.com/libp2p/specs/blob/master/relay/DCUtR.md>).
//!
//! Two peers that a relay connects tell each other how the outside sees them (`CONNECT`), agree on a moment (`SYNC`), and
//! then both send at once, each from the port that the other was told: so each opens its own NAT for the other.
//!
//! The peer that was dialed begins: it asks and says when. The one that dialed is the client of whatever comes about.

use std::{net::SocketAddr, ops::RangeInclusive, time::Duration};

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use multiaddr::Multiaddr;
use prost::Message;

use super::relay::wire;
use crate::{
    model::{Cause, Scope, Transport},
    plan::{self, Host, Parsed},
    session::Fault,
};

/// The protocol.
pub const DCUTR: &str = "/libp2p/dcutr";
/// Addresses of the other side that are tried over one transport: a host has a handful, and nobody may make us send to more.
pub const MAX_ADDRESSES: usize = 8;
/// Rounds, as go-libp2p and rust-libp2p have them.
pub const ROUNDS: u32 = 3;

/// After a refusal, which a NAT answers until the other side has sent, the next attempt comes so much later, in milliseconds:
/// a random time, so that two sides which have missed each other once do not go on to.
const AGAIN: RangeInclusive<u64> = 20..=80;

const CONNECT: u32 = 100;
const SYNC: u32 = 300;

#[derive(Clone, PartialEq, Message)]
struct HolePunch {
    #[prost(uint32, optional, tag = "1")]
    kind: Option<u32>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    addresses: Vec<Vec<u8>>,
}

/// An address of the other side to send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// TCP or QUIC.
    pub transport: Transport,
    /// Where.
    pub at: SocketAddr,
}

/// How long to wait after a dial that was refused.
#[must_use]
pub fn again() -> Duration {
    Duration::from_millis(rand::random_range(AGAIN))
}

/// Tells where the outside sees us.
pub async fn tell(stream: &mut (impl AsyncWrite + Unpin), ours: &[Multiaddr]) -> Result<(), Fault> {
    let addresses = ours.iter().take(MAX_ADDRESSES).map(Multiaddr::to_vec).collect();
    wire::send(stream, &HolePunch { kind: Some(CONNECT), addresses }).await
}

/// Hears where the outside sees the other side: the addresses that a hole can be punched for, TCP and QUIC, public ones or
/// of a scope that ours are of too; of each transport no more than [`MAX_ADDRESSES`].
pub async fn hear(stream: &mut (impl AsyncRead + Unpin), ours: &[Multiaddr]) -> Result<Vec<Hole>, Fault> {
    let told: HolePunch = wire::receive(stream).await?;
    if told.kind != Some(CONNECT) {
        return Err(Fault::from(Cause::Malformed).say("not a CONNECT"));
    }
    let scopes: Vec<Scope> = ours.iter().map(Scope::of).collect();
    let mut holes = Vec::new();
    for hole in told.addresses.into_iter().filter_map(|bytes| hole(&Multiaddr::try_from(bytes).ok()?)) {
        let scope = Scope::of_ip(hole.at.ip());
        let alike = holes.iter().filter(|known: &&Hole| known.transport == hole.transport).count();
        if (scope == Scope::Public || scopes.contains(&scope)) && !holes.contains(&hole) && alike < MAX_ADDRESSES {
            holes.push(hole);
        }
    }
    Ok(holes)
}

/// Says that now is the moment, and that nothing follows.
pub async fn sync(stream: &mut (impl AsyncWrite + Unpin)) -> Result<(), Fault> {
    wire::send(stream, &HolePunch { kind: Some(SYNC), addresses: Vec::new() }).await?;
    stream.close().await.map_err(|error| Fault::from_io(&error, Cause::Closed))
}

/// Waits for the moment.
pub async fn synced(stream: &mut (impl AsyncRead + Unpin)) -> Result<(), Fault> {
    let told: HolePunch = wire::receive(stream).await?;
    if told.kind == Some(SYNC) { Ok(()) } else { Err(Fault::from(Cause::Malformed).say("not a SYNC")) }
}

/// What an address says, if a hole can be punched for it.
#[must_use]
pub fn hole(address: &Multiaddr) -> Option<Hole> {
    match plan::parse(address).ok()? {
        Parsed::Route(route) if matches!(route.transport, Transport::Tcp | Transport::Quic) && route.port != 0 => {
            match route.host {
                Host::Ip(ip, None) => Some(Hole { transport: route.transport, at: SocketAddr::new(ip, route.port) }),
                Host::Ip(..) | Host::Name(_) => None,
            }
        }
        Parsed::Route(_) | Parsed::Dnsaddr { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};

    use super::*;

    fn message(message: &HolePunch) -> Cursor<Vec<u8>> {
        Cursor::new(message.encode_length_delimited_to_vec())
    }

    fn connect(addresses: &[&str]) -> HolePunch {
        let addresses = addresses.iter().map(|address| address.parse::<Multiaddr>().unwrap().to_vec()).collect();
        HolePunch { kind: Some(CONNECT), addresses }
    }

    fn heard(told: &HolePunch, ours: &str) -> Result<Vec<String>, Cause> {
        let holes = block_on(hear(&mut message(told), &[ours.parse().unwrap()]));
        let text = |hole: Hole| format!("{} {}", hole.transport, hole.at);
        holes.map(|holes| holes.into_iter().map(text).collect()).map_err(|fault| fault.cause)
    }

    #[test]
    fn only_what_can_be_punched_for_is_heard() {
        let told = connect(&[
            "/ip4/11.22.33.44/tcp/4001",
            "/ip4/11.22.33.44/udp/4001/quic-v1",
            "/ip4/11.22.33.44/udp/4001/quic-v1",
            "/ip4/11.22.33.44/tcp/4001/ws",
            "/ip4/11.22.33.44/udp/0/quic-v1",
            "/dns4/node.example.org/tcp/4001",
            "/ip4/192.168.1.2/tcp/4001",
            "/ip4/127.0.0.1/tcp/4001",
            "/ip4/11.22.33.44/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ/p2p-circuit",
        ]);
        let public = ["tcp 11.22.33.44:4001", "quic 11.22.33.44:4001"];
        assert_eq!(heard(&told, "/ip4/11.22.33.55/tcp/1").unwrap(), public);
        assert_eq!(heard(&told, "/ip4/127.0.0.1/tcp/1").unwrap(), [&public[..], &["tcp 127.0.0.1:4001"]].concat());
    }

    #[test]
    fn nobody_makes_us_send_everywhere() {
        let many: Vec<String> = (1..=50).map(|port| format!("/ip4/11.22.33.44/tcp/{port}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(heard(&connect(&many), "/ip4/11.22.33.55/tcp/1").unwrap().len(), MAX_ADDRESSES);
        let filling: Vec<u8> = std::iter::repeat_n(0, 5000).collect();
        let large = HolePunch { kind: Some(CONNECT), addresses: vec![filling] };
        assert_eq!(heard(&large, "/ip4/11.22.33.55/tcp/1"), Err(Cause::TooLarge));
    }

    #[test]
    fn another_message_is_malformed() {
        let sync = HolePunch { kind: Some(SYNC), addresses: Vec::new() };
        assert_eq!(heard(&sync, "/ip4/11.22.33.55/tcp/1"), Err(Cause::Malformed));
        assert_eq!(block_on(synced(&mut message(&sync))), Ok(()));
        assert_eq!(block_on(synced(&mut message(&connect(&[])))).map_err(|fault| fault.cause), Err(Cause::Malformed));
    }
}
