//! What a probe may say.

use std::rc::Rc;

use futures::{
    channel::mpsc::UnboundedSender,
    lock::{Mutex, OwnedMutexGuard},
};

use super::{Fault, log::Record};
use crate::model::{Announced, Cause, Fact, Found, Leg, NatFound, StageName};

/// The voice of a probe: it names the stage it enters and tells what it finds. The engine keeps the time and closes what
/// is open, so no probe can forget an event.
#[derive(Clone)]
pub struct Ctx {
    pub(super) record: Rc<Record>,
    pub(super) ping: std::sync::Arc<Mutex<()>>,
    pub(super) identified: UnboundedSender<String>,
}

/// What a peer told of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Its peer ID.
    pub peer: String,
    /// Its agent version.
    pub agent: Option<String>,
    /// Its protocol version.
    pub protocol_version: Option<String>,
    /// The protocols it offers, sorted.
    pub protocols: Vec<String>,
    /// The addresses it announces, at most 100.
    pub announced: Vec<Announced>,
    /// How many addresses it announces in all.
    pub announced_total: u32,
}

impl Ctx {
    /// The voice of a probe that runs by itself, outside of a run.
    #[cfg(feature = "native")]
    pub(crate) fn alone(record: &Rc<Record>) -> Self {
        // Nobody waits to hear who was identified.
        let (identified, _) = futures::channel::mpsc::unbounded();
        Self { record: Rc::clone(record), ping: std::sync::Arc::default(), identified }
    }

    /// Begins a stage. The one before ends here, passed, unless it was said to have failed.
    pub fn enter(&self, stage: StageName) {
        self.record.enter(stage);
    }

    /// The stages from here on belong to a leg of a relayed dial.
    pub fn on_leg(&self, leg: Option<Leg>) {
        self.record.set_leg(leg);
    }

    /// Adds what the current stage found.
    pub fn found(&self, found: Found) {
        self.record.found(found);
    }

    /// The current stage failed, and the probe goes on to learn more.
    pub fn failed_but_continue(&self, fault: impl Into<Fault>) {
        self.record.failed_but_continue(fault.into());
    }

    /// Ends the attempt before the probe itself ends: what is still to be done for the peer's sake belongs to no stage.
    pub fn end(&self, result: Result<(), Fault>) {
        self.record.end(result);
    }

    /// What it means when the time of the attempt ends in the current stage, where that is more than `timed-out`.
    pub fn time_out_means(&self, cause: impl Fn() -> Cause + 'static) {
        self.record.time_out_means(Box::new(cause));
    }

    /// Something about the own network was seen.
    pub fn nat(&self, found: NatFound) {
        self.record.tell(Fact::NatFound(found));
    }

    /// The peer told of itself.
    pub fn identified(&self, identity: Identity) {
        let peer = identity.peer.clone();
        self.record.identified(identity);
        // The engine is gone when nobody listens; then nothing is to be planned either.
        let _ = self.identified.unbounded_send(peer);
    }

    /// Waits until no other attempt pings the same host: pings that overlap measure each other.
    pub async fn ping_turn(&self) -> OwnedMutexGuard<()> {
        self.record.waits(true);
        let turn = std::sync::Arc::clone(&self.ping).lock_owned().await;
        self.record.waits(false);
        turn
    }
}
