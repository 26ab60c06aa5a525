//! Mappings end with the test that they were made for.

use std::{cell::RefCell, pin::pin, rc::Rc, time::Duration};

use futures::future::{LocalBoxFuture, join_all, select};

use super::{firewall, pinhole, pmp, upnp};
use crate::native;

/// The time for what is still to be done when everything else has ended.
const FAREWELL: Duration = Duration::from_millis(1200);

/// What is still to be done when a run was cut short.
#[derive(Clone, Default)]
pub(crate) struct Farewells(Rc<RefCell<Vec<LocalBoxFuture<'static, ()>>>>);

impl Farewells {
    /// Does it, within a time.
    pub(crate) async fn say(&self) {
        let all = std::mem::take(&mut *self.0.borrow_mut());
        if !all.is_empty() {
            select(pin!(join_all(all)), pin!(native::sleep(FAREWELL))).await;
        }
    }
}

impl std::fmt::Debug for Farewells {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Farewells").field(&self.0.borrow().len()).finish()
    }
}

/// How a mapping is removed.
#[derive(Clone, Debug)]
pub(super) enum Undo {
    Upnp(upnp::Undo),
    Pmp(pmp::Undo),
    Pinhole(pinhole::Hole),
    Firewall(firewall::Hole),
}

impl Undo {
    async fn run(self) {
        match self {
            Self::Upnp(undo) => undo.run().await,
            Self::Pmp(undo) => undo.run().await,
            Self::Pinhole(hole) => hole.run().await,
            Self::Firewall(hole) => hole.run().await,
        }
    }
}

/// A mapping that there is, or may be: its removal waits among the farewells until it was removed.
#[derive(Debug)]
pub(crate) struct Lease {
    undo: Option<Undo>,
    farewells: Farewells,
}

impl Lease {
    /// Taken before the gateway is asked: when the answer is not waited for, there may be a mapping all the same.
    pub(super) fn new(undo: Undo, farewells: &Farewells) -> Self {
        Self { undo: Some(undo), farewells: farewells.clone() }
    }

    /// Removes the mapping.
    pub(crate) async fn end(mut self) {
        if let Some(undo) = self.undo.clone() {
            undo.run().await;
        }
        self.undo = None;
    }

    /// There is nothing to be removed: the gateway refused.
    pub(super) fn forget(mut self) {
        self.undo = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(undo) = self.undo.take() {
            self.farewells.0.borrow_mut().push(Box::pin(undo.run()));
        }
    }
}
