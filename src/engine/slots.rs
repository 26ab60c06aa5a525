//! How many attempts run at once.

use std::{collections::VecDeque, rc::Rc, sync::Arc};

use futures::lock::Mutex;
use litemap::LiteMap;

use crate::plan::Planned;

/// Attempts to one host at once: peers limit the connections of one address.
const PER_IP: u32 = 4;

/// Attempts that wait for their turn, and those that run.
pub(super) struct Slots {
    limit: usize,
    waiting: VecDeque<Rc<Planned>>,
    running: LiteMap<String, u32>,
    pings: LiteMap<String, Arc<Mutex<()>>>,
}

impl Slots {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX).max(1),
            waiting: VecDeque::new(),
            running: LiteMap::new(),
            pings: LiteMap::new(),
        }
    }

    pub(super) fn queue(&mut self, planned: Rc<Planned>) {
        self.waiting.push_back(planned);
    }

    /// The next attempt that may begin, in the order planned.
    pub(super) fn next(&mut self) -> Option<Rc<Planned>> {
        let running: u32 = self.running.values().sum();
        if usize::try_from(running).is_ok_and(|running| running >= self.limit) {
            return None;
        }
        let free = |planned: &Rc<Planned>| self.running.get(&planned.host()).is_none_or(|count| *count < PER_IP);
        let index = self.waiting.iter().position(free)?;
        let planned = self.waiting.remove(index)?;
        *self.running.entry(planned.host()).or_default() += 1;
        Some(planned)
    }

    pub(super) fn ended(&mut self, host: &str) {
        if let Some(count) = self.running.get_mut(host) {
            *count = count.saturating_sub(1);
        }
    }

    /// The turn to ping a host.
    pub(super) fn ping(&mut self, host: &str) -> Arc<Mutex<()>> {
        Arc::clone(self.pings.entry(host.to_owned()).or_default())
    }

    /// Whether nothing waits for its turn.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Those that never began.
    pub(super) fn drain(&mut self) -> Vec<Rc<Planned>> {
        self.waiting.drain(..).collect()
    }
}
