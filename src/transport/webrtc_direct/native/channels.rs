//! The data channels of a connection: how they come and go.

mod end;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::channel::{Channel, Owner};
use super::config::{MAX_CHANNELS, MAX_WAITING};
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
    /// The handshake is over: once its channel is closed its id is one like any other.
    pub(super) shaken: bool,
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
            shaken: false,
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
            self.make_room(sctp);
        }
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
        let owner = if id == HANDSHAKE && !self.shaken { Owner::Held } else { Owner::Unopened };
        self.by_id.insert(id, Channel { owner, ..Channel::default() });
    }

    /// Whether everything written has arrived.
    pub(super) fn is_flushed(&self, sctp: &mut Sctp) -> bool {
        self.by_id.keys().all(|id| sctp.unsent(*id) == 0)
    }

    /// Whether something came that nobody waits for, since this was last asked.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }
}

pub(super) fn gone() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}
