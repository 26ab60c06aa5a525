//! What can be read off a packet of SCTP (RFC 9260, section 3) by its first chunk.

const DATA: u8 = 0;
const INIT: u8 = 1;
const SACK: u8 = 3;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;
/// The common header, before the first chunk.
pub(super) const HEADER: usize = 12;

/// The number of its first DATA chunk.
pub(super) fn tsn(packet: &[u8]) -> Option<u32> {
    word(packet, DATA, 4)
}

/// The receive window of a SACK.
pub(super) fn window(packet: &[u8]) -> Option<u32> {
    word(packet, SACK, 8)
}

/// How many gaps a SACK tells of.
pub(super) fn gaps(packet: &[u8]) -> Option<u32> {
    // The count of duplicates stands in the same word.
    word(packet, SACK, 12).map(|counts| counts >> 16)
}

/// Whether it asks for an association.
pub(super) fn asks(packet: &[u8]) -> bool {
    packet.get(HEADER) == Some(&INIT)
}

/// Whether it ends the handshake, for the side that it comes to.
pub(super) fn completes(packet: &[u8]) -> bool {
    matches!(packet.get(HEADER), Some(&COOKIE_ECHO | &COOKIE_ACK))
}

fn word(packet: &[u8], kind: u8, at: usize) -> Option<u32> {
    let at = HEADER + at;
    let word = packet.get(at..at + 4).filter(|_| packet.get(HEADER) == Some(&kind))?;
    Some(u32::from_be_bytes(word.try_into().ok()?))
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
        assert_eq!((tsn(&data(9)), window(&data(9)), gaps(&data(9))), (Some(9), None, None));
        assert_eq!((tsn(&sack(2, 77)), window(&sack(2, 77)), gaps(&sack(2, 77))), (None, Some(77), Some(2)));
        for length in 0..20 {
            assert_eq!((tsn(&data(9)[..length]), window(&sack(2, 7)[..length])), (None, None), "{length}");
        }
    }
}
