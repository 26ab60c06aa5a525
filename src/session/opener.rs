//! Streams of a session, opened by somebody else than who drives it.

use std::{fmt, future::ready, time::Duration};

use futures::future::LocalBoxFuture;
use libp2p_core::muxing::SubstreamBox;

use super::{Fault, Proposal, link::WeakLink, propose};
use crate::model::Cause;

/// Opens streams on a session while that is driven elsewhere. It does not keep the connection: once the session is gone,
/// every request fails as closed.
#[derive(Clone)]
pub struct Opener(WeakLink);

impl Opener {
    pub(super) fn new(link: WeakLink) -> Self {
        Self(link)
    }

    /// A new stream for `protocol`, as [`Session::open`](super::Session::open) gives one.
    pub async fn open(&self, protocol: &str) -> Result<Proposal<SubstreamBox>, Fault> {
        // Not held while waiting: the request ends with the session.
        let asked = self.0.upgrade().ok_or(Cause::Closed)?.ask();
        let stream = asked.await.map_err(|_| self.explain(Cause::Closed.into()))?;
        Ok(propose(stream, protocol))
    }

    /// What a fault of a stream means to the protocol on it, and why the connection ended where that is the reason.
    pub(crate) fn explain(&self, fault: Fault) -> Fault {
        match self.0.upgrade() {
            Some(link) => link.on_stream(fault),
            None => fault,
        }
    }

    /// Ends after `span` by the clock of the connection, and at once where that is gone.
    pub fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        match self.0.upgrade() {
            Some(link) => link.clock().sleep(span),
            None => Box::pin(ready(())),
        }
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.0.upgrade().is_none_or(|link| link.ended().is_some())
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("ended", &self.ended()).finish()
    }
}
