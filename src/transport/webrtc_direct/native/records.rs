//! The numbers of DTLS records that are sent before there are keys.

use std::ops::Range;

/// Where a record of DTLS 1.2 has its epoch, its number and its length (RFC 6347, section 4.1).
const EPOCH: Range<usize> = 3..5;
const NUMBER: Range<usize> = 5..11;
const LENGTH: Range<usize> = 11..13;
const HEADER: usize = 13;
/// Content types of such records: change cipher spec, alert, handshake.
const PLAIN: Range<u8> = 20..23;

/// Gives each record without keys a number of its own. dimpl 0.9 repeats its first `ClientHello` under the number it had, which
/// pion takes for a replay: an answer lost once would never be sent again.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    next: u64,
}

impl Numbering {
    /// Numbers the records of a datagram that leaves. Nothing vouches for a number yet.
    pub(super) fn renumber(&mut self, mut datagram: &mut [u8]) {
        while datagram.len() >= HEADER && PLAIN.contains(&datagram[0]) && datagram[EPOCH] == [0, 0] {
            let number = self.next.to_be_bytes();
            datagram[NUMBER].copy_from_slice(&number[2..]);
            self.next += 1;
            let length = HEADER + usize::from(u16::from_be_bytes([datagram[LENGTH.start], datagram[LENGTH.start + 1]]));
            let Some(rest) = datagram.get_mut(length..) else { return };
            datagram = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, number: u8, length: u8) -> Vec<u8> {
        let mut record = vec![kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, number, 0, length];
        record.resize(HEADER + usize::from(length), 7);
        record
    }

    #[test]
    fn no_number_is_used_twice() {
        let mut numbering = Numbering::default();
        let table = [
            (vec![record(22, 0, 0, 5)], vec![record(22, 0, 0, 5)]),
            (vec![record(22, 0, 0, 5)], vec![record(22, 0, 1, 5)]),
            (
                vec![record(22, 0, 1, 3), record(20, 0, 2, 1), record(22, 1, 0, 9)],
                vec![record(22, 0, 2, 3), record(20, 0, 3, 1), record(22, 1, 0, 9)],
            ),
            (vec![record(23, 1, 4, 2)], vec![record(23, 1, 4, 2)]),
        ];
        for (given, expected) in table {
            let mut datagram = given.concat();
            numbering.renumber(&mut datagram);
            assert_eq!(datagram, expected.concat());
        }
    }

    #[test]
    fn what_is_cut_is_left_alone() {
        let whole = record(22, 0, 9, 200);
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            Numbering::default().renumber(&mut cut);
            assert_eq!(cut.len(), length);
        }
    }
}
