//! Counters that outlive a dial given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a dial has seen so far, for the one who gives up waiting for it: clones share the numbers.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Progress {
    pub(crate) fn count_sent(&self, datagrams: usize) {
        self.0.sent.fetch_add(datagrams as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_received(&self, datagrams: usize) {
        self.0.received.fetch_add(datagrams as u64, Ordering::Relaxed);
    }

    /// Datagrams handed to the operating system.
    pub fn datagrams_sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Datagrams that came back. None at all means that the port is silent or filtered; some, that a handshake hangs.
    pub fn datagrams_received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }
}
