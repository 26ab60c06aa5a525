//! What is told of a hole punch, however it ends.

use crate::{
    model::{Cause, HolePunch, Micros, NatFound, Outcome, Transport, WhyCode},
    probe::{Dial, relay::Met},
};

/// A hole punch as it is known so far. It is told when this is dropped: also where the time of the attempt or of the run is
/// over in the middle of a round.
pub(super) struct Told<'a> {
    dial: Dial<'a>,
    punch: HolePunch,
}

impl<'a> Told<'a> {
    pub(super) fn new(dial: Dial<'a>, met: &Met, transport: Transport) -> Self {
        let punch = HolePunch {
            via: met.relay.to_base58(),
            transport: Some(transport),
            outcome: Outcome::unknown(WhyCode::NotReached),
            attempt: Some(dial.planned.id),
            peer: Some(met.peer.to_base58()),
            rounds: Some(0),
            rtt_ms: None,
            from_listen_port: None,
            from_told_port: None,
        };
        Self { dial, punch }
    }

    /// How many rounds the peer has begun, and told the moment of.
    pub(super) fn rounds(&self) -> u32 {
        self.punch.rounds.unwrap_or(0)
    }

    /// One more, and the round trip through the relay.
    pub(super) fn agreed(&mut self, rtt: Micros) {
        self.punch.rounds = Some(self.rounds() + 1);
        self.punch.rtt_ms = Some(rtt);
    }

    /// It could not be tried.
    pub(super) fn could_not(&mut self, why: WhyCode) {
        self.punch.outcome = Outcome::unknown(why);
    }

    /// A round failed.
    pub(super) fn failed(&mut self, cause: &Cause) {
        self.punch.outcome = Outcome::failed(cause.clone());
    }

    /// A connection came about: whether it left from the port that is listened on, and whether the peer's end is where the
    /// peer had said.
    pub(super) fn passed(&mut self, from_listen_port: bool, from_told_port: bool) {
        self.punch.outcome = Outcome::Passed;
        self.punch.from_listen_port = Some(from_listen_port);
        self.punch.from_told_port = Some(from_told_port);
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.dial.ctx.nat(NatFound::HolePunch(self.punch.clone()));
    }
}
