//! Bytes, read as decisions.

/// What is left of an input. Where nothing is left, zeros come.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()])) % limit.max(1)
    }

    /// As many bytes as the next one says, if there are so many.
    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        self.0.split_off(..length).unwrap_or_default()
    }

    /// A datagram as the input wants it: as it was, with a byte changed, cut, or not at all.
    pub(super) fn disturb(&mut self, mut datagram: Vec<u8>) -> Option<Vec<u8>> {
        match self.byte() % 8 {
            0 => return None,
            1 => {
                let at = self.below(datagram.len());
                let mask = self.byte();
                if let Some(byte) = datagram.get_mut(at) {
                    *byte ^= mask;
                }
            }
            2 => datagram.truncate(self.below(datagram.len())),
            3 => datagram.extend(self.bytes()),
            _ => {}
        }
        Some(datagram)
    }
}
