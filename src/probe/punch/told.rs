//! What is told of a hole punch, however it ends.

use crate::{
    model::{Cause, HolePunch, Micros, NatFound, Outcome, Transport, WhyCode},
    probe::{Dial, relay::Met},
};

/// A hole punch over each transport as it is known so far. It is told when this is dropped: also where the time of the attempt or of
/// the run is over in the middle of a round.
pub(super) struct Told<'a> {
    dial: Dial<'a>,
    punches: Vec<HolePunch>,
    rounds: u32,
}

impl<'a> Told<'a> {
    /// Nothing is known yet of these transports.
    pub(super) fn new(dial: Dial<'a>, met: &Met, transports: impl IntoIterator<Item = Transport>) -> Self {
        let punch = |transport| HolePunch {
            via: met.relay.to_base58(),
            transport: Some(transport),
            outcome: Outcome::unknown(WhyCode::NotReached),
            attempt: Some(dial.planned.id),
            peer: Some(met.peer.to_base58()),
            rounds: Some(0),
            rtt_ms: None,
            elapsed_ms: None,
            from_listen_port: None,
            from_told_port: None,
        };
        Self { dial, punches: transports.into_iter().map(punch).collect(), rounds: 0 }
    }

    /// How many rounds the peer has begun, and told the moment of.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    fn of(&mut self, transport: Transport) -> Option<&mut HolePunch> {
        self.punches.iter_mut().find(|punch| punch.transport == Some(transport))
    }

    /// One more over these transports, and the round trip through the relay.
    pub(super) fn agreed(&mut self, transports: &[Transport], rtt: Micros) {
        self.rounds += 1;
        for transport in transports {
            let rounds = self.rounds;
            if let Some(punch) = self.of(*transport) {
                punch.rounds = Some(rounds);
                punch.rtt_ms = Some(rtt);
            }
        }
    }

    /// It could not be tried. What a round before has shown is still true.
    pub(super) fn could_not(&mut self, transport: Transport, why: WhyCode) {
        if let Some(punch) = self.of(transport)
            && matches!(punch.outcome, Outcome::Unknown { .. })
        {
            punch.outcome = Outcome::unknown(why);
        }
    }

    /// A round failed, its direct dial after this time.
    pub(super) fn failed(&mut self, transport: Transport, cause: &Cause, took: Option<Micros>) {
        if let Some(punch) = self.of(transport) {
            punch.outcome = Outcome::failed(cause.clone());
            punch.elapsed_ms = took.or(punch.elapsed_ms);
        }
    }

    /// A connection came about, so long after both began: whether it left from the port that is listened on, and whether the
    /// peer's end is where the peer had said.
    pub(super) fn passed(&mut self, transport: Transport, took: Micros, from_listen_port: bool, from_told_port: bool) {
        if let Some(punch) = self.of(transport) {
            punch.outcome = Outcome::Passed;
            punch.elapsed_ms = Some(took);
            punch.from_listen_port = Some(from_listen_port);
            punch.from_told_port = Some(from_told_port);
        }
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        for punch in self.punches.drain(..) {
            self.dial.ctx.nat(NatFound::HolePunch(punch));
        }
    }
}
