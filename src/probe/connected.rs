//! A connection that stands.

use std::{fmt, ops::AsyncFnOnce};

use futures::{FutureExt, future::LocalBoxFuture};
use libp2p_identity::PeerId;

use super::{Dial, session};
use crate::{
    engine::{Ctx, Fault},
    model::Found,
    session::{Multiplexed, Service, Session},
};

/// A connection, of whatever kind, before it is used.
pub struct Connected<'a> {
    dial: Dial<'a>,
    session: Session,
    peer: PeerId,
    /// What the open stage is to tell once the other side has agreed to the multiplexer; none where the transport
    /// multiplexes by itself.
    proposed: Option<Found>,
    aside: Option<Box<dyn Aside>>,
}

/// What a transport still does while its connection is used.
pub(super) trait Aside {
    /// Does it while `work` is done.
    fn along<'a>(
        self: Box<Self>,
        ctx: &'a Ctx,
        work: LocalBoxFuture<'a, Result<(), Fault>>,
    ) -> LocalBoxFuture<'a, Result<(), Fault>>;
}

impl<'a> Connected<'a> {
    /// A connection on which the multiplexer was proposed.
    pub(super) fn proposed(dial: Dial<'a>, peer: PeerId, multiplexed: Multiplexed, found: Found) -> Self {
        Self { proposed: Some(found), ..Self::multiplexed(dial, peer, multiplexed) }
    }

    /// A connection of a transport that multiplexes by itself, to the peer that proved to be there.
    #[must_use]
    pub fn multiplexed(dial: Dial<'a>, peer: PeerId, multiplexed: Multiplexed) -> Self {
        Self { dial, session: dial.session(multiplexed), peer, proposed: None, aside: None }
    }

    /// Asks who the other side is with the first flight.
    pub(super) fn identify_ahead(self) -> Self {
        Self { session: self.session.identify_ahead(), ..self }
    }

    /// Serves these protocols too.
    #[must_use]
    pub fn offering(self, services: Vec<Service>) -> Self {
        Self { session: self.session.offering(services), ..self }
    }

    /// Something to be done while the connection is used.
    #[cfg(feature = "native")]
    pub(super) fn alongside(self, aside: Box<dyn Aside>) -> Self {
        Self { aside: Some(aside), ..self }
    }

    /// Without what the transport would still do: what it finds belongs to a stage that is over.
    pub(super) fn alone(self) -> Self {
        Self { aside: None, ..self }
    }

    /// Uses the connection for `work`, which ends the attempt, and says goodbye. The peer has to be the one expected.
    pub async fn used(self, work: impl AsyncFnOnce(&Session, PeerId) -> Result<(), Fault>) -> Result<(), Fault> {
        let Self { dial, session, peer, proposed, aside } = self;
        let used = async {
            if let Some(found) = proposed {
                session.established().await?;
                dial.ctx.found(found);
            }
            work(&session, peer).await
        };
        let used = session.run(used).boxed_local();
        let tried = match (session::expect(dial, peer), aside) {
            (Ok(()), Some(aside)) => aside.along(dial.ctx, used).await,
            (Ok(()), None) => used.await,
            // Without a goodbye the peer would hold the connection until it is idle for too long.
            (wrong, _) => {
                drop(used);
                wrong
            }
        };
        dial.ctx.end(tried);
        dial.goodbye(session).await;
        Ok(())
    }
}

impl fmt::Debug for Connected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").field("peer", &self.peer).finish_non_exhaustive()
    }
}
