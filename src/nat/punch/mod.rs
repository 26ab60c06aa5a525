//! Direct connection upgrade through a relay (DCUtR, <https://github.com/libp2p/specs/blob/master/relay/DCUtR.md>).
//!
//! Two peers that a relay connects tell each other how the outside sees them (`CONNECT`), agree on a moment (`SYNC`), and
//! then both send at once, each from the port that the other was told: so each opens its own NAT for the other.
//!
//! The peer that was dialed begins: it asks and says when. The one that dialed is the client of whatever comes about.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

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
/// Addresses that are told, and those of the other side that are tried over one transport: a host has a handful. Nothing proves
/// that what is told is the other side's own, so this and the two below bound what one message makes us send to.
pub const MAX_ADDRESSES: usize = 8;
/// IP addresses of one family: a host is seen at one, and at two where two lines lead out.
pub const MAX_IPS: usize = 2;
/// Ports of one IP address over one transport: more than one are seen where a NAT maps per destination. go-libp2p tells three.
pub const MAX_PORTS: usize = 3;
/// Dials of one address in a round: what is refused is dialed again, see [`Tries`]. Who only refuses may be somebody who never
/// asked. Where a NAT refuses, about every other attempt meets the other side's on its way; of twelve, one does.
pub const MAX_DIALS: u32 = 12;
/// Dials of one host in all rounds with a peer: all that one port gets which refuses, and some more.
pub const MAX_DIALS_OF_HOST: u32 = 48;
const _: () = assert!(MAX_DIALS_OF_HOST >= ROUNDS * MAX_DIALS);
/// Rounds, as go-libp2p and rust-libp2p have them.
pub const ROUNDS: u32 = 3;

/// After a refusal, which a NAT answers until the other side has sent, the next attempt comes so much later, in milliseconds:
/// a random time, so that two sides which have missed each other once do not go on to. The first ones come soon, since both sides
/// begin at the same moment.
const SOON: RangeInclusive<u64> = 20..=80;
const LATER: RangeInclusive<u64> = 80..=320;
/// Attempts that come soon.
const EARLY: u32 = 8;

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

/// Dials of one address in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries(u32);

impl Tries {
    /// How long to wait after a dial that was refused; none where it was the last one.
    pub fn again(&mut self) -> Option<Duration> {
        self.0 = self.0.saturating_add(1);
        let pause = if self.0 <= EARLY { SOON } else { LATER };
        (self.0 < MAX_DIALS).then(|| Duration::from_millis(rand::random_range(pause)))
    }
}

/// Tells where the outside sees us.
pub async fn tell(stream: &mut (impl AsyncWrite + Unpin), ours: &[Multiaddr]) -> Result<(), Fault> {
    let addresses = ours.iter().take(MAX_ADDRESSES).map(Multiaddr::to_vec).collect();
    wire::send(stream, &HolePunch { kind: Some(CONNECT), addresses }).await
}

/// Hears where the outside sees the other side: the addresses that a hole can be punched for, TCP and QUIC, public ones or
/// of a scope that ours are of too; the first ones within [`MAX_ADDRESSES`], [`MAX_IPS`] and [`MAX_PORTS`].
pub async fn hear(stream: &mut (impl AsyncRead + Unpin), ours: &[Multiaddr]) -> Result<Vec<Hole>, Fault> {
    let told: HolePunch = wire::receive(stream).await?;
    if told.kind != Some(CONNECT) {
        return Err(Fault::from(Cause::Malformed).say("not a CONNECT"));
    }
    let told = told.addresses.into_iter().filter_map(|bytes| hole(&Multiaddr::try_from(bytes).ok()?));
    Ok(within_bounds(told, ours))
}

/// Where a peer may be that announces these addresses: within the same bounds.
#[must_use]
pub fn announced(addresses: &[Multiaddr], ours: &[Multiaddr]) -> Vec<Hole> {
    within_bounds(addresses.iter().filter_map(hole), ours)
}

fn within_bounds(told: impl Iterator<Item = Hole>, ours: &[Multiaddr]) -> Vec<Hole> {
    let scopes: Vec<Scope> = ours.iter().map(Scope::of).collect();
    let mut holes = Vec::new();
    for hole in told {
        let scope = Scope::of_ip(hole.at.ip());
        if (scope == Scope::Public || scopes.contains(&scope)) && !holes.contains(&hole) && is_room(&holes, hole) {
            holes.push(hole);
        }
    }
    holes
}

/// What is sent to of what a further round names: what was named before, and what there is room for beside it. So all rounds with
/// one peer go to no more places than one of them.
#[must_use]
pub fn beside(known: &mut Vec<Hole>, named: Vec<Hole>) -> Vec<Hole> {
    named
        .into_iter()
        .filter(|hole| {
            let room = is_room(known, *hole);
            if room && !known.contains(hole) {
                known.push(*hole);
            }
            known.contains(hole)
        })
        .collect()
}

/// Whether one more may be sent to.
fn is_room(holes: &[Hole], next: Hole) -> bool {
    let ip = next.at.ip();
    let alike = holes.iter().filter(|known| known.transport == next.transport);
    let ports = alike.clone().filter(|known| known.at.ip() == ip).count();
    let mut others: Vec<IpAddr> = holes.iter().map(|known| known.at.ip()).collect();
    others.retain(|other| *other != ip && other.is_ipv4() == ip.is_ipv4());
    others.sort_unstable();
    others.dedup();
    alike.count() < MAX_ADDRESSES && ports < MAX_PORTS && others.len() < MAX_IPS
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

/// What a relay says of where it sees us, if a hole can be punched for it. A relay elsewhere that sees a private address, or one of
/// this machine, lies: it would have others name such addresses, see [`hear`].
#[must_use]
pub fn seen_by(relay: IpAddr, observed: &Multiaddr) -> Option<Hole> {
    let (there, here) = (Scope::of_ip(relay.to_canonical()), Scope::of(observed));
    hole(observed).filter(|_| here == Scope::Public || here == there)
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
    fn a_relay_elsewhere_does_not_see_us_at_home() {
        let seen = |relay: &str, observed: &str| seen_by(relay.parse().unwrap(), &observed.parse().unwrap()).is_some();
        assert!(seen("11.22.33.1", "/ip4/11.22.33.44/tcp/4001") && seen("192.168.1.1", "/ip4/11.22.33.44/tcp/4001"));
        assert!(seen("192.168.1.1", "/ip4/10.0.0.5/udp/4001/quic-v1") && seen("127.0.0.1", "/ip4/127.0.0.1/tcp/1"));
        for observed in ["/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.5/tcp/1", "/ip4/169.254.1.1/tcp/1", "/ip6/::1/tcp/1"] {
            assert!(!seen("11.22.33.1", observed), "{observed}");
        }
        assert!(!seen("192.168.1.1", "/ip4/127.0.0.1/tcp/1") && !seen("11.22.33.1", "/dns4/node.example.org/tcp/1"));
    }

    #[test]
    fn nobody_makes_us_send_everywhere() {
        let told = |many: Vec<String>| {
            let many: Vec<&str> = many.iter().map(String::as_str).collect();
            heard(&connect(&many), "/ip4/11.22.33.55/tcp/1").unwrap()
        };
        // Ports of one host, over each transport.
        let ports: Vec<String> = (1..=20).map(|port| format!("/ip4/11.22.33.44/tcp/{port}")).collect();
        let ports = ports.into_iter().chain((1..=20).map(|port| format!("/ip4/11.22.33.44/udp/{port}/quic-v1")));
        let both = ["tcp 11.22.33.44:1", "tcp 11.22.33.44:2", "tcp 11.22.33.44:3"].into_iter();
        let both = both.chain(["quic 11.22.33.44:1", "quic 11.22.33.44:2", "quic 11.22.33.44:3"]);
        assert_eq!(told(ports.collect()), both.collect::<Vec<_>>());
        // Hosts, of each family.
        let hosts = (1..=20).map(|host| format!("/ip4/11.22.33.{host}/udp/1/quic-v1"));
        let hosts = hosts.chain((1..=20).map(|host| format!("/ip6/2a11:22::{host}/udp/1/quic-v1")));
        let four = ["quic 11.22.33.1:1", "quic 11.22.33.2:1", "quic [2a11:22::1]:1", "quic [2a11:22::2]:1"];
        assert_eq!(told(hosts.collect()), four);
        // All that one message can name.
        let all = [1, 2].into_iter().flat_map(|host| {
            (1..=3).flat_map(move |port| [format!("/ip4/11.22.33.{host}/tcp/{port}"), format!("/ip6/2a11:22::{host}/tcp/{port}")])
        });
        assert_eq!(told(all.collect()).len(), MAX_ADDRESSES);
        let filling: Vec<u8> = std::iter::repeat_n(0, 5000).collect();
        let large = HolePunch { kind: Some(CONNECT), addresses: vec![filling] };
        assert_eq!(heard(&large, "/ip4/11.22.33.55/tcp/1"), Err(Cause::TooLarge));
    }

    #[test]
    fn further_rounds_name_no_further_places() {
        let holes = |ports: std::ops::Range<u16>| -> Vec<Hole> {
            let hole = |port| Hole { transport: Transport::Tcp, at: SocketAddr::new([11, 22, 33, 44].into(), port) };
            ports.map(hole).collect()
        };
        let mut known = Vec::new();
        assert_eq!(beside(&mut known, holes(1..3)), holes(1..3));
        // One more has room, and then only those that are known.
        assert_eq!(beside(&mut known, holes(2..9)), holes(2..4));
        assert_eq!(beside(&mut known, holes(4..9)), holes(0..0));
        assert_eq!(beside(&mut known, holes(1..9)), holes(1..4));
    }

    #[test]
    fn what_is_refused_is_not_dialed_without_end() {
        let mut tries = Tries::default();
        let pauses: Vec<Duration> = std::iter::from_fn(|| tries.again()).take(1000).collect();
        // And the first one.
        assert_eq!(pauses.len() + 1, usize::try_from(MAX_DIALS).unwrap());
        let within = |pause: &Duration, range: RangeInclusive<u64>| range.contains(&u64::try_from(pause.as_millis()).unwrap());
        assert!(pauses[..8].iter().all(|pause| within(pause, SOON)) && pauses[8..].iter().all(|pause| within(pause, LATER)));
        assert_eq!(tries.again(), None);
    }

    #[test]
    fn another_message_is_malformed() {
        let sync = HolePunch { kind: Some(SYNC), addresses: Vec::new() };
        assert_eq!(heard(&sync, "/ip4/11.22.33.55/tcp/1"), Err(Cause::Malformed));
        assert_eq!(block_on(synced(&mut message(&sync))), Ok(()));
        assert_eq!(block_on(synced(&mut message(&connect(&[])))).map_err(|fault| fault.cause), Err(Cause::Malformed));
    }
}
