//! A UDP socket that moves many datagrams at once, where the system can (GSO, GRO and `recvmmsg` of Linux, by `quinn-udp`).

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit, UdpSocketState};
use tokio::io::Interest;

use super::batch::Batch;

/// What the system keeps of datagrams that came before they are read: a whole window of SCTP, of which it counts each
/// datagram about twice. Systems give less where an administrator says so.
const RECEIVE_BUFFER: usize = 2 * 1024 * 1024;

/// Longest that the system puts together of one sender's datagrams.
const COALESCED: usize = 64 * 1024;

/// A bound socket.
pub(super) struct Port {
    io: tokio::net::UdpSocket,
    state: UdpSocketState,
    connected: bool,
}

/// A datagram that came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrived<'a> {
    pub(super) from: SocketAddr,
    /// The address of ours that it was sent to, where the system tells.
    pub(super) to: Option<IpAddr>,
    pub(super) bytes: &'a [u8],
}

impl Port {
    /// A socket for many remotes.
    pub(super) fn open(socket: UdpSocket) -> io::Result<Self> {
        Self::new(socket, false)
    }

    /// A socket for one remote, which is told of closed ports and the like.
    pub(super) fn connected(socket: UdpSocket, remote: SocketAddr) -> io::Result<Self> {
        socket.connect(remote)?;
        Self::new(socket, true)
    }

    fn new(socket: UdpSocket, connected: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new((&socket).into())?;
        // With less than wished for, bursts lose more.
        let _ = state.set_recv_buffer_size((&socket).into(), RECEIVE_BUFFER);
        Ok(Self { io: tokio::net::UdpSocket::from_std(socket)?, state, connected })
    }

    pub(super) fn io(&self) -> &tokio::net::UdpSocket {
        &self.io
    }

    /// Datagrams of one batch that the system takes at once.
    pub(super) fn segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Hands what has come to `each`, as much as one call to the system tells. How many datagrams it was.
    pub(super) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        space: &mut Space,
        each: impl FnMut(Arrived<'_>),
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.io.poll_recv_ready(cx))?;
            match self.try_receive(space) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return Poll::Ready(received.map(|count| space.hand_out(count, each))),
            }
        }
    }

    fn try_receive(&self, space: &mut Space) -> io::Result<usize> {
        let mut slices: Vec<_> = space.bytes.chunks_exact_mut(COALESCED).map(IoSliceMut::new).collect();
        self.io.try_io(Interest::READABLE, || self.state.recv((&self.io).into(), &mut slices, &mut space.metas))
    }

    /// Sends a batch, all of it or nothing.
    pub(super) fn try_send(&self, batch: &Batch, from: Option<IpAddr>) -> io::Result<()> {
        let segment_size = batch.segment();
        if self.connected && segment_size.is_none() {
            // Some systems take no destination on a connected socket; they have no batches either.
            return self.io.try_send(batch.bytes()).map(|_| ());
        }
        let transmit = Transmit { destination: batch.to(), ecn: None, contents: batch.bytes(), segment_size, src_ip: from };
        let sent = self.io.try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), &transmit));
        if sent.is_err() && segment_size.is_some() && self.segments() == 1 {
            // The network card does not cut datagrams, as was found out just now.
            return self.send_each(batch, from);
        }
        sent
    }

    /// Answers a datagram by one of its own, from the address that it was sent to.
    pub(super) fn try_answer(&self, contents: &[u8], Arrived { from, to, .. }: Arrived<'_>) -> io::Result<()> {
        let transmit = Transmit { destination: from, ecn: None, contents, segment_size: None, src_ip: to };
        self.io.try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), &transmit))
    }

    fn send_each(&self, batch: &Batch, from: Option<IpAddr>) -> io::Result<()> {
        for contents in batch.datagrams() {
            let transmit = Transmit { destination: batch.to(), ecn: None, contents, segment_size: None, src_ip: from };
            self.io.try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), &transmit))?;
        }
        Ok(())
    }
}

/// Room for what one call to the system brings.
pub(super) struct Space {
    bytes: Box<[u8]>,
    metas: Box<[RecvMeta]>,
}

impl Space {
    /// For so many senders' datagrams at once.
    pub(super) fn new(senders: usize) -> Self {
        Self { bytes: vec![0; senders * COALESCED].into(), metas: vec![RecvMeta::default(); senders].into() }
    }

    fn hand_out(&self, count: usize, mut each: impl FnMut(Arrived<'_>)) -> usize {
        let mut datagrams = 0;
        for (bytes, meta) in self.bytes.chunks_exact(COALESCED).zip(&self.metas[..count]) {
            for bytes in bytes[..meta.len].chunks(meta.stride.max(1)) {
                each(Arrived { from: meta.addr, to: meta.dst_ip, bytes });
                datagrams += 1;
            }
        }
        datagrams
    }
}
