//! Where the relay sees the ports that we dial from: the one that it is dialed from as it is, the others by further connections,
//! where it announces that it can be dialed so.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    time::Duration,
};

use futures::{
    StreamExt as _,
    channel::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
        oneshot,
    },
    future::{pending, select},
};
use libp2p_identity::PeerId;

use crate::{
    model::{Found, StageName, Transport, WhyCode},
    nat::punch,
    probe::{
        Dial,
        further::{Known, Place, TRANSPORTS, further},
    },
    session::Session,
};

/// How long to wait for the further connections, before the peer is dialed: a relay that answers does so in a few round trips.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the relay says of our ports.
pub(super) struct Outside<'a> {
    dial: Dial<'a>,
    /// The transport that the relay is dialed over.
    carrier: Transport,
    begin: Cell<Option<oneshot::Sender<Known>>>,
    answers: Cell<Option<UnboundedReceiver<(Transport, Place)>>>,
    seen: RefCell<Vec<(Transport, Place)>>,
}

/// The further connections to the relay, which are kept as long as this is polled: so are the mappings of a NAT.
pub(super) struct Further<'a> {
    dial: Dial<'a>,
    carrier: Transport,
    known: oneshot::Receiver<Known>,
    tell: UnboundedSender<(Transport, Place)>,
}

/// Both parts, of which the second one works beside all else.
pub(super) fn outside(dial: Dial<'_>, carrier: Transport) -> (Outside<'_>, Further<'_>) {
    let (begin, known) = oneshot::channel();
    let (tell, answers) = unbounded();
    let outside =
        Outside { dial, carrier, begin: Cell::new(Some(begin)), answers: Cell::new(Some(answers)), seen: RefCell::default() };
    (outside, Further { dial, carrier, known, tell })
}

impl Outside<'_> {
    /// Asks the relay, as the stage `identify`. One that does not tell may relay all the same.
    pub(super) async fn ask(&self, session: &Session, relay: PeerId) {
        let ctx = self.dial.ctx;
        ctx.enter(StageName::Identify);
        let identified = match session.identify().await {
            Ok(identified) => identified,
            Err(fault) => return ctx.failed_but_continue(fault),
        };
        let observed = identified.observed.as_ref().map(ToString::to_string);
        ctx.found(Found { agent: identified.agent, observed, ..Found::default() });
        if TRANSPORTS.contains(&self.carrier) {
            self.seen.borrow_mut().push((self.carrier, identified.observed.ok_or(WhyCode::TooFewVantages)));
        }
        if let (Some(begin), Some(mut answers)) = (self.begin.take(), self.answers.take()) {
            // The other part lives as long as the dial.
            let _ = begin.send(Known { relay, announced: identified.announced });
            let all = async {
                while let Some(answer) = answers.next().await {
                    self.seen.borrow_mut().push(answer);
                    if self.seen.borrow().len() == TRANSPORTS.len() {
                        return;
                    }
                }
            };
            select(pin!(all), self.dial.machine.clock().sleep(PATIENCE)).await;
        }
    }

    /// Where the port of a transport is. A relay that does not tell, or cannot be right, is no vantage point.
    pub(super) fn place(&self, transport: Transport) -> Place {
        let seen = self.seen.borrow();
        let (_, place) = seen.iter().find(|(known, _)| *known == transport).ok_or(WhyCode::TooFewVantages)?;
        let observed = place.clone()?;
        let believed = punch::seen_by(self.dial.remote().ip(), &observed).is_some_and(|hole| hole.transport == transport);
        if believed { Ok(observed) } else { Err(WhyCode::TooFewVantages) }
    }
}

impl Further<'_> {
    /// Makes the connections once the relay is known, and keeps them. It does not end.
    pub(super) async fn keep(self) {
        let Ok(known) = self.known.await else { return pending().await };
        let told = |transport, place| {
            // Who asked may wait no longer.
            let _ = self.tell.unbounded_send((transport, place));
        };
        further(self.dial, self.carrier, known, Vec::new, told).await;
    }
}
