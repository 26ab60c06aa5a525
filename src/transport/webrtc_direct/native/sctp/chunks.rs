//! What `sctp-proto` is given of a packet. It ends the association over an ERROR, and drops a whole packet over a chunk that it
//! does not know, where RFC 9260 asks for neither (sections 3.3.10 and 3.2).

use bytes::Bytes;
use crc::{CRC_32_ISCSI, Crc};

use super::packet::{Chunk, HEADER, chunks};

/// Where a packet has its checksum.
pub(super) const CHECKSUM: std::ops::Range<usize> = 8..12;

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// An answer to a heartbeat, which we never send, and an error, which is not fatal by itself.
const PASSED_OVER: &[u8] = &[5, 9];

/// The other chunks of RFC 9260, then those of RFC 6525 (130), RFC 3758 (192) and RFC 8260 (194).
const KNOWN: &[u8] = &[0, 1, 2, 3, 4, 6, 7, 8, 10, 11, 14, 130, 192, 194];

/// Of a chunk that is not known: whether what follows it in the packet counts (RFC 9260, section 3.2).
const GOES_ON: u8 = 0x80;

/// A packet without the chunks that are to be passed over; none if nothing is left of it. One that cannot be read is left as
/// it is.
pub(super) fn sift(packet: Bytes) -> Option<Bytes> {
    if chunks(&packet).all(|chunk| chunk.is_none_or(|chunk| KNOWN.contains(&chunk.kind))) {
        return Some(packet);
    }
    let Some(all) = chunks(&packet).collect::<Option<Vec<_>>>() else { return Some(packet) };
    let mut sifted = packet[..HEADER].to_vec();
    let goes_on = |chunk: &&Chunk<'_>| [KNOWN, PASSED_OVER].concat().contains(&chunk.kind) || chunk.kind & GOES_ON != 0;
    for chunk in all.iter().take_while(goes_on).filter(|chunk| KNOWN.contains(&chunk.kind)) {
        sifted.extend_from_slice(chunk.bytes);
    }
    // What is put together gets a sum that is right, so that of the whole packet has to be.
    if sifted.len() == HEADER || checksum(&packet)[..] != packet[CHECKSUM] {
        return None;
    }
    let sum = checksum(&sifted);
    sifted[CHECKSUM].copy_from_slice(&sum);
    Some(sifted.into())
}

/// CRC-32c of a packet whose own checksum counts as zero (RFC 9260, appendix A).
pub(in super::super) fn checksum(packet: &[u8]) -> [u8; 4] {
    let mut digest = CRC.digest();
    digest.update(packet.get(..CHECKSUM.start).unwrap_or_default());
    digest.update(&[0; CHECKSUM.end - CHECKSUM.start]);
    digest.update(packet.get(CHECKSUM.end..).unwrap_or_default());
    digest.finalize().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Chunks<'a> = &'a [&'a Vec<u8>];

    fn chunk(kind: u8, length: u8) -> Vec<u8> {
        let mut chunk = vec![kind, 0, 0, length];
        chunk.resize(usize::from(length).next_multiple_of(4), 7);
        chunk
    }

    fn packet(chunks: &[Vec<u8>]) -> Bytes {
        let mut packet = [&[3; HEADER][..], &chunks.concat()].concat();
        let sum = checksum(&packet);
        packet[CHECKSUM].copy_from_slice(&sum);
        packet.into()
    }

    #[test]
    fn what_is_passed_over_takes_nothing_with_it() {
        let (data, sack, error, beat) = (chunk(0, 17), chunk(3, 16), chunk(9, 12), chunk(5, 8));
        // By the first two bits of their type: the end, the end and a report, passed over, passed over and reported.
        let unknown = [63, 127, 191, 255].map(|kind| chunk(kind, 9));
        let table: [(Chunks<'_>, Chunks<'_>); 10] = [
            (&[&data, &sack], &[&data, &sack]),
            (&[&error], &[]),
            (&[&error, &data], &[&data]),
            (&[&data, &error, &beat, &sack], &[&data, &sack]),
            (&[&data, &unknown[0], &sack], &[&data]),
            (&[&data, &unknown[1], &sack], &[&data]),
            (&[&data, &unknown[2], &sack], &[&data, &sack]),
            (&[&data, &unknown[3], &sack], &[&data, &sack]),
            (&[&unknown[0], &sack], &[]),
            (&[&unknown[3]], &[]),
        ];
        for (given, expected) in table {
            let of = |chunks: Chunks<'_>| packet(&chunks.iter().copied().cloned().collect::<Vec<_>>());
            let expected = (!expected.is_empty()).then(|| of(expected));
            assert_eq!(sift(of(given)), expected, "{given:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_believed_is_not_made_better() {
        let whole = packet(&[chunk(9, 12), chunk(0, 20)]);
        for length in [0, HEADER, HEADER + 3, HEADER + 11, whole.len() - 1] {
            let cut = whole.slice(..length);
            assert_eq!(sift(cut.clone()), Some(cut), "{length}");
        }
        let mut changed = whole.to_vec();
        changed[HEADER + 12 + 5] ^= 1;
        assert_eq!(sift(changed.into()), None);
        let endless = packet(&[vec![0, 0, 0, 0]]);
        assert_eq!(sift(endless.clone()), Some(endless));
    }
}
