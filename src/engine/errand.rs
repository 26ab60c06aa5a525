//! What an errand beside the attempts of a run may say and see.

use std::rc::Rc;

use super::log::Log;
use crate::model::{Fact, NatFound, Report};

/// The voice of an errand: it tells facts about the own network, and sees what the run knows so far.
#[derive(Clone)]
pub struct Notes {
    log: Rc<Log>,
}

impl Notes {
    pub(super) fn new(log: &Rc<Log>) -> Self {
        Self { log: Rc::clone(log) }
    }

    /// Something about the own network was seen.
    pub fn found(&self, found: NatFound) {
        self.log.emit(self.log.now(), Fact::NatFound(found));
    }

    /// What is known so far.
    pub fn report<T>(&self, read: impl FnOnce(&Report) -> T) -> T {
        self.log.report(read)
    }
}

impl std::fmt::Debug for Notes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notes").finish_non_exhaustive()
    }
}
