//! What both sides agree on: where to send, and when.

use std::{future::Future, pin::pin, time::Duration};

use futures::future::{Either, select};
use libp2p_core::muxing::SubstreamBox;
use multiaddr::Multiaddr;

use crate::{
    engine::{Fault, Record},
    model::{Cause, Found, StageName},
    nat::punch::{self, DCUTR, Hole},
    native,
    session::{Clock, Opener, Proposal},
};

/// How long the other side may take for its part of a round.
const PATIENCE: Duration = Duration::from_secs(10);
/// A peer that does not speak the protocol may do so once it knows an address of its own: go-libp2p asks itself 0.25, 0.75,
/// 1.75, 3.75 and 7.75 s after its start. It is asked again after these times.
const NOT_YET: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_millis(1500), Duration::from_secs(2), Duration::from_secs(4)];

/// What a round is about.
pub(super) struct Agreed {
    /// Where to send.
    pub(super) holes: Vec<Hole>,
    /// The round trip through the relay.
    pub(super) rtt: Duration,
    pub(super) stream: Proposal<SubstreamBox>,
}

/// The first round, with somebody who may not be ready yet.
pub(super) async fn first(record: &Record, opener: &Opener, clock: &Clock, ours: &[Multiaddr]) -> Result<Agreed, Fault> {
    for pause in NOT_YET {
        match round(record, opener, clock, ours).await.map_err(|fault| opener.explain(fault)) {
            Err(fault) if fault.cause == Cause::ProtocolNotSupported && !opener.ended() => native::sleep(pause).await,
            agreed => return agreed,
        }
    }
    round(record, opener, clock, ours).await
}

/// CONNECT and SYNC.
pub(super) async fn round(record: &Record, opener: &Opener, clock: &Clock, ours: &[Multiaddr]) -> Result<Agreed, Fault> {
    let asking = async {
        let mut stream = opener.open(DCUTR).await?;
        // Awaited by itself: go-libp2p resets the stream when it does not know the protocol and more follows, which may overtake
        // its answer.
        stream.confirmed().await?;
        let asked = clock.now();
        punch::tell(&mut stream, ours).await?;
        let holes = punch::hear(&mut stream, ours).await?;
        Ok::<_, Fault>((stream, holes, clock.now().since(asked)))
    };
    let (mut stream, holes, rtt) = in_time(asking).await?;
    record.found(Found { addresses: u32::try_from(holes.len()).ok(), rtt_ms: Some(rtt), ..Found::default() });
    record.enter(StageName::DcutrSync);
    in_time(punch::sync(&mut stream)).await?;
    Ok(Agreed { holes, rtt: rtt.into(), stream })
}

async fn in_time<T>(step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match select(pin!(step), pin!(native::sleep(PATIENCE))).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(Cause::TimedOut.into()),
    }
}
