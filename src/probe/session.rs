//! What a connection is good for: identify and ping.

use std::{pin::pin, time::Duration};

use futures::future::{Either, select};
use libp2p_identity::PeerId;
use multiaddr::{Multiaddr, Protocol};

use super::{Connected, Dial};
use crate::{
    engine::{Ctx, Fault, Identity},
    model::{Announced, Cause, Found, Scope, StageName, Transport},
    plan::Planned,
    session::{Identified, Multiplexed, Pings, Session, Us},
};

/// How long a goodbye may take: it is sent at once, and whether it arrives is the network's business.
const GOODBYE: Duration = Duration::from_millis(20);

/// How long the pings wait for those of another attempt to the same host, at most, and as a part of the attempt's time: pings
/// that overlap measure each other, but one transport that leaves them unanswered must not hide that another answers.
const TURN: Duration = Duration::from_secs(2);
const TURN_PART: u32 = 4;

/// The peer has to be the one expected. Either way it knows by now who dials.
pub(super) fn expect(dial: Dial<'_>, peer: PeerId) -> Result<(), Fault> {
    let own = dial.machine.identity().public().to_peer_id().to_base58();
    dial.ctx.found(Found { local_peer: Some(own), ..Found::default() });
    match dial.planned.expected {
        Some(expected) if expected != peer => Err(Cause::WrongPeer { actual: peer.to_base58() }.into()),
        _ => Ok(()),
    }
}

/// Identify and ping. Neither stops the other: a connection that works is worth a look at all of it.
pub(super) async fn try_out(dial: Dial<'_>, session: &Session, peer: PeerId) -> Result<(), Fault> {
    identify(dial, session, peer).await;
    ping(dial, session).await
}

/// Identify. That it fails does not stop what follows.
pub(super) async fn identify(dial: Dial<'_>, session: &Session, peer: PeerId) {
    dial.ctx.enter(StageName::Identify);
    match session.identify().await {
        Ok(identified) => tell(dial.ctx, peer, identified),
        Err(fault) => dial.ctx.failed_but_continue(fault),
    }
}

/// As many pings as were asked for.
pub(super) async fn ping(dial: Dial<'_>, session: &Session) -> Result<(), Fault> {
    if dial.options.pings == 0 {
        return Ok(());
    }
    dial.ctx.enter(StageName::Ping);
    let bound = TURN.min(Duration::from(dial.options.timeout_ms) / TURN_PART);
    let _turn = select(pin!(dial.ctx.ping_turn()), dial.machine.clock().sleep(bound)).await;
    let mut seen = Seen { ctx: dial.ctx, pings: Pings::default() };
    session.ping(dial.options.pings, dial.options.ping_interval_ms.into(), &mut seen.pings).await
}

/// Pings, told also when they are cut short.
struct Seen<'a> {
    ctx: &'a Ctx,
    pings: Pings,
}

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        self.ctx.found(self.pings.found());
    }
}

fn tell(ctx: &Ctx, peer: PeerId, identified: Identified) {
    let (found, identity) = told(peer, identified);
    ctx.found(found);
    ctx.identified(identity);
}

/// What a peer told of itself, as a finding and as a fact.
pub(crate) fn told(peer: PeerId, identified: Identified) -> (Found, Identity) {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let found = Found {
        agent: identified.agent.clone(),
        observed: identified.observed.as_ref().map(ToString::to_string),
        protocols: Some(count(identified.protocols.len())),
        announced: Some(identified.announced_total),
        ..Found::default()
    };
    let announced = identified.announced.iter().map(|address| Announced {
        address: address.to_string(),
        scope: Scope::of(address),
        attempt: None,
    });
    let identity = Identity {
        peer: peer.to_base58(),
        announced: announced.collect(),
        agent: identified.agent,
        protocol_version: identified.protocol_version,
        protocols: identified.protocols,
        announced_total: identified.announced_total,
    };
    (found, identity)
}

/// Tries a connection that multiplexes by itself, and whose peer has proved who it is. The attempt ends with it.
pub async fn used(dial: Dial<'_>, connection: Multiplexed, peer: PeerId) -> Result<(), Fault> {
    Connected::multiplexed(dial, peer, connection).used(async |session, peer| try_out(dial, session, peer).await).await
}

impl Dial<'_> {
    /// A session on a connection.
    pub(super) fn session(&self, multiplexed: Multiplexed) -> Session {
        Session::new(multiplexed, self.machine.clock().clone(), self.us(), |_| ())
    }

    /// What the peer is told of us. A probe listens nowhere; but that an address was dialed is worth knowing, and rust-libp2p takes
    /// none for an empty one, which it then has others try.
    pub(super) fn us(&self) -> Us {
        Us { key: self.machine.identity().public(), listen: Vec::new(), observed: self.dialed() }
    }

    /// The address that was dialed, without names and certificates; none through a relay.
    fn dialed(&self) -> Option<Multiaddr> {
        let Planned { route, ip, .. } = self.planned;
        let (Some(ip), port) = (*ip, route.port) else { return None };
        let host = Multiaddr::from(ip);
        match route.transport {
            Transport::Tcp => Some(host.with(Protocol::Tcp(port))),
            Transport::Ws => Some(host.with(Protocol::Tcp(port)).with(Protocol::Ws("/".into()))),
            Transport::Wss => Some(host.with(Protocol::Tcp(port)).with(Protocol::Tls).with(Protocol::Ws("/".into()))),
            Transport::Quic => Some(host.with(Protocol::Udp(port)).with(Protocol::QuicV1)),
            Transport::WebrtcDirect => Some(host.with(Protocol::Udp(port)).with(Protocol::WebRTCDirect)),
            Transport::Webtransport | Transport::Relay => None,
        }
    }

    /// Ends a session in an orderly way, within a bound.
    pub(super) async fn goodbye(&self, session: Session) {
        let close = pin!(session.close());
        match select(close, self.machine.clock().sleep(GOODBYE)).await {
            Either::Left(_) | Either::Right(_) => {}
        }
    }
}
