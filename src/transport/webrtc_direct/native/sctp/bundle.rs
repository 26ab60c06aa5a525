//! Packets that leave at once, as few as hold their chunks (RFC 9260, section 6.10): `sctp-proto` makes one of each acknowledgement,
//! beside the data that it could go with. Each costs both sides a datagram of DTLS.

use bytes::Bytes;

use super::super::config::SCTP_PACKET;
use super::chunks::{CHECKSUM, sealed};
use super::packet::{Chunk, DATA, HEADER, SACK, chunks};

/// Of the common header what names the association: ports and tag.
const ASSOCIATION: usize = CHECKSUM.start;

/// The same in fewer packets. Acknowledgements and data alone are put together: some of the others have to be alone, and their
/// order counts.
pub(super) fn bundle(packets: impl IntoIterator<Item = Bytes>) -> Vec<Bytes> {
    let mut bundles: Vec<Bundle> = Vec::new();
    for packet in packets {
        let left = match bundles.last_mut() {
            Some(last) => last.take(packet),
            None => Some(packet),
        };
        bundles.extend(left.map(Bundle::new));
    }
    bundles.into_iter().map(Bundle::finish).collect()
}

struct Bundle {
    packets: Vec<Bytes>,
    length: usize,
    joins: bool,
}

impl Bundle {
    fn new(packet: Bytes) -> Self {
        Self { length: packet.len(), joins: joins(&packet), packets: vec![packet] }
    }

    /// Takes a packet in; gives it back where it does not fit.
    fn take(&mut self, packet: Bytes) -> Option<Bytes> {
        let longer = packet.len().saturating_sub(HEADER);
        let alike = self.packets.first().is_some_and(|first| first.get(..ASSOCIATION) == packet.get(..ASSOCIATION));
        if !self.joins || !alike || self.length + longer > SCTP_PACKET || !joins(&packet) {
            return Some(packet);
        }
        self.length += longer;
        self.packets.push(packet);
        None
    }

    /// One packet, acknowledgements first.
    fn finish(mut self) -> Bytes {
        let one = self.packets.pop().unwrap_or_default();
        if self.packets.is_empty() {
            return one;
        }
        self.packets.push(one);
        let (acknowledgements, data): (Vec<Chunk<'_>>, Vec<Chunk<'_>>) =
            self.packets.iter().flat_map(|packet| chunks(packet).flatten()).partition(|chunk| chunk.kind == SACK);
        let all: Vec<&[u8]> = acknowledgements.iter().chain(&data).map(|chunk| chunk.bytes).collect();
        sealed(&self.packets[0][..HEADER], &all)
    }
}

/// Whether a packet is of acknowledgements and data alone, all of them padded.
fn joins(packet: &[u8]) -> bool {
    let light = |kind| kind == SACK || kind == DATA;
    packet.len() > HEADER
        && packet.len().is_multiple_of(4)
        && chunks(packet).all(|chunk| chunk.is_some_and(|chunk| light(chunk.kind)))
}

#[cfg(test)]
mod tests {
    use super::super::packet::tests::{data, sack};
    use super::*;

    type Packets = Vec<Vec<u8>>;

    fn whole(packet: &[u8]) -> Bytes {
        sealed(&packet[..HEADER], &[&packet[HEADER..]])
    }

    fn long(tsn: u32) -> Vec<u8> {
        let mut packet = data(tsn);
        packet.resize(SCTP_PACKET - 16, 1);
        let length = u16::try_from(packet.len() - HEADER).expect("short");
        packet[HEADER + 2..HEADER + 4].copy_from_slice(&length.to_be_bytes());
        packet
    }

    fn of(kind: u8) -> Vec<u8> {
        [&[0; HEADER][..], &[kind, 0, 0, 4]].concat()
    }

    fn other(mut packet: Vec<u8>) -> Vec<u8> {
        packet[4] = 1;
        packet
    }

    fn joined(packets: &[Vec<u8>]) -> Vec<u8> {
        packets.iter().skip(1).fold(packets[0].clone(), |all, packet| [&all, &packet[HEADER..]].concat())
    }

    #[test]
    fn what_goes_together_leaves_together() {
        let (one, two) = (sack(0, 9), data(1));
        let table: [(Packets, Packets); 9] = [
            (vec![], vec![]),
            (vec![one.clone()], vec![one.clone()]),
            (vec![one.clone(), two.clone()], vec![joined(&[one.clone(), two.clone()])]),
            (vec![two.clone(), data(2), one.clone()], vec![joined(&[one.clone(), two.clone(), data(2)])]),
            (vec![one.clone(), long(1)], vec![joined(&[one.clone(), long(1)])]),
            (vec![two.clone(), long(2)], vec![two.clone(), long(2)]),
            (vec![long(1), one.clone(), two.clone()], vec![joined(&[one.clone(), long(1)]), two.clone()]),
            (vec![one.clone(), of(130), two.clone()], vec![one.clone(), of(130), two.clone()]),
            (vec![one.clone(), other(two.clone())], vec![one.clone(), other(two)]),
        ];
        for (given, expected) in table {
            let sealed = |packets: &[Vec<u8>]| packets.iter().map(|packet| whole(packet)).collect::<Vec<_>>();
            assert_eq!(bundle(sealed(&given)), sealed(&expected), "{given:?}");
        }
    }
}
