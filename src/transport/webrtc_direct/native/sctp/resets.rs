//! Closings that the peer began and has not let us end. `sctp-proto` answers each by a request of its own (RFC 8831, section 6.7),
//! has one of these under way, and keeps the others until it is answered: without bound, for a peer that never does.

use super::super::packet::{self, DATA, chunks};
use super::intake::{half, word};

/// A RE-CONFIG and its parameters that close streams and that answer (RFC 6525, sections 3.1, 4.1 and 4.4).
const RE_CONFIG: u8 = 130;
const OUTGOING_RESET: u16 = 13;
const RESPONSE: u16 = 16;
/// Places in these: the number of a request; in an answer that of what is answered, and the result.
const NUMBER: usize = 4;
const ANSWERED: usize = 8;
const RESULT: usize = 8;
const IN_PROGRESS: u32 = 6;

/// Requests that wait for one to be answered. A peer that keeps to the rules has one under way as well (RFC 6525, section 5.1.1),
/// so that they wait by ones.
pub(super) const MOST: usize = 1024;

/// How many there are, as far as packets tell.
#[derive(Debug, Default)]
pub(super) struct Resets {
    /// The number of the request that is under way.
    asked: Option<u32>,
    /// That of the peer's last.
    last: Option<u32>,
    pub(super) waiting: usize,
}

impl Resets {
    /// A packet that came, and the streams that there are before it. Whether there are too many now.
    pub(super) fn came(&mut self, packet: &[u8], streams: &[u16]) -> bool {
        let opens = chunks(packet).flatten().any(|chunk| chunk.kind == DATA);
        for (kind, parameter) in parameters(packet) {
            let answered = match kind {
                OUTGOING_RESET => word(parameter, ANSWERED),
                RESPONSE => word(parameter, NUMBER).filter(|_| word(parameter, RESULT) != Some(IN_PROGRESS)),
                _ => None,
            };
            if answered.is_some() && answered == self.asked {
                self.asked = None;
                self.waiting = self.waiting.saturating_sub(1);
            }
            // What closes nothing has no answer of ours, nor has what is repeated.
            if kind == OUTGOING_RESET && self.last != word(parameter, NUMBER) {
                self.last = word(parameter, NUMBER);
                let mut named = named(parameter).peekable();
                self.waiting += usize::from(opens || named.peek().is_none() || named.any(|id| streams.contains(&id)));
            }
        }
        self.waiting > MOST
    }

    /// A packet that leaves.
    pub(super) fn sent(&mut self, packet: &[u8]) {
        let request = |(kind, parameter): (u16, &[u8])| word(parameter, NUMBER).filter(|_| kind == OUTGOING_RESET);
        if let Some(number) = parameters(packet).filter_map(request).last() {
            self.asked = Some(number);
        }
    }
}

/// Whether a packet closes streams, or answers.
pub(super) fn is_in(packet: &[u8]) -> bool {
    chunks(packet).flatten().any(|chunk| chunk.kind == RE_CONFIG)
}

/// The last numbers of data before the closings in a RE-CONFIG.
pub(super) fn lasts(chunk: packet::Chunk<'_>) -> impl Iterator<Item = u32> {
    const LAST_TSN: usize = 12;
    let closing = (chunk.kind == RE_CONFIG).then_some(chunk.bytes).into_iter().flat_map(of);
    closing.filter(|(kind, _)| *kind == OUTGOING_RESET).filter_map(|(_, parameter)| word(parameter, LAST_TSN))
}

/// The streams that a request closes; none stands for all.
fn named(parameter: &[u8]) -> impl Iterator<Item = u16> {
    const STREAMS: usize = 16;
    let length = half(parameter, 2).map_or(0, usize::from);
    let ids = parameter.get(STREAMS..length.min(parameter.len())).unwrap_or_default();
    ids.chunks_exact(2).map(|id| u16::from_be_bytes([id[0], id[1]]))
}

/// All parameters of the RE-CONFIGs of a packet.
fn parameters(packet: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    chunks(packet).flatten().filter(|chunk| chunk.kind == RE_CONFIG).flat_map(|chunk| of(chunk.bytes))
}

/// The parameters of a chunk, each from its kind on.
fn of(chunk: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = chunk.get(4..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, length) = (half(rest, 0)?, usize::from(half(rest, 2)?).max(4).next_multiple_of(4));
        let parameter = rest.get(..length).unwrap_or(rest);
        rest = rest.get(length..).unwrap_or_default();
        Some((kind, parameter))
    })
}
