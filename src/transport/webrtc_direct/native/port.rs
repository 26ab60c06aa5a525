//! A UDP socket that moves many datagrams at once, where the system can (GSO, GRO and `recvmmsg` of Linux, by `quinn-udp`).

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit, UdpSocketState};
use tokio::io::Interest;

use super::batch::Batch;
use super::config::DTLS_RECORD;

/// What the system keeps of datagrams that came before they are read: a whole window of SCTP, of which it counts each
/// datagram about twice. Systems give less where an administrator says so.
const RECEIVE_BUFFER: usize = 2 * 1024 * 1024;

/// Longest that the system puts together of one sender's datagrams.
const COALESCED: usize = 64 * 1024;

/// Datagrams that a socket for one remote moves one by one. Having the system put them together costs it a tenth of a
/// millisecond when it begins, and again when it ends: a dial that is over after fewer does not win it back.
const FEW: usize = 128;

/// A bound socket.
pub(super) struct Port {
    io: tokio::net::UdpSocket,
    /// Moves many datagrams at once; not there while there were few.
    many: OnceLock<UdpSocketState>,
    /// The only one to talk to, if there is one.
    remote: Option<SocketAddr>,
    /// Datagrams moved one by one.
    moved: AtomicUsize,
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
        let port = Self::new(socket, None)?;
        let _ = port.many.set(many(&port.io)?);
        Ok(port)
    }

    /// A socket for one remote, which is told of closed ports and the like.
    pub(super) fn connected(socket: UdpSocket, remote: SocketAddr) -> io::Result<Self> {
        socket.connect(remote)?;
        Self::new(socket, Some(remote))
    }

    fn new(socket: UdpSocket, remote: Option<SocketAddr>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let io = tokio::net::UdpSocket::from_std(socket)?;
        Ok(Self { io, many: OnceLock::new(), remote, moved: AtomicUsize::new(0) })
    }

    /// Counts a datagram that was moved by itself.
    fn count(&self) {
        if self.moved.fetch_add(1, Ordering::Relaxed) == FEW {
            // Where it cannot be, they go on one by one.
            let _ = many(&self.io).map(|many| self.many.set(many));
        }
    }

    pub(super) fn io(&self) -> &tokio::net::UdpSocket {
        &self.io
    }

    /// Datagrams of one batch that the system takes at once.
    pub(super) fn segments(&self) -> usize {
        self.many.get().map_or(1, UdpSocketState::max_gso_segments)
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
        match (self.many.get(), self.remote) {
            (None, Some(remote)) => self.try_receive_one(space, remote),
            (None, None) => Err(io::ErrorKind::NotConnected.into()),
            (Some(many), _) => {
                let (mut slices, metas) = space.for_many();
                self.io.try_io(Interest::READABLE, || many.recv((&self.io).into(), &mut slices, metas))
            }
        }
    }

    fn try_receive_one(&self, space: &mut Space, remote: SocketAddr) -> io::Result<usize> {
        let len = self.io.try_recv(space.for_one())?;
        self.count();
        if let Some(meta) = space.metas.first_mut() {
            *meta = RecvMeta { addr: remote, len, stride: len, ..RecvMeta::default() };
        }
        Ok(1)
    }

    /// Sends a batch, all of it or nothing.
    pub(super) fn try_send(&self, batch: &Batch, from: Option<IpAddr>) -> io::Result<()> {
        let segment_size = batch.segment();
        if self.remote.is_some() && segment_size.is_none() {
            // Some systems take no destination on a connected socket; they have no batches either.
            self.io.try_send(batch.bytes())?;
            self.count();
            return Ok(());
        }
        let sent =
            self.transmit(&Transmit { destination: batch.to(), ecn: None, contents: batch.bytes(), segment_size, src_ip: from });
        if sent.is_err() && segment_size.is_some() && self.segments() == 1 {
            // The network card does not cut datagrams, as was found out just now.
            return self.send_each(batch, from);
        }
        sent
    }

    /// Answers a datagram by one of its own, from the address that it was sent to.
    pub(super) fn try_answer(&self, contents: &[u8], Arrived { from, to, .. }: Arrived<'_>) -> io::Result<()> {
        self.transmit(&Transmit { destination: from, ecn: None, contents, segment_size: None, src_ip: to })
    }

    fn transmit(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let many = self.many.get().ok_or(io::ErrorKind::NotConnected)?;
        self.io.try_io(Interest::WRITABLE, || many.try_send((&self.io).into(), transmit))
    }

    fn send_each(&self, batch: &Batch, from: Option<IpAddr>) -> io::Result<()> {
        for contents in batch.datagrams() {
            self.transmit(&Transmit { destination: batch.to(), ecn: None, contents, segment_size: None, src_ip: from })?;
        }
        Ok(())
    }
}

/// What moves many datagrams of a socket at once.
fn many(io: &tokio::net::UdpSocket) -> io::Result<UdpSocketState> {
    let many = UdpSocketState::new(io.into())?;
    // With less than wished for, bursts lose more.
    let _ = many.set_recv_buffer_size(io.into(), RECEIVE_BUFFER);
    Ok(many)
}

/// Room for what one call to the system brings. Most dials are over before many datagrams come at once, so that it begins with
/// room for one.
pub(super) struct Space {
    bytes: Vec<u8>,
    metas: Box<[RecvMeta]>,
}

impl Space {
    /// For so many senders' datagrams at once.
    pub(super) fn new(senders: usize) -> Self {
        Self { bytes: Vec::new(), metas: vec![RecvMeta::default(); senders].into() }
    }

    /// A longer datagram than any of DTLS is cut.
    fn for_one(&mut self) -> &mut [u8] {
        self.grow(DTLS_RECORD);
        &mut self.bytes
    }

    fn for_many(&mut self) -> (Vec<IoSliceMut<'_>>, &mut [RecvMeta]) {
        self.grow(self.metas.len() * COALESCED);
        (self.bytes.chunks_exact_mut(COALESCED).map(IoSliceMut::new).collect(), &mut self.metas)
    }

    fn grow(&mut self, length: usize) {
        if self.bytes.len() < length {
            self.bytes.resize(length, 0);
        }
    }

    fn hand_out(&self, count: usize, mut each: impl FnMut(Arrived<'_>)) -> usize {
        let mut datagrams = 0;
        for (bytes, meta) in self.bytes.chunks(COALESCED).zip(&self.metas[..count]) {
            for bytes in bytes[..meta.len].chunks(meta.stride.max(1)) {
                each(Arrived { from: meta.addr, to: meta.dst_ip, bytes });
                datagrams += 1;
            }
        }
        datagrams
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Sends one datagram, and takes what comes at the other end.
    async fn carry(from: &Port, to: &Port, space: &mut Space, datagram: &[u8]) -> Vec<Vec<u8>> {
        let mut batch = Batch::new();
        let remote = to.io().local_addr().expect("an address");
        assert!(batch.push(remote, datagram, 1));
        from.io().writable().await.expect("room");
        from.try_send(&batch, None).expect("sent");
        let mut all = Vec::new();
        poll_fn(|cx| to.poll_receive(cx, space, |arrived| all.push(arrived.bytes.to_vec()))).await.expect("received");
        all
    }

    #[tokio::test]
    async fn one_by_one_or_many_at_once_all_arrive() {
        let [one, other] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a socket"));
        let (here, there) = (one.local_addr().expect("an address"), other.local_addr().expect("an address"));
        let one = Port::connected(one, there).expect("connected");
        let other = Port::connected(other, here).expect("connected");
        let mut space = Space::new(1);
        assert!(one.many.get().is_none(), "a dial may be over after a few");
        let long = vec![7; 2 * DTLS_RECORD];
        assert_eq!(carry(&one, &other, &mut space, &long).await, [&long[..DTLS_RECORD]], "no record of DTLS is as long");
        for number in 0..2 * FEW {
            let bytes = number.to_be_bytes();
            assert_eq!(carry(&one, &other, &mut space, &bytes).await, [bytes]);
            assert_eq!(carry(&other, &one, &mut space, &bytes).await, [bytes]);
        }
        assert_eq!(carry(&one, &other, &mut space, &long).await, [&long[..]]);
        assert!(one.many.get().is_some() && other.many.get().is_some(), "it pays by now");
    }
}
