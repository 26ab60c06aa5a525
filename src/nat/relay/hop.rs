//! What is asked of a relay: a slot of one's own, or a connection to somebody who has one.

use std::time::Duration;

use libp2p_core::muxing::SubstreamBox;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::wire::{self, HOP, HopMessage, Limit, hop, refusal, status};
use crate::{
    model::Cause,
    session::{Fault, Opener, Proposal},
};

/// Whether a relay does what it was asked for, and within which limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status code: 100 is yes.
    pub status: u32,
    /// What it allows a relayed connection.
    pub limits: Limits,
}

/// What a relay allows each connection through it; nothing where it names no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How long it may last.
    pub duration: Option<Duration>,
    /// How many bytes it may carry each way.
    pub bytes: Option<u64>,
}

/// A slot at a relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reservation {
    /// When it ends, in seconds since 1970; none where the relay does not say.
    pub expires: Option<u64>,
    /// The addresses that the relay is reached at, as it says; entries that cannot be read are left out.
    pub addresses: Vec<Multiaddr>,
    /// Whether it came with a signed voucher. Nothing that p2p-probe does needs one.
    pub voucher: bool,
}

impl Answer {
    /// Why the answer is no.
    pub fn granted(&self) -> Result<(), Cause> {
        if self.status == status::OK { Ok(()) } else { Err(refusal(self.status)) }
    }
}

impl From<Option<Limit>> for Limits {
    fn from(limit: Option<Limit>) -> Self {
        let Limit { duration, data } = limit.unwrap_or_default();
        let duration = duration.filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.into()));
        Self { duration, bytes: data.filter(|bytes| *bytes > 0) }
    }
}

/// Asks a relay to connect us to `target`. The relay asks the target first (STOP), which a dialer cannot see: one answer for
/// both. What follows on the stream is the target's.
pub async fn connect(relay: &Opener, target: PeerId) -> Result<(Answer, Proposal<SubstreamBox>), Fault> {
    let ask = HopMessage { kind: Some(hop::CONNECT), peer: Some(target.into()), ..HopMessage::default() };
    let (answer, told, stream) = exchange(relay, ask).await.map_err(|fault| relay.explain(fault))?;
    drop(told);
    Ok((answer, stream))
}

/// Asks a relay for a slot, or to keep the one we have. The reservation is there when it is granted.
pub async fn reserve(relay: &Opener) -> Result<(Answer, Reservation), Fault> {
    let ask = HopMessage { kind: Some(hop::RESERVE), ..HopMessage::default() };
    let (answer, told, _) = exchange(relay, ask).await.map_err(|fault| relay.explain(fault))?;
    let slot = told.reservation.unwrap_or_default();
    let addresses = slot.addrs.into_iter().filter_map(|bytes| Multiaddr::try_from(bytes).ok()).collect();
    Ok((answer, Reservation { expires: slot.expire, addresses, voucher: slot.voucher.is_some() }))
}

async fn exchange(relay: &Opener, ask: HopMessage) -> Result<(Answer, HopMessage, Proposal<SubstreamBox>), Fault> {
    let mut stream = relay.open(HOP).await?;
    wire::send(&mut stream, &ask).await?;
    let mut told: HopMessage = wire::receive(&mut stream).await?;
    let (Some(hop::STATUS), Some(status)) = (told.kind, told.status) else {
        return Err(Fault::from(Cause::Malformed).say("the relay's message is no status"));
    };
    Ok((Answer { status, limits: told.limit.take().into() }, told, stream))
}
