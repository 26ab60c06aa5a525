//! What can be read off a packet of SCTP (RFC 9260, section 3).

pub(super) const DATA: u8 = 0;
const INIT: u8 = 1;
pub(super) const SACK: u8 = 3;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;
/// The common header, before the first chunk.
pub(super) const HEADER: usize = 12;

/// Type, flags and length, before what a chunk holds.
const CHUNK: usize = 4;

/// A chunk with its padding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) kind: u8,
    pub(super) bytes: &'a [u8],
}

/// The chunks of a packet. One that cannot be read is none, and the last.
pub(super) fn chunks(packet: &[u8]) -> impl Iterator<Item = Option<Chunk<'_>>> {
    let mut rest = packet.get(HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let kind = *rest.first()?;
        let length = rest.get(2..CHUNK).map_or(0, |length| usize::from(u16::from_be_bytes([length[0], length[1]])));
        if length < CHUNK || length > rest.len() {
            rest = &[];
            return Some(None);
        }
        // The last one's padding may be missing.
        let (bytes, next) = rest.split_at(length.next_multiple_of(4).min(rest.len()));
        rest = next;
        Some(Some(Chunk { kind, bytes }))
    })
}

/// The numbers of its first and last DATA chunk.
pub(super) fn tsns(packet: &[u8]) -> Option<(u32, u32)> {
    let mut tsns = words(packet, DATA, 4);
    let first = tsns.next()?;
    Some((first, tsns.last().unwrap_or(first)))
}

/// The number up to which a SACK has all.
pub(super) fn acknowledged(packet: &[u8]) -> Option<u32> {
    words(packet, SACK, 4).next()
}

/// The receive window of a SACK.
pub(super) fn window(packet: &[u8]) -> Option<u32> {
    words(packet, SACK, 8).next()
}

/// How many gaps a SACK tells of.
pub(super) fn gaps(packet: &[u8]) -> Option<u32> {
    // The count of duplicates stands in the same word.
    words(packet, SACK, 12).next().map(|counts| counts >> 16)
}

/// Whether it asks for an association.
pub(super) fn asks(packet: &[u8]) -> bool {
    packet.get(HEADER) == Some(&INIT)
}

/// Whether it ends the handshake, for the side that it comes to.
pub(super) fn completes(packet: &[u8]) -> bool {
    matches!(packet.get(HEADER), Some(&COOKIE_ECHO | &COOKIE_ACK))
}

/// The word at a place of each chunk of a kind.
fn words(packet: &[u8], kind: u8, at: usize) -> impl Iterator<Item = u32> {
    let word = move |chunk: Chunk<'_>| chunk.bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    chunks(packet).flatten().filter(move |chunk| chunk.kind == kind).filter_map(word)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn data(tsn: u32) -> Vec<u8> {
        [&[0; HEADER][..], &[DATA, 3, 0, 20], &tsn.to_be_bytes(), &[0; 12]].concat()
    }

    pub(in super::super) fn sack(gaps: u16, window: u32) -> Vec<u8> {
        [&[0; HEADER][..], &[SACK, 0, 0, 16], &[0; 4], &window.to_be_bytes(), &gaps.to_be_bytes(), &[0; 2]].concat()
    }

    #[test]
    fn a_packet_is_read_as_what_it_is() {
        let both = [&sack(2, 77)[..], &data(9)[HEADER..], &data(10)[HEADER..]].concat();
        for (packet, tsns_, window_, gaps_) in [
            (data(9), Some((9, 9)), None, None),
            (sack(2, 77), None, Some(77), Some(2)),
            (both, Some((9, 10)), Some(77), Some(2)),
        ] {
            assert_eq!((tsns(&packet), window(&packet), gaps(&packet)), (tsns_, window_, gaps_), "{packet:?}");
        }
        for length in 0..20 {
            assert_eq!((tsns(&data(9)[..length]), window(&sack(2, 7)[..length])), (None, None), "{length}");
        }
    }
}
