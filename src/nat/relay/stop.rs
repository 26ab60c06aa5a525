//! STOP: a relay tells a peer that somebody wants to reach it.

use libp2p_core::muxing::SubstreamBox;
use libp2p_identity::PeerId;

use super::{
    Circuit, Limits,
    wire::{self, Limit, STOP, StopMessage, status, stop},
};
use crate::{
    model::Cause,
    session::{Fault, Opener, Proposal},
};

/// Somebody who wants to reach us through a relay.
pub struct Incoming {
    /// Who, as the relay says. They have yet to prove it.
    pub from: PeerId,
    /// What the relay allows the connection.
    pub limits: Limits,
    stream: SubstreamBox,
}

impl Incoming {
    /// Reads what a relay says on a stream that it opened. What is no proper request is refused.
    pub async fn receive(mut stream: SubstreamBox) -> Result<Self, Fault> {
        let (fault, answer) = match wire::receive::<StopMessage>(&mut stream).await {
            Ok(StopMessage { kind: Some(stop::CONNECT), peer, limit, .. }) => match peer.and_then(|peer| peer.peer()) {
                Some(from) => return Ok(Self { from, limits: limit.into(), stream }),
                None => (Fault::from(Cause::Malformed).say("the relay names no peer"), status::MALFORMED_MESSAGE),
            },
            Ok(_) => (Fault::from(Cause::Malformed).say("the relay's message is no request"), status::UNEXPECTED_MESSAGE),
            Err(fault) if matches!(fault.cause, Cause::Malformed | Cause::TooLarge) => (fault, status::MALFORMED_MESSAGE),
            Err(fault) => return Err(fault),
        };
        tell(&mut stream, answer).await?;
        Err(fault)
    }

    /// Says yes. What follows on the stream is theirs.
    pub async fn accept(mut self) -> Result<Circuit<SubstreamBox>, Fault> {
        tell(&mut self.stream, status::OK).await?;
        Ok(Circuit::new(self.stream, self.limits))
    }

    /// Says that there is no room.
    pub async fn refuse(mut self) -> Result<(), Fault> {
        tell(&mut self.stream, status::RESOURCE_LIMIT_EXCEEDED).await
    }
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("from", &self.from).field("limits", &self.limits).finish_non_exhaustive()
    }
}

async fn tell(stream: &mut SubstreamBox, status: u32) -> Result<(), Fault> {
    wire::send(stream, &StopMessage { kind: Some(stop::STATUS), status: Some(status), ..StopMessage::default() }).await
}

/// Asks a peer with a slot whether it takes a connection of `from`.
pub(super) async fn ask(target: &Opener, from: PeerId, limit: Limit) -> Result<Proposal<SubstreamBox>, Fault> {
    let mut stream = target.open(STOP).await?;
    let ask = StopMessage { kind: Some(stop::CONNECT), peer: Some(from.into()), limit: Some(limit), status: None };
    wire::send(&mut stream, &ask).await?;
    match wire::receive::<StopMessage>(&mut stream).await? {
        StopMessage { kind: Some(stop::STATUS), status: Some(status::OK), .. } => Ok(stream),
        _ => Err(Cause::RelayTargetFailed.into()),
    }
}
