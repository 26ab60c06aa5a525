//! Telling STUN from QUIC on one port (RFC 9443): the first byte of STUN is 0 to 3, of QUIC 64 and above.

use std::net::{IpAddr, SocketAddr};

use quinn::udp::RecvMeta;

/// STUN datagrams that may wait to be read. A NAT test has a few under way; more than that is noise.
pub(super) const QUEUE: usize = 32;

/// Longest STUN message kept: what fits an Ethernet frame.
const MAX_LEN: usize = 1500;

/// A datagram of the STUN class, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StunDatagram {
    /// Who sent it.
    pub from: SocketAddr,
    /// The address of ours that it was sent to, where the system tells.
    pub to: Option<IpAddr>,
    /// Its bytes, unchecked, at most 1,500.
    pub bytes: Vec<u8>,
}

/// Removes the STUN-class datagrams from one received buffer, which holds one datagram or, coalesced by the kernel,
/// several of `meta.stride` bytes (the last may be shorter, so that removing any leaves a valid buffer).
pub(super) fn sift(buffer: &mut [u8], meta: &mut RecvMeta, mut take: impl FnMut(StunDatagram)) {
    let len = meta.len.min(buffer.len());
    let stride = meta.stride.max(1);
    let (mut kept, mut start) = (0, 0);
    while start < len {
        let end = len.min(start + stride);
        let datagram = &buffer[start..end];
        if datagram[0] > 3 {
            if kept < start {
                buffer.copy_within(start..end, kept);
            }
            kept += end - start;
        } else if datagram.len() <= MAX_LEN {
            take(StunDatagram { from: meta.addr, to: meta.dst_ip, bytes: datagram.to_vec() });
        }
        start = end;
    }
    meta.len = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sifted(buffer: &mut [u8], stride: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut meta = RecvMeta { len: buffer.len(), stride, ..RecvMeta::default() };
        let mut taken = Vec::new();
        sift(buffer, &mut meta, |datagram| taken.push(datagram.bytes));
        (buffer[..meta.len].to_vec(), taken)
    }

    #[test]
    fn quic_stays_as_it_is() {
        assert_eq!(sifted(&mut [0xc0, 0, 1, 2], 4), (vec![0xc0, 0, 1, 2], vec![]));
        assert_eq!(sifted(&mut [], 0), (vec![], vec![]));
    }

    #[test]
    fn stun_is_cut_out_of_a_coalesced_buffer() {
        let (left, taken) = sifted(&mut [0x40, 9, 1, 8, 0x41, 7, 0, 6, 0x42], 2);
        assert_eq!(left, [0x40, 9, 0x41, 7, 0x42]);
        assert_eq!(taken, [vec![1, 8], vec![0, 6]]);
    }

    #[test]
    fn a_buffer_of_stun_alone_leaves_nothing() {
        assert_eq!(sifted(&mut [0, 1, 2], 2), (vec![], vec![vec![0, 1], vec![2]]));
    }
}
