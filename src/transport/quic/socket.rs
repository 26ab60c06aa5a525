//! The UDP socket under quinn: the caller's own, connected for a dial, shared with STUN for a listener.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit, UdpSocketState};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::io::Interest;
use tokio::sync::{Notify, mpsc};

use super::fault;
use super::progress::Progress;
use super::stun::{self, StunDatagram};
use super::unproven::Unproven;
use super::writable::Writable;

/// Errors read from the socket in one turn before others get theirs: ICMP may come in bursts.
const MAX_ERRORS_PER_TURN: usize = 32;

/// Whether the socket talks to one address, and so hears of its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Connected,
    Open,
}

/// The bound socket with what quinn does not tell.
#[derive(Debug)]
pub(super) struct Socket {
    io: tokio::net::UdpSocket,
    state: UdpSocketState,
    mode: Mode,
    progress: Progress,
    /// The first error of the network since it was last asked for.
    fault: Mutex<Option<io::Error>>,
    faulted: Notify,
    /// Woken after every datagram sent.
    sent: Notify,
    stun: OnceLock<mpsc::Sender<StunDatagram>>,
    /// Dialers who have not proved their address.
    pub(super) unproven: Arc<Unproven>,
}

impl Socket {
    /// For a dial: connected, so that the kernel hands us the ICMP errors of this remote alone.
    pub(super) fn connected(socket: UdpSocket, remote: SocketAddr, progress: Progress) -> io::Result<Arc<Self>> {
        socket.connect(remote)?;
        Self::new(socket, Mode::Connected, progress)
    }

    /// For a listener.
    pub(super) fn open(socket: UdpSocket) -> io::Result<Arc<Self>> {
        Self::new(socket, Mode::Open, Progress::default())
    }

    fn new(socket: UdpSocket, mode: Mode, progress: Progress) -> io::Result<Arc<Self>> {
        if let Err(error) = tokio::runtime::Handle::try_current() {
            return Err(io::Error::other(error));
        }
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new((&socket).into())?;
        let io = tokio::net::UdpSocket::from_std(socket)?;
        Ok(Arc::new(Self {
            io,
            state,
            mode,
            progress,
            fault: Mutex::default(),
            faulted: Notify::new(),
            sent: Notify::new(),
            stun: OnceLock::new(),
            unproven: Arc::default(),
        }))
    }

    /// Waits for room to send.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.io.writable().await
    }

    /// Sends one datagram beside quinn's, from the address that it is to come from, where there are several.
    pub(super) async fn send(&self, contents: &[u8], destination: SocketAddr, src_ip: Option<IpAddr>) -> io::Result<()> {
        let transmit = Transmit { destination, ecn: None, contents, segment_size: None, src_ip };
        loop {
            self.io.writable().await?;
            match self.io.try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), &transmit)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return sent,
            }
        }
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Waits for an error that the network reports, here or to whoever sends and receives.
    ///
    /// An ICMP error makes a socket neither readable nor writable: without a look at the error itself it would be found
    /// by the first retransmission only.
    pub(super) async fn fault(&self) -> io::Error {
        loop {
            if let Some(error) = self.take_fault() {
                return error;
            }
            tokio::select! {
                () = self.faulted.notified() => {}
                error = self.pending_error() => return fault::received(error),
            }
        }
    }

    async fn pending_error(&self) -> io::Error {
        loop {
            if let Err(error) = self.io.ready(Interest::ERROR).await {
                return error;
            }
            let pending = self.io.try_io(Interest::ERROR, || {
                self.io.take_error()?.filter(|e| !fault::is_too_long(e)).ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            match pending {
                Ok(error) => return error,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return e,
            }
        }
    }

    /// The error not asked for yet, if there is one.
    pub(super) fn take_fault(&self) -> Option<io::Error> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Woken by every datagram sent after it was first polled or enabled.
    pub(super) fn sending(&self) -> tokio::sync::futures::Notified<'_> {
        self.sent.notified()
    }

    /// The STUN-class datagrams from now on; whatever finds the queue full is dropped. None when already taken.
    pub(super) fn take_stun(&self) -> Option<mpsc::Receiver<StunDatagram>> {
        let (sender, receiver) = mpsc::channel(stun::QUEUE);
        self.stun.set(sender).ok().map(|()| receiver)
    }

    fn note_fault(&self, error: io::Error) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.faulted.notify_one();
    }

    fn sift(&self, buffers: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta]) {
        for (buffer, meta) in buffers.iter_mut().zip(metas) {
            let datagrams = meta.len.div_ceil(meta.stride.max(1)).max(1);
            self.progress.count_received(datagrams);
            self.unproven.came(meta.addr, meta.len);
            self.progress.note_first(&buffer[..meta.len.min(meta.stride)]);
            stun::sift(buffer, meta, |datagram| {
                if let Some(queue) = self.stun.get() {
                    // A full queue drops it: STUN is repeated by its sender.
                    let _ = queue.try_send(datagram);
                }
            });
        }
    }

    /// quinn-udp names the destination and swallows errors, and macOS refuses a destination on a connected socket: so
    /// plain `send`, one datagram at a time. To quinn a datagram that was not sent is a lost one: an error would end
    /// the connection without its reason.
    fn send_connected(&self, datagram: &[u8]) -> io::Result<()> {
        self.progress.note_asked(datagram);
        match self.io.try_send(datagram) {
            Ok(_) => self.progress.count_sent(1),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(e),
            Err(e) if fault::is_too_long(&e) => {}
            Err(e) => self.note_fault(e),
        }
        Ok(())
    }

    /// What may not be sent is lost on the way, as far as quinn knows.
    fn send_to(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if !self.unproven.may_send(transmit.destination, transmit.contents.len()) {
            return Ok(());
        }
        self.io.try_io(Interest::WRITABLE, || self.state.send((&self.io).into(), transmit))?;
        self.progress.count_sent(1);
        Ok(())
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable::new(self))
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        match self.mode {
            Mode::Connected => self.send_connected(transmit.contents)?,
            Mode::Open => self.send_to(transmit)?,
        }
        self.sent.notify_waiters();
        Ok(())
    }

    fn poll_recv(&self, cx: &mut Context<'_>, buffers: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta]) -> Poll<io::Result<usize>> {
        for _ in 0..MAX_ERRORS_PER_TURN {
            ready!(self.io.poll_recv_ready(cx))?;
            let received = self.io.try_io(Interest::READABLE, || self.state.recv((&self.io).into(), buffers, metas));
            match received {
                Ok(count) => {
                    self.sift(buffers, &mut metas[..count]);
                    return Poll::Ready(Ok(count));
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock || fault::is_too_long(&e) => {}
                Err(e) if fault::is_from_network(&e) => self.note_fault(fault::received(e)),
                Err(e) => {
                    let kind = e.kind();
                    self.note_fault(e);
                    return Poll::Ready(Err(kind.into()));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        match self.mode {
            Mode::Connected => 1,
            Mode::Open => self.state.max_gso_segments(),
        }
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }
}

/// A socket for both families sees IPv4 dialers as `::ffff:…`, which is not how anyone writes their address.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}
