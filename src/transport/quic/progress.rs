//! Counters that outlive a dial given up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What a dial has seen so far, for the one who gives up waiting for it: clones share the numbers.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    received: AtomicU64,
    first: OnceLock<Vec<u8>>,
    /// How the latest datagrams begin that were sent before anything came.
    asked: Mutex<VecDeque<Vec<u8>>>,
    echoed: AtomicBool,
}

/// Bytes kept of the first datagram: more than it takes to tell who speaks.
const FIRST: usize = 128;
/// Bytes by which a datagram of ours is known when it comes back: the random IDs of QUIC and STUN are among them, and in an
/// answer they stand elsewhere or differ.
const KNOWN_BY: usize = 20;
/// Datagrams kept: more than are on their way at once before the first answer.
const ASKED: usize = 16;

impl Progress {
    pub(crate) fn count_sent(&self, datagrams: usize) {
        self.0.sent.fetch_add(datagrams as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_received(&self, datagrams: usize) {
        self.0.received.fetch_add(datagrams as u64, Ordering::Relaxed);
    }

    /// To be told before it is sent.
    pub(crate) fn note_asked(&self, datagram: &[u8]) {
        if self.first().is_some() {
            return;
        }
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() == ASKED {
            asked.pop_front();
        }
        asked.push_back(start(datagram, KNOWN_BY).to_vec());
    }

    pub(crate) fn note_first(&self, datagram: &[u8]) {
        self.0.first.get_or_init(|| {
            let asked = std::mem::take(&mut *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner));
            let echoed = datagram.len() >= KNOWN_BY && asked.iter().any(|asked| asked == start(datagram, KNOWN_BY));
            self.0.echoed.store(echoed, Ordering::Relaxed);
            start(datagram, FIRST).to_vec()
        });
    }

    /// Whether the first datagram that came back was one of our own.
    pub fn is_echoed(&self) -> bool {
        self.0.echoed.load(Ordering::Relaxed)
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

fn start(datagram: &[u8], most: usize) -> &[u8] {
    &datagram[..datagram.len().min(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(number: u8) -> [u8; 40] {
        [number; 40]
    }

    #[test]
    fn an_echo_is_known_by_how_it_begins() {
        let heard = |first: &[u8]| {
            let progress = Progress::default();
            for number in 0..40 {
                progress.note_asked(&datagram(number));
            }
            assert_eq!(progress.0.asked.lock().unwrap().len(), ASKED);
            progress.note_first(first);
            progress.note_asked(&datagram(50));
            assert!(progress.0.asked.lock().unwrap().is_empty(), "what is sent later is kept by nobody");
            progress.is_echoed()
        };
        assert!(heard(&datagram(39)) && heard(&datagram(24)));
        assert!(!heard(&datagram(23)) && !heard(&datagram(50)));
        assert!(!heard(&datagram(39)[..KNOWN_BY - 1]) && !heard(&[]));
        let mut answer = datagram(39);
        answer[KNOWN_BY - 1] = 0;
        assert!(!heard(&answer));
    }

    #[test]
    fn the_first_counts() {
        let progress = Progress::default();
        progress.note_asked(&datagram(1));
        progress.note_first(&datagram(2));
        progress.note_first(&datagram(1));
        assert!(!progress.is_echoed());
    }
}
