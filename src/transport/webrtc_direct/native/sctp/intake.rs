//! What of a peer's packets SCTP is given. `sctp-proto` bounds the bytes that wait to be read and not the chunks that hold them,
//! of which it looks at all for each that comes.

use std::collections::HashMap;

use super::super::config::SCTP_RECEIVE;
use super::super::packet::{self, Chunk, DATA};
use super::resets;

/// A DATA chunk before its data (RFC 9260, section 3.3.1).
const DATA_HEADER: usize = 16;

const INIT: u8 = 1;
const INIT_ACK: u8 = 2;

/// Chunks that wait to be read. A window of whole packets has a quarter of them; looking at so many costs microseconds.
pub(super) const MOST: usize = 2048;

/// So many wait only where what was missing before them is never completed.
const FAR_TOO_MANY: usize = 4 * MOST;

/// What to do with a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// SCTP gets it.
    Taken,
    /// As if it had been lost: it is sent again.
    Lost,
    /// Nobody who keeps to the rules sends it.
    Broken,
}

/// What SCTP holds, as far as its packets tell.
#[derive(Debug, Default)]
pub(super) struct Intake {
    /// The last number up to which all came; none before the association has begun.
    cumulative: Option<u32>,
    /// Whether numbers are missing before others that came.
    missing: bool,
    /// Chunks of each stream.
    chunks: HashMap<u16, usize>,
    bytes: usize,
}

impl Intake {
    /// Judges a chunk that came.
    pub(super) fn judge(&mut self, chunk: Chunk<'_>) -> Fate {
        match chunk.kind {
            DATA => self.judge_data(chunk),
            INIT | INIT_ACK => {
                if let Some(first) = word(chunk.bytes, 16) {
                    self.cumulative.get_or_insert(first.wrapping_sub(1));
                }
                Fate::Taken
            }
            // sctp-proto would look at all that comes until then again and again. Whoever asked asks again.
            _ if resets::lasts(chunk).any(|last| self.is_ahead(last)) => Fate::Lost,
            _ => Fate::Taken,
        }
    }

    fn judge_data(&mut self, chunk: Chunk<'_>) -> Fate {
        // RFC 9260, section 6.2: without data it is to be ended by an ABORT.
        let Some((tsn, stream)) = word(chunk.bytes, 4).zip(half(chunk.bytes, 8)).filter(|_| chunk.bytes.len() > DATA_HEADER)
        else {
            return Fate::Broken;
        };
        if !self.is_ahead(tsn) {
            return Fate::Taken;
        }
        let next = self.cumulative.is_some_and(|cumulative| tsn == cumulative.wrapping_add(1));
        let chunks = self.chunks();
        if chunks >= FAR_TOO_MANY {
            return Fate::Broken;
        }
        // What comes after a gap can be read once the gap is closed.
        if chunks >= MOST && !(next && self.missing) {
            return Fate::Lost;
        }
        if next {
            self.cumulative = Some(tsn);
        }
        *self.chunks.entry(stream).or_default() += 1;
        self.bytes += chunk.bytes.len() - DATA_HEADER;
        Fate::Taken
    }

    fn is_ahead(&self, tsn: u32) -> bool {
        self.cumulative.is_none_or(|cumulative| tsn != cumulative && tsn.wrapping_sub(cumulative) < 1 << 31)
    }

    /// A packet that leaves: an acknowledgement tells what SCTP really has.
    pub(super) fn sent(&mut self, packet: &[u8]) {
        let (Some(window), Some(gaps)) = (packet::window(packet), packet::gaps(packet)) else { return };
        (self.cumulative, self.missing) = (packet::acknowledged(packet), gaps > 0);
        self.holds(SCTP_RECEIVE.saturating_sub(window) as usize);
    }

    /// A message of so many chunks and bytes was read.
    pub(super) fn read(&mut self, stream: u16, chunks: usize, bytes: usize) {
        if let Some(held) = self.chunks.get_mut(&stream) {
            *held = held.saturating_sub(chunks);
        }
        self.holds(self.bytes.saturating_sub(bytes));
    }

    /// Each chunk has a byte at least.
    fn holds(&mut self, bytes: usize) {
        self.bytes = bytes;
        if bytes == 0 {
            self.chunks.clear();
        }
    }

    /// Whether a packet more may be too many.
    pub(super) fn is_filling(&self) -> bool {
        self.chunks() >= MOST / 2
    }

    /// What streams held that are gone went with them.
    pub(super) fn forget(&mut self, is_gone: impl Fn(u16) -> bool) {
        self.chunks.retain(|stream, chunks| *chunks > 0 && !is_gone(*stream));
    }

    /// Chunks that wait to be read.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.values().sum()
    }
}

pub(super) fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
