//! When SCTP should acknowledge at once although more has come, read off its packets.

use super::packet;

/// Looks at packets both ways. Acknowledging once for what came in one turn spares the other side work; but while something
/// is missing each acknowledgement counts, as the third report of it has it sent again (RFC 9260, section 7.2.4).
#[derive(Debug, Default)]
pub(super) struct Acknowledging {
    last: Option<u32>,
    missing: bool,
}

impl Acknowledging {
    /// A packet that came.
    pub(super) fn received(&mut self, packet: &[u8]) {
        let Some((first, last)) = packet::tsns(packet) else { return };
        self.missing |= self.last.is_some_and(|before| first != before.wrapping_add(1));
        self.last = Some(last);
    }

    /// A packet that leaves.
    pub(super) fn sent(&mut self, packet: &[u8]) {
        if let Some(gaps) = packet::gaps(packet) {
            self.missing = gaps > 0;
        }
    }

    /// Whether to acknowledge before looking at what else came.
    pub(super) fn is_urgent(&self) -> bool {
        self.missing
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::tests::{data, sack};
    use super::*;

    #[test]
    fn a_gap_is_urgent_until_it_is_closed() {
        let mut acknowledging = Acknowledging::default();
        let mut urgent = |packets: &[Vec<u8>]| {
            for packet in packets {
                acknowledging.received(packet);
                acknowledging.sent(packet);
            }
            acknowledging.is_urgent()
        };
        assert!(!urgent(&[data(u32::MAX), data(0), data(1)]), "in order, past the end of the numbers");
        assert!(urgent(&[data(3)]), "2 is missing");
        assert!(urgent(&[sack(1, 9), data(4)]));
        assert!(!urgent(&[data(2), sack(0, 9)]), "it came");
        assert!(!urgent(&[Vec::new(), vec![0; 12], vec![0; 15], sack(0, 9)]), "cut");
    }
}
