//! The moment of a round: every transport is dialed at once, each for itself.

use std::{net::SocketAddr, time::Duration};

use futures::{
    StreamExt as _,
    future::{Either, select},
    stream::FuturesUnordered,
};

use super::{
    direct::{Direct, Doors},
    rounds::{Kept, Rounds},
    told::Told,
};
use crate::{
    engine::Fault,
    model::{Cause, Micros, StageName, Transport, WhyCode},
    nat::punch::Hole,
    probe::Dial,
};

/// How long a round sends: both sides retransmit a lost first packet within it, over any line.
const DIRECT: Duration = Duration::from_secs(5);
/// What the other transports get once one works: a retransmission, and the round trips of a handshake. The peer may send no more by
/// then, but it has opened its NAT for all of them at the same moment.
const GRACE: Duration = Duration::from_secs(2);

impl Rounds<'_> {
    /// Sends and is sent to.
    pub(super) async fn tried(&mut self, holes: &[Hole]) -> Kept {
        self.dial.ctx.enter(StageName::Direct);
        let ways = self.ways(holes);
        if ways.is_empty() {
            let offered = Some(self.transports().iter().map(ToString::to_string).collect());
            let fault = Fault::from(Cause::NoCommonProtocol { offered });
            self.failed::<()>(fault.say("the peer names no address of a transport that could be tried"));
            return Vec::new();
        }
        let clock = self.dial.machine.clock().clone();
        let Self { dial, doors, told, .. } = self;
        let open = ways.iter().map(|(transport, _)| *transport).collect();
        let mut race = Race { dial: *dial, told, holes, began: clock.now(), open, faults: Vec::new(), kept: Vec::new() };
        let dials = ways.iter().map(|(transport, remotes)| {
            let doors: &Doors<'_> = doors;
            async move { (*transport, doors.over(*transport, remotes).await) }
        });
        let mut running: FuturesUnordered<_> = dials.collect();
        let mut time = clock.sleep(DIRECT);
        while let Either::Left((Some((transport, ended)), rest)) = select(running.next(), time).await {
            time = if race.ended(transport, ended) { clock.sleep(GRACE) } else { rest };
        }
        drop(running);
        race.over(doors)
    }

    /// Where the peer says that it is, by transport. What it names nowhere is not tried.
    fn ways(&mut self, holes: &[Hole]) -> Vec<(Transport, Vec<SocketAddr>)> {
        let mut ways = Vec::new();
        for transport in self.transports() {
            let there = |hole: &&Hole| hole.transport == transport && self.doors.has_port_towards(hole.at);
            let remotes: Vec<SocketAddr> = holes.iter().filter(there).map(|hole| hole.at).collect();
            if remotes.is_empty() {
                self.told.could_not(transport, WhyCode::NotOffered);
            } else {
                ways.push((transport, remotes));
            }
        }
        ways
    }
}

/// A round that is under way.
struct Race<'a, 'b> {
    dial: Dial<'a>,
    told: &'b mut Told<'a>,
    holes: &'b [Hole],
    began: Micros,
    /// What has not ended.
    open: Vec<Transport>,
    faults: Vec<Fault>,
    kept: Kept,
}

impl Race<'_, '_> {
    fn took(&self) -> Micros {
        self.dial.machine.clock().now().since(self.began)
    }

    /// One transport has ended. True when it is the first that works.
    fn ended(&mut self, transport: Transport, ended: Result<Direct, Fault>) -> bool {
        self.open.retain(|known| *known != transport);
        let took = self.took();
        match ended {
            Ok(direct) => {
                let told_of = self.holes.iter().any(|hole| hole.transport == transport && hole.at == direct.remote);
                self.told.passed(transport, took, direct.from_listen_port, told_of);
                if self.kept.is_empty() {
                    self.dial.ctx.found(direct.found());
                }
                self.kept.push(direct.keep);
                self.kept.len() == 1
            }
            Err(fault) => {
                self.told.failed(transport, &fault.cause, Some(took));
                self.faults.push(fault);
                false
            }
        }
    }

    /// The time is over. Where one transport works the others were not given all of it: of them nothing is known.
    fn over(mut self, doors: &Doors<'_>) -> Kept {
        let took = self.took();
        for transport in std::mem::take(&mut self.open) {
            if self.kept.is_empty() {
                // A NAT that refuses says more than that the time was over.
                let fault = doors.last_fault(transport).unwrap_or_else(|| Cause::TimedOut.into());
                self.told.failed(transport, &fault.cause, Some(took));
                self.faults.push(fault);
            } else {
                self.told.could_not(transport, WhyCode::NotReached);
            }
        }
        if self.kept.is_empty()
            && let Some(fault) = self.faults.into_iter().next()
        {
            self.dial.ctx.failed_but_continue(fault);
        }
        self.kept
    }
}
