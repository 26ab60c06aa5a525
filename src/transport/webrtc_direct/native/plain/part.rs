//! Handshake messages in records that no keys protect (RFC 6347, sections 4.1 and 4.2.2).

/// The content type of a handshake record.
const HANDSHAKE: u8 = 22;
/// A record's header: type, version, epoch, number, length.
const RECORD: usize = 13;
/// The header of a message's part: type, length, number, offset, length of the part.
const MESSAGE: usize = 12;

/// A part of a message, or all of it.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) kind: u8,
    pub(super) number: u16,
    /// Of the whole message.
    pub(super) length: usize,
    pub(super) offset: usize,
    pub(super) body: &'a [u8],
}

impl Part<'_> {
    pub(super) fn is_whole(&self) -> bool {
        self.body.len() == self.length
    }
}

/// Whether it begins with a handshake record.
pub(super) fn is_handshake(datagram: &[u8]) -> bool {
    datagram.first() == Some(&HANDSHAKE)
}

/// The parts in a datagram's records up to the first that is protected or of another kind. One that cannot be read is none, and
/// the last.
pub(super) fn parts(datagram: &[u8]) -> impl Iterator<Item = Option<Part<'_>>> {
    let (mut rest, mut messages): (&[u8], &[u8]) = (datagram, &[]);
    std::iter::from_fn(move || {
        if messages.is_empty() {
            if !is_handshake(rest) {
                return None;
            }
            (messages, rest) = record(rest).unwrap_or_default();
        }
        let Some((part, next)) = part(messages) else {
            (rest, messages) = (&[], &[]);
            return Some(None);
        };
        messages = next;
        Some(Some(part))
    })
}

/// What a record holds, and what follows it; none if it is cut, protected or empty.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let head = bytes.first_chunk::<RECORD>()?;
    let (rest, length) = (&bytes[RECORD..], usize::from(u16::from_be_bytes([head[11], head[12]])));
    // The first byte of the version tells DTLS from all else, the epoch that there are no keys.
    if head[1] != 0xfe || head[3..5] != [0, 0] || length == 0 {
        return None;
    }
    rest.split_at_checked(length)
}

fn part(bytes: &[u8]) -> Option<(Part<'_>, &[u8])> {
    let head = bytes.first_chunk::<MESSAGE>()?;
    let number = |at: usize| usize::from(head[at]) << 16 | usize::from(head[at + 1]) << 8 | usize::from(head[at + 2]);
    let (length, offset) = (number(1), number(6));
    let (body, rest) = bytes[MESSAGE..].split_at_checked(number(9))?;
    let part = Part { kind: head[0], number: u16::from_be_bytes([head[4], head[5]]), length, offset, body };
    // An empty part of a message that is not empty says nothing.
    (offset + body.len() <= length && (length == 0 || !body.is_empty())).then_some((part, rest))
}
