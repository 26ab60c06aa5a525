//! The data channels of a connection, each a libp2p stream.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::super::framing;
use super::super::substream::{Read, Substream, Unwritable};
use super::config::{LINGER, MAX_CHANNELS, MAX_WAITING, UNREAD, UNSENT, WRITTEN};
use super::dcep;
use super::sctp::{Message, Ppi, Sctp};

/// The channel of the Noise handshake, which both sides take for open (libp2p specs, webrtc/webrtc-direct.md).
pub(super) const HANDSHAKE: u16 = 0;

/// The last id that a data channel may have (RFC 8832, section 6).
const LAST: u16 = 65_534;

#[derive(Debug, Default)]
struct Channel {
    stream: Substream,
    reader: Option<Waker>,
    writer: Option<Waker>,
    owner: Owner,
    /// Its stream of SCTP is gone. One with the same id is another channel, which waits until this one is let go.
    gone: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Opened by the other side, as far as SCTP tells: its OPEN is to come.
    #[default]
    Unopened,
    /// A stream of ours, or one that waits to be accepted.
    Held,
    /// Let go: it stays until both sides know that it is over.
    LetGo,
}

impl Channel {
    /// Wakes who waits. Whether anybody waits to read.
    fn wake(&mut self) -> bool {
        let reader = self.reader.take();
        let waits = reader.is_some();
        for waker in reader.into_iter().chain(self.writer.take()) {
            waker.wake();
        }
        waits
    }
}

/// All channels of a connection.
#[derive(Debug)]
pub(super) struct Channels {
    by_id: HashMap<u16, Channel>,
    waiting: VecDeque<u16>,
    acceptor: Option<Waker>,
    next: u16,
    lingering: VecDeque<(Instant, u16)>,
    /// Something came that nobody waits for, since this was last asked.
    news: bool,
}

impl Channels {
    /// The side that is the DTLS client has the even ids (RFC 8832, section 6).
    pub(super) fn new(client: bool) -> Self {
        Self {
            by_id: HashMap::new(),
            waiting: VecDeque::new(),
            acceptor: None,
            next: if client { 2 } else { 1 },
            lingering: VecDeque::new(),
            news: false,
        }
    }

    /// Takes the handshake's channel for open.
    pub(super) fn open_handshake(&mut self, sctp: &mut Sctp) {
        if sctp.open(HANDSHAKE) {
            self.by_id.entry(HANDSHAKE).or_default().owner = Owner::Held;
            self.readable(HANDSHAKE, sctp);
        }
    }

    /// Opens a channel. Its first message may follow at once.
    pub(super) fn open(&mut self, sctp: &mut Sctp) -> io::Result<u16> {
        if self.by_id.len() >= MAX_CHANNELS {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many streams"));
        }
        for _ in 0..=MAX_CHANNELS {
            let id = self.next;
            self.next = if id >= LAST - 1 { 2 + id % 2 } else { id + 2 };
            // An id that is still being closed cannot be opened.
            if !self.by_id.contains_key(&id) && sctp.open(id) {
                if !sctp.write(id, Ppi::Dcep, &dcep::OPEN) {
                    break;
                }
                self.by_id.insert(id, Channel { owner: Owner::Held, ..Channel::default() });
                return Ok(id);
            }
        }
        Err(io::Error::new(io::ErrorKind::NotConnected, "no data channel can be opened"))
    }

    /// Whether the other side has closed it.
    #[cfg(test)]
    pub(super) fn is_gone(&self, id: u16) -> bool {
        self.by_id.get(&id).is_none_or(|channel| channel.gone)
    }

    /// Has the next channel opened with this id, if it is free again.
    #[cfg(test)]
    pub(super) fn reuse(&mut self, id: u16, sctp: &mut Sctp) -> bool {
        self.next = id;
        !self.by_id.contains_key(&id) && !sctp.has(id) && sctp.open(id)
    }

    /// The next channel that the other side opened.
    pub(super) fn poll_accept(&mut self, waker: &Waker) -> Poll<u16> {
        if let Some(id) = self.waiting.pop_front() {
            return Poll::Ready(id);
        }
        self.acceptor = Some(waker.clone());
        Poll::Pending
    }

    /// The other side opened a stream of SCTP.
    pub(super) fn opened(&mut self, id: u16, sctp: &mut Sctp) {
        if self.by_id.contains_key(&id) {
            return;
        }
        if self.by_id.len() >= MAX_CHANNELS {
            self.make_room(sctp);
        }
        if self.by_id.len() >= MAX_CHANNELS || self.waiting.len() >= MAX_WAITING || !sctp.open(id) {
            sctp.close(id);
            return;
        }
        // That of the handshake is open without a word, and may be used before SCTP has told that it is up.
        let owner = if id == HANDSHAKE { Owner::Held } else { Owner::Unopened };
        self.by_id.insert(id, Channel { owner, ..Channel::default() });
    }

    /// Takes what there is to read, up to the bound of unread bytes: the rest stays in SCTP, whose window closes.
    pub(super) fn readable(&mut self, id: u16, sctp: &mut Sctp) {
        let Some(channel) = self.by_id.get_mut(&id).filter(|channel| !channel.gone) else { return };
        while channel.stream.unread() < UNREAD {
            match sctp.read(id) {
                None => break,
                Some(Message::Dcep(bytes)) => {
                    if dcep::parse(&bytes) == Some(dcep::Message::Open) && channel.owner == Owner::Unopened {
                        channel.owner = Owner::Held;
                        sctp.write(id, Ppi::Dcep, &dcep::ACK);
                        self.waiting.push_back(id);
                        self.acceptor.take().into_iter().for_each(Waker::wake);
                    }
                }
                Some(Message::Data(bytes)) => {
                    if channel.owner == Owner::Unopened || channel.stream.receive(&bytes).is_err() {
                        // Data before its OPEN, or frames that are none: of no use to anybody.
                        channel.stream.channel_closed();
                        sctp.close(id);
                        break;
                    }
                }
            }
        }
        self.news |= !channel.wake();
        self.settle(id, sctp);
    }

    /// There is room to write again.
    pub(super) fn writable(&mut self, id: u16) {
        if let Some(waker) = self.by_id.get_mut(&id).and_then(|channel| channel.writer.take()) {
            waker.wake();
        }
    }

    /// The other side closed the channel. SCTP has answered it with a reset of our direction: a second one would close what
    /// the other side opens next with the same id.
    pub(super) fn closed(&mut self, id: u16) {
        self.news = true;
        let Some(channel) = self.by_id.get_mut(&id) else { return };
        channel.gone = true;
        channel.stream.channel_closed();
        channel.wake();
        // One that waits to be accepted may hold a whole request: it stays.
        if channel.owner != Owner::Held {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: u16) {
        self.by_id.remove(&id);
        self.lingering.retain(|(_, lingering)| *lingering != id);
    }

    /// Every channel ends, with its connection.
    pub(super) fn close_all(&mut self) {
        for channel in self.by_id.values_mut() {
            channel.stream.channel_closed();
            channel.wake();
        }
        self.lingering.clear();
        self.acceptor.take().into_iter().for_each(Waker::wake);
    }

    pub(super) fn poll_read(&mut self, id: u16, sctp: &mut Sctp, buffer: &mut [u8], waker: &Waker) -> Poll<io::Result<usize>> {
        let Some(channel) = self.by_id.get_mut(&id) else { return Poll::Ready(Err(gone())) };
        match channel.stream.read(buffer) {
            Read::Bytes(count) => {
                // Below the bound again: SCTP may hold more, and tells nothing of what it told before.
                if channel.stream.unread() < UNREAD {
                    let news = self.news;
                    self.readable(id, sctp);
                    self.news = news;
                }
                Poll::Ready(Ok(count))
            }
            Read::End => Poll::Ready(Ok(0)),
            Read::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Read::Pending => {
                channel.reader = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn poll_write(&mut self, id: u16, sctp: &mut Sctp, data: &[u8], waker: &Waker) -> Poll<io::Result<usize>> {
        let Some(channel) = self.by_id.get_mut(&id) else { return Poll::Ready(Err(gone())) };
        if channel.stream.writable().is_ok() && sctp.unsent(id) >= UNSENT {
            channel.writer = Some(waker.clone());
            return Poll::Pending;
        }
        let written = channel.stream.write(&data[..data.len().min(WRITTEN)]).map_err(unwritable);
        Poll::Ready(written.and_then(|(message, count)| {
            let taken = framing::pieces(&message).all(|piece| sctp.write(id, Ppi::Binary, piece));
            taken.then_some(count).ok_or_else(gone)
        }))
    }

    /// Ends our half.
    pub(super) fn finish(&mut self, id: u16, sctp: &mut Sctp) {
        if let Some(channel) = self.by_id.get_mut(&id) {
            channel.stream.finish();
            self.settle(id, sctp);
        }
    }

    /// Its stream was dropped.
    pub(super) fn let_go(&mut self, id: u16, sctp: &mut Sctp, now: Instant) {
        let Some(channel) = self.by_id.get_mut(&id) else { return };
        if channel.gone {
            self.by_id.remove(&id);
            if sctp.has(id) {
                self.opened(id, sctp);
                self.readable(id, sctp);
            }
            return;
        }
        channel.owner = Owner::LetGo;
        channel.stream.abandon();
        self.lingering.push_back((now + LINGER, id));
        // What SCTP held back is read and dropped now, so that it does not close the window for all.
        self.readable(id, sctp);
    }

    /// The handshake is over. Its channel says no more, and what comes on it is dropped.
    pub(super) fn forget_handshake(&mut self) {
        if let Some(channel) = self.by_id.get_mut(&HANDSHAKE) {
            channel.owner = Owner::LetGo;
            channel.stream.finish();
            channel.stream.abandon();
            while channel.stream.next_message().is_some() {}
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.lingering.front().map(|(at, _)| *at)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, sctp: &mut Sctp) {
        while self.lingering.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, id)) = self.lingering.pop_front()
                && self.by_id.get(&id).is_some_and(|channel| channel.owner == Owner::LetGo)
            {
                self.by_id.remove(&id);
                sctp.close(id);
            }
        }
    }

    /// Whether everything written has arrived.
    pub(super) fn is_flushed(&self, sctp: &mut Sctp) -> bool {
        self.by_id.keys().all(|id| sctp.unsent(*id) == 0)
    }

    /// Whether something came that nobody waits for, since this was last asked.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Sends what a stream has to say, and closes a channel that is over.
    fn settle(&mut self, id: u16, sctp: &mut Sctp) {
        let Some(channel) = self.by_id.get_mut(&id) else { return };
        while let Some(message) = channel.stream.next_message() {
            sctp.write(id, Ppi::Binary, &message);
        }
        // Whoever opened a channel closes it: closed by both at once it would be reset twice (sctp-proto answers a reset
        // without regard to our own), and the second reset would hit what the other side opens next with the same id.
        if channel.owner == Owner::LetGo && channel.stream.is_over() && id % 2 == self.next % 2 && id != HANDSHAKE {
            self.remove(id);
            sctp.close(id);
        }
    }

    /// Closes the channels of the other side that are over and that it has left open.
    fn make_room(&mut self, sctp: &mut Sctp) {
        let left = |channel: &Channel| channel.owner == Owner::LetGo && channel.stream.is_over();
        let over: Vec<u16> =
            self.by_id.iter().filter(|(id, channel)| **id != HANDSHAKE && left(channel)).map(|(id, _)| *id).collect();
        for id in over {
            self.remove(id);
            sctp.close(id);
        }
    }
}

fn gone() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

fn unwritable(error: Unwritable) -> io::Error {
    let kind = match error {
        Unwritable::Closed => io::ErrorKind::WriteZero,
        Unwritable::Stopped => io::ErrorKind::BrokenPipe,
    };
    io::Error::new(kind, error)
}
