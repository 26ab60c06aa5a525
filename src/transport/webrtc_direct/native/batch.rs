//! Datagrams of one size to one address, which the system may take at once.

use std::net::{Ipv4Addr, SocketAddr};

/// Bytes of a batch: an IP packet with its headers has to be able to hold them.
const MAX_BYTES: usize = 60_000;

/// A batch. All its datagrams but the last are of one size, and the last is no longer.
#[derive(Debug)]
pub(super) struct Batch {
    to: SocketAddr,
    bytes: Vec<u8>,
    segment: usize,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { to: (Ipv4Addr::UNSPECIFIED, 0).into(), bytes: Vec::new(), segment: 0 }
    }

    /// Adds a datagram, unless there are `most` or it cannot be one of these. Whether it was added.
    pub(super) fn push(&mut self, to: SocketAddr, datagram: &[u8], most: usize) -> bool {
        if self.is_empty() {
            self.to = to;
            self.segment = datagram.len().max(1);
        } else if self.to != to
            || datagram.len() > self.segment
            || !self.bytes.len().is_multiple_of(self.segment)
            || self.bytes.len() / self.segment >= most
            || self.bytes.len() + datagram.len() > MAX_BYTES
        {
            return false;
        }
        self.bytes.extend_from_slice(datagram);
        true
    }

    /// Empties it, once it has been sent.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Gives its memory back: most connections are quiet most of the time.
    pub(super) fn release(&mut self) {
        self.bytes = Vec::new();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many datagrams it holds.
    pub(super) fn len(&self) -> usize {
        self.bytes.len().div_ceil(self.segment.max(1))
    }

    pub(super) fn to(&self) -> SocketAddr {
        self.to
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The size of its datagrams, if there are several.
    pub(super) fn segment(&self) -> Option<usize> {
        (self.bytes.len() > self.segment).then_some(self.segment)
    }

    /// Each of its datagrams.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(self.segment.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    #[test]
    fn it_ends_with_a_shorter_datagram_or_another_address() {
        let mut batch = Batch::new();
        assert!(batch.push(address(1), &[1; 100], 8));
        assert_eq!((batch.len(), batch.segment()), (1, None));
        assert!(!batch.push(address(1), &[2; 101], 8), "longer");
        assert!(!batch.push(address(2), &[2; 100], 8), "to another");
        assert!(batch.push(address(1), &[2; 100], 8));
        assert!(batch.push(address(1), &[3; 30], 8));
        assert!(!batch.push(address(1), &[4; 30], 8), "after a shorter one");
        assert_eq!((batch.len(), batch.segment(), batch.to()), (3, Some(100), address(1)));
        assert_eq!(
            batch.datagrams().map(|datagram| (datagram[0], datagram.len())).collect::<Vec<_>>(),
            [(1, 100), (2, 100), (3, 30)]
        );
        batch.clear();
        assert!(batch.push(address(2), &[4; 200], 8));
    }

    #[test]
    fn it_is_bounded_in_number_and_bytes() {
        let mut batch = Batch::new();
        assert_eq!((0..100).filter(|_| batch.push(address(1), &[0; 10], 4)).count(), 4);
        batch.clear();
        let added = (0..100).filter(|_| batch.push(address(1), &[0; 1232], 64)).count();
        assert_eq!(added, MAX_BYTES / 1232);
    }
}
