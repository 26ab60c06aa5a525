//! The rounds of a hole punch: the peer begins each of them, says when, and both send at that moment.

use std::{any::Any, future::Future, pin::pin, time::Duration};

use futures::{
    StreamExt,
    channel::mpsc::UnboundedReceiver,
    future::{Either, select},
};
use libp2p_core::muxing::SubstreamBox;
use multiaddr::Multiaddr;

use super::{direct::Doors, outside::Outside, told::Told};
use crate::{
    engine::Fault,
    model::{Cause, Found, Micros, StageName, Transport},
    nat::punch::{self, Hole, ROUNDS},
    probe::{Dial, further::TRANSPORTS, relay::Met},
};

/// How long to wait for the peer to begin. Some dial announced addresses first, of which we have none.
const PATIENCE: Duration = Duration::from_secs(6);

/// What came about, to be kept until the end.
pub(super) type Kept = Vec<Box<dyn Any>>;

/// The rounds with one peer.
pub(super) struct Rounds<'a> {
    pub(super) dial: Dial<'a>,
    pub(super) doors: Doors<'a>,
    /// The streams on which the peer begins.
    asks: UnboundedReceiver<SubstreamBox>,
    /// Where the relay sees our ports.
    ours: Vec<(Transport, Multiaddr)>,
    /// Where the peer has said that it is.
    known: Vec<Hole>,
    pub(super) told: Told<'a>,
}

impl<'a> Rounds<'a> {
    /// Rounds over what the relay sees a port of. Its own transport comes first.
    pub(super) fn new(
        doors: Doors<'a>,
        met: &Met,
        asks: UnboundedReceiver<SubstreamBox>,
        outside: &Outside<'_>,
        carrier: Transport,
    ) -> Self {
        let mut transports = TRANSPORTS;
        transports.sort_by_key(|transport| *transport != carrier);
        let mut told = Told::new(doors.dial, met, transports);
        let mut ours = Vec::new();
        for transport in transports {
            match outside.place(transport) {
                Ok(place) => ours.push((transport, place)),
                Err(why) => told.could_not(transport, why),
            }
        }
        Self { dial: doors.dial, doors, asks, ours, known: Vec::new(), told }
    }

    /// Takes part in as many rounds as the peer begins, until one works.
    pub(super) async fn punch(mut self) -> Kept {
        while !self.ours.is_empty() && self.told.rounds() < ROUNDS {
            let Some(holes) = self.agreed().await else { break };
            let kept = self.tried(&holes).await;
            if !kept.is_empty() {
                return kept;
            }
        }
        Vec::new()
    }

    /// What is punched over.
    pub(super) fn transports(&self) -> Vec<Transport> {
        self.ours.iter().map(|(transport, _)| *transport).collect()
    }

    /// Where to send, at the moment of return; none where the peer begins no round, or does not come to its end.
    async fn agreed(&mut self) -> Option<Vec<Hole>> {
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
        match self.exchanged(stream).await {
            Ok((holes, rtt)) => {
                let transports = self.transports();
                self.told.agreed(&transports, rtt);
                Some(punch::beside(&mut self.known, holes))
            }
            Err(fault) => self.failed(fault),
        }
    }

    async fn begun(&mut self) -> Result<SubstreamBox, Fault> {
        let asks = &mut self.asks;
        in_time(self.dial, PATIENCE, async { asks.next().await.ok_or(Cause::Closed.into()) }).await
    }

    /// CONNECT and SYNC: where to send, and the round trip through the relay.
    async fn exchanged(&self, mut stream: SubstreamBox) -> Result<(Vec<Hole>, Micros), Fault> {
        let Dial { ctx, machine, .. } = self.dial;
        let ours: Vec<Multiaddr> = self.ours.iter().map(|(_, place)| place.clone()).collect();
        let connect = async {
            let holes = punch::hear(&mut stream, &ours).await?;
            punch::tell(&mut stream, &ours).await?;
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

    /// The open stage failed, and with it the punch over all transports. The connection through the relay is as good as it was.
    pub(super) fn failed<T>(&mut self, fault: Fault) -> Option<T> {
        for transport in self.transports() {
            self.told.failed(transport, &fault.cause, None);
        }
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
