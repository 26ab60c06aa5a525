//! A peer behind a relay: a connection to the relay, and on a stream that the relay joins to one of the peer's, a connection
//! to the peer.

use std::{ops::AsyncFnOnce, pin::pin, time::Duration};

use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::{Either, select},
};
use libp2p_identity::PeerId;

use super::{
    Connected, Dial, session,
    upgrade::{self, Carrier},
};
use crate::{
    engine::{Ctx, Fault},
    model::{Allowed, Cause, Found, Leg, StageName},
    nat::relay::{self, Limits, Meter},
    plan::{self, Planned, Route},
    session::{BoxedStream, Clock, Opener, Service, Session},
};

/// How much earlier than the relay we take its time to be over: its clock began before its answer came, and what it does then
/// takes as long to come.
const EARLIER: Duration = Duration::from_secs(1);

/// Dials a peer through a relay, to which `connect` makes the connection, and tries it.
pub async fn through_relay(
    dial: Dial<'_>,
    circuit: plan::Circuit,
    connect: impl for<'a> AsyncFnOnce(Dial<'a>) -> Result<Connected<'a>, Fault>,
) -> Result<(), Fault> {
    let work = async |session: &Session, met: Met| session::try_out(dial, session, met.peer).await;
    through(dial, circuit, connect, Vec::new(), async |_: &Session, _| (), work).await
}

/// Whom a circuit joins.
#[derive(Clone, Debug)]
pub struct Met {
    /// Who is behind the relay.
    pub peer: PeerId,
    /// The relay.
    pub relay: PeerId,
}

/// Dials a peer through a relay, of which it does `ask` first, and `work` on the connection to the peer, where `services` are served.
pub(super) async fn through(
    dial: Dial<'_>,
    circuit: plan::Circuit,
    connect: impl for<'a> AsyncFnOnce(Dial<'a>) -> Result<Connected<'a>, Fault>,
    services: Vec<Service>,
    ask: impl AsyncFnOnce(&Session, PeerId),
    work: impl AsyncFnOnce(&Session, Met) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let target = dial.planned.expected.ok_or_else(|| Cause::UnsupportedAddress { part: "/p2p-circuit".into() })?;
    let planned = to_relay(dial.planned, circuit);
    let outer = Dial { planned: &planned, ..dial };
    dial.ctx.on_leg(Some(Leg::Relay));
    let connected = connect(outer).await?.alone();
    connected
        .used(async |session, relay| {
            ask(session, relay).await;
            dial.ctx.on_leg(None);
            let met = Met { peer: target, relay };
            // A dial within a dial is large.
            Box::pin(joined(dial, session.opener(), met, services, work)).await
        })
        .await
}

/// The dial of the relay itself.
fn to_relay(planned: &Planned, circuit: plan::Circuit) -> Planned {
    let plan::Circuit { transport, relay } = circuit;
    let route = Route { transport, peer: relay, circuit: None, ..planned.route.clone() };
    Planned { route, expected: relay, ..planned.clone() }
}

/// Makes a connection on a stream that the relay joins to the target's, and uses it.
async fn joined(
    dial: Dial<'_>,
    relay: Opener,
    met: Met,
    services: Vec<Service>,
    work: impl AsyncFnOnce(&Session, Met) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let (begun, circuits) = unbounded();
    let carrier = Through { relay, target: met.peer, begun };
    let tried = pin!(async {
        let connected = upgrade::connect(dial, &carrier).await?.offering(services);
        connected.used(async |session, _| work(session, met).await).await
    });
    let clocks = pin!(keep_time(dial.machine.clock(), circuits));
    match select(tried, clocks).await {
        Either::Left((tried, _)) => tried,
        Either::Right(((), tried)) => tried.await,
    }
}

/// Notes when the time that the relay gives a circuit is over.
async fn keep_time(clock: &Clock, circuits: UnboundedReceiver<Meter>) {
    let until_over = |meter: Meter| async move {
        if let Some(time) = meter.limits().duration {
            clock.sleep(time.saturating_sub(EARLIER.min(time / 2))).await;
            meter.out_of_time();
        }
    };
    circuits.for_each_concurrent(None, until_over).await;
}

/// Streams through a relay.
struct Through {
    relay: Opener,
    target: PeerId,
    begun: UnboundedSender<Meter>,
}

impl Carrier for Through {
    async fn open(&self, ctx: Option<&Ctx>) -> Result<BoxedStream, Fault> {
        ctx.inspect(|ctx| ctx.enter(StageName::Hop));
        let (answer, stream) = relay::connect(&self.relay, self.target).await?;
        ctx.inspect(|ctx| {
            ctx.found(Found {
                status: u16::try_from(answer.status).ok(),
                limits: Some(allowed(answer.limits)),
                ..Found::default()
            });
        });
        answer.granted()?;
        let circuit = relay::Circuit::new(stream, answer.limits);
        // The receiver lives as long as the dial.
        let _ = self.begun.unbounded_send(circuit.meter());
        Ok(Box::new(circuit))
    }
}

/// Limits as reports carry them.
pub(crate) fn allowed(limits: Limits) -> Allowed {
    Allowed { duration_ms: limits.duration.map(Into::into), bytes: limits.bytes }
}
