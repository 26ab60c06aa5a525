//! The one seam to the platform.

use std::{rc::Rc, time::Duration};

use futures::future::LocalBoxFuture;

use super::{Ctx, Fault};
use crate::{
    model::{Fact, Found, Options, RuntimeKind, Stamp},
    plan::{Capabilities, Lookup, Planned, Record},
};

/// What a platform offers to the engine: time, names, and the probes that exist there. Nothing else in the engine
/// knows where it runs.
pub trait Runtime {
    /// Which platform this is.
    fn kind(&self) -> RuntimeKind;

    /// What a page tells of its browser.
    fn user_agent(&self) -> Option<String> {
        None
    }

    /// Time since some moment in the past; never goes back.
    fn now(&self) -> Duration;

    /// The time of day.
    fn utc(&self) -> Stamp;

    /// Ends after `span`.
    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()>;

    /// What can be dialed here.
    fn capabilities(&self) -> Capabilities;

    /// What the own network has, as [`Fact::LocalNetwork`]; none where the runtime cannot tell.
    fn local_network(&self) -> Option<Fact>;

    /// Looks a name up. The engine bounds the time.
    fn look_up(&self, lookup: Lookup) -> LocalBoxFuture<'static, LookedUp>;

    /// Makes one connection and tries it. The engine bounds the time, and drops the future when it is over.
    fn probe(&self, ctx: Ctx, planned: Rc<Planned>, options: Rc<Options>) -> LocalBoxFuture<'static, Result<(), Fault>>;
}

/// The answer to a look-up.
#[derive(Debug)]
pub struct LookedUp {
    /// The records, in the order of the answer, or why there are none.
    pub records: Result<Vec<Record>, Fault>,
    /// What was seen.
    pub found: Found,
}
