//! What `sctp-proto` is given of a packet. It ends the association over an ERROR, and drops a whole packet over a chunk that it
//! does not know, where RFC 9260 asks for neither (sections 3.3.10 and 3.2).

use bytes::Bytes;
use crc::{CRC_32_ISCSI, Crc};

use super::intake::{Fate, Intake};
use super::packet::{Chunk, DATA, HEADER, chunks};

/// Where a packet has its checksum.
pub(super) const CHECKSUM: std::ops::Range<usize> = 8..12;

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Passed over: an answer to a heartbeat, which we never send; an error, which is not fatal by itself; and what gives up on messages
/// (RFC 3758, RFC 8260), which a reliable channel never does.
const PASSED_OVER: &[u8] = &[5, 9, 192, 194];

/// The other chunks of RFC 9260, then that of RFC 6525.
const KNOWN: &[u8] = &[0, 1, 2, 3, 4, 6, 7, 8, 10, 11, 14, 130];

/// Of a chunk that is not known: whether what follows it in the packet counts (RFC 9260, section 3.2).
const GOES_ON: u8 = 0x80;

/// The peer broke the rules of SCTP.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// A packet without the chunks that are to be passed over; none if nothing is left of it. One that cannot be read is left as
/// it is.
pub(super) fn sift(packet: Bytes, intake: &mut Intake) -> Result<Option<Bytes>, Broken> {
    let Some(all) = chunks(&packet).collect::<Option<Vec<_>>>() else { return Ok(Some(packet)) };
    let count = all.len();
    let goes_on = |chunk: &Chunk<'_>| [KNOWN, PASSED_OVER].concat().contains(&chunk.kind) || chunk.kind & GOES_ON != 0;
    let mut taken = Vec::with_capacity(count);
    for chunk in all.into_iter().take_while(goes_on).filter(|chunk| KNOWN.contains(&chunk.kind)) {
        match intake.judge(chunk) {
            Fate::Taken => taken.push(chunk.bytes),
            Fate::Lost => {}
            Fate::Broken => return Err(Broken),
        }
    }
    if taken.len() == count {
        return Ok(Some(packet));
    }
    // What is put together gets a sum that is right, so that of the whole packet has to be.
    if taken.is_empty() || checksum(&packet)[..] != packet[CHECKSUM] {
        return Ok(None);
    }
    Ok(Some(sealed(&packet[..HEADER], &taken)))
}

/// A packet with its DATA chunks alone.
pub(super) fn data(packet: &[u8]) -> Bytes {
    let data: Vec<_> = chunks(packet).flatten().filter(|chunk| chunk.kind == DATA).map(|chunk| chunk.bytes).collect();
    sealed(packet.get(..HEADER).unwrap_or_default(), &data)
}

/// A packet of these chunks, with its sum.
pub(super) fn sealed(header: &[u8], chunks: &[&[u8]]) -> Bytes {
    let mut packet = [header, &chunks.concat()].concat();
    let sum = checksum(&packet);
    if let Some(place) = packet.get_mut(CHECKSUM) {
        place.copy_from_slice(&sum);
    }
    packet.into()
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
            assert_eq!(sift(of(given), &mut Intake::default()), Ok(expected), "{given:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_believed_is_not_made_better() {
        let whole = packet(&[chunk(9, 12), chunk(0, 20)]);
        for length in [0, HEADER, HEADER + 3, HEADER + 11, whole.len() - 1] {
            let cut = whole.slice(..length);
            assert_eq!(sift(cut.clone(), &mut Intake::default()), Ok(Some(cut)), "{length}");
        }
        let mut changed = whole.to_vec();
        changed[HEADER + 12 + 5] ^= 1;
        assert_eq!(sift(changed.into(), &mut Intake::default()), Ok(None));
        let endless = packet(&[vec![0, 0, 0, 0]]);
        assert_eq!(sift(endless.clone(), &mut Intake::default()), Ok(Some(endless)));
    }
}
