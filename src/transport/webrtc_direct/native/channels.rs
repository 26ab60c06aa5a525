//! The data channels of a connection: how they come and go.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::channel::{Channel, Owner};
use super::config::{LINGER, MAX_CHANNELS, MAX_WAITING};
use super::dcep;
use super::sctp::{Ppi, Sctp};

/// The channel of the Noise handshake, which both sides take for open (libp2p specs, webrtc/webrtc-direct.md).
pub(super) const HANDSHAKE: u16 = 0;

/// The last id that a data channel may have (RFC 8832, section 6).
const LAST: u16 = 65_534;

/// All channels of a connection.
#[derive(Debug)]
pub(super) struct Channels {
    pub(super) by_id: HashMap<u16, Channel>,
    pub(super) waiting: VecDeque<u16>,
    pub(super) acceptor: Option<Waker>,
    next: u16,
    lingering: VecDeque<(Instant, u16)>,
    /// Something came that nobody waits for, since this was last asked.
    pub(super) news: bool,
    /// Channels that have more in SCTP than all together may hold unread.
    pub(super) held_back: VecDeque<u16>,
    /// Somebody waits to write because all together have sent too much.
    pub(super) crowded: bool,
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
            held_back: VecDeque::new(),
            crowded: false,
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

    /// How many there are, and how many of them wait to be accepted.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn count(&self) -> (usize, usize) {
        (self.by_id.len(), self.waiting.len())
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
        self.read_on(id, sctp);
        self.settle(id, sctp);
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
    pub(super) fn settle(&mut self, id: u16, sctp: &mut Sctp) {
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

pub(super) fn gone() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}
