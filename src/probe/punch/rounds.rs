//! The rounds of a hole punch: the peer begins each of them, says when, and both send at that moment.

use std::{any::Any, future::Future, pin::pin, time::Duration};

use futures::{
    StreamExt,
    channel::mpsc::UnboundedReceiver,
    future::{Either, select},
};
use libp2p_core::muxing::SubstreamBox;
use multiaddr::Multiaddr;

use super::{direct::Doors, told::Told};
use crate::{
    engine::Fault,
    model::{Cause, Found, Micros, StageName, WhyCode},
    nat::punch::{self, Hole, ROUNDS},
    probe::{Dial, relay::Met},
};

/// How long to wait for the peer to begin. Some dial announced addresses first, of which we have none.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long a round sends: both sides retransmit a lost first packet within it, over any line.
const DIRECT: Duration = Duration::from_secs(5);

/// The rounds with one peer.
pub(super) struct Rounds<'a> {
    dial: Dial<'a>,
    doors: Doors<'a>,
    met: Met,
    /// The streams on which the peer begins.
    asks: UnboundedReceiver<SubstreamBox>,
    told: Told<'a>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(doors: Doors<'a>, met: Met, asks: UnboundedReceiver<SubstreamBox>) -> Self {
        let told = Told::new(doors.dial, &met, doors.transport);
        Self { dial: doors.dial, doors, met, asks, told }
    }

    /// Takes part in as many rounds as the peer begins, until one works. What comes of it is to be kept until the end.
    pub(super) async fn punch(mut self) -> Option<Box<dyn Any>> {
        let ours = match self.ours() {
            Ok(ours) => [ours],
            Err(why) => {
                self.told.could_not(why);
                return None;
            }
        };
        while self.told.rounds() < ROUNDS {
            let holes = self.agreed(&ours).await?;
            if let Some(kept) = self.tried(&holes).await {
                return Some(kept);
            }
        }
        None
    }

    /// Where the relay sees the port that we dial from. There is none where the relay does not tell or cannot be right, and where
    /// its transport has no holes to be punched.
    fn ours(&self) -> Result<Multiaddr, WhyCode> {
        let observed = self.met.observed.as_ref().ok_or(WhyCode::TooFewVantages)?;
        let hole = punch::hole(observed).filter(|hole| hole.transport == self.doors.transport);
        let hole = hole.ok_or(WhyCode::NotOffered)?;
        let believed = punch::seen_by(self.dial.remote().ip(), observed) == Some(hole);
        if believed { Ok(observed.clone()) } else { Err(WhyCode::TooFewVantages) }
    }

    /// Where to send, at the moment of return; none where the peer begins no round, or does not come to its end.
    async fn agreed(&mut self, ours: &[Multiaddr]) -> Option<Vec<Hole>> {
        let first = self.told.rounds() == 0;
        if first {
            self.dial.ctx.enter(StageName::DcutrConnect);
        }
        let stream = match self.begun().await {
            Ok(stream) => stream,
            // What came before says more than that the peer does not begin once more.
            Err(_) if !first => return None,
            Err(fault) => return self.failed(fault.say("the peer begins no hole punch")),
        };
        if !first {
            self.dial.ctx.enter(StageName::DcutrConnect);
        }
        match self.exchanged(stream, ours).await {
            Ok((holes, rtt)) => {
                self.told.agreed(rtt);
                Some(holes)
            }
            Err(fault) => self.failed(fault),
        }
    }

    async fn begun(&mut self) -> Result<SubstreamBox, Fault> {
        let asks = &mut self.asks;
        in_time(self.dial, PATIENCE, async { asks.next().await.ok_or(Cause::Closed.into()) }).await
    }

    /// CONNECT and SYNC: where to send, and the round trip through the relay.
    async fn exchanged(&self, mut stream: SubstreamBox, ours: &[Multiaddr]) -> Result<(Vec<Hole>, Micros), Fault> {
        let Dial { ctx, machine, .. } = self.dial;
        let connect = async {
            let holes = punch::hear(&mut stream, ours).await?;
            punch::tell(&mut stream, ours).await?;
            Ok(holes)
        };
        let holes = in_time(self.dial, PATIENCE, connect).await?;
        ctx.found(Found { addresses: u32::try_from(holes.len()).ok(), ..Found::default() });
        ctx.enter(StageName::DcutrSync);
        let told = machine.clock().now();
        in_time(self.dial, PATIENCE, punch::synced(&mut stream)).await?;
        let rtt = machine.clock().now().since(told);
        ctx.found(Found { rtt_ms: Some(rtt), ..Found::default() });
        Ok((holes, rtt))
    }

    /// Sends and is sent to.
    async fn tried(&mut self, holes: &[Hole]) -> Option<Box<dyn Any>> {
        self.dial.ctx.enter(StageName::Direct);
        match in_time(self.dial, DIRECT, self.doors.direct(holes)).await {
            Ok(direct) => {
                let from_told_port = holes.iter().any(|hole| hole.at == direct.remote);
                self.told.passed(direct.from_listen_port, from_told_port);
                self.dial.ctx.found(direct.found());
                Some(direct.keep)
            }
            Err(fault) => {
                // A NAT that refuses says more than that the time was over.
                let fault = self.doors.last_fault().filter(|_| fault.cause == Cause::TimedOut).unwrap_or(fault);
                self.failed(fault)
            }
        }
    }

    /// The open stage failed, and the connection through the relay is as good as it was.
    fn failed<T>(&mut self, fault: Fault) -> Option<T> {
        self.told.failed(&fault.cause);
        self.dial.ctx.failed_but_continue(fault);
        None
    }
}

async fn in_time<T>(dial: Dial<'_>, time: Duration, step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match select(pin!(step), dial.machine.clock().sleep(time)).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(Cause::TimedOut.into()),
    }
}
