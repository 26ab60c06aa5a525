//! Counters that outlive a dial given up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What a dial has seen so far, for the one who gives up waiting for it: clones share the numbers.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    received: AtomicU64,
    first: OnceLock<Vec<u8>>,
}

/// Bytes kept of the first datagram: more than it takes to tell who speaks.
const FIRST: usize = 128;

impl Progress {
    pub(crate) fn count_sent(&self, datagrams: usize) {
        self.0.sent.fetch_add(datagrams as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_received(&self, datagrams: usize) {
        self.0.received.fetch_add(datagrams as u64, Ordering::Relaxed);
    }

    pub(crate) fn note_first(&self, datagram: &[u8]) {
        self.0.first.get_or_init(|| datagram[..datagram.len().min(FIRST)].to_vec());
    }

    /// How the first datagram that came back begins.
    pub fn first(&self) -> Option<&[u8]> {
        self.0.first.get().map(Vec::as_slice)
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
