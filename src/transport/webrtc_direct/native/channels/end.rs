//! How channels end.

use std::task::Waker;
use std::time::Instant;

use super::super::channel::{Channel, Owner};
use super::super::config::LINGER;
use super::super::sctp::{Ppi, Sctp};
use super::{Channels, HANDSHAKE};

impl Channels {
    /// The other side closed the channel. SCTP has answered it with a reset of our direction: a second one would close what
    /// the other side opens next with the same id.
    pub(in super::super) fn closed(&mut self, id: u16) {
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
    pub(in super::super) fn close_all(&mut self) {
        for channel in self.by_id.values_mut() {
            channel.stream.channel_closed();
            channel.wake();
        }
        self.lingering.clear();
        self.acceptor.take().into_iter().for_each(Waker::wake);
    }

    /// Ends our half.
    pub(in super::super) fn finish(&mut self, id: u16, sctp: &mut Sctp) {
        if let Some(channel) = self.by_id.get_mut(&id) {
            channel.stream.finish();
            self.settle(id, sctp);
        }
    }

    /// Its stream was dropped.
    pub(in super::super) fn let_go(&mut self, id: u16, sctp: &mut Sctp, now: Instant) {
        let Some(channel) = self.by_id.get_mut(&id) else { return };
        if channel.gone {
            return self.replace(id, sctp);
        }
        // That of the handshake is let go before its stream is dropped, and stays.
        if channel.owner == Owner::LetGo {
            return;
        }
        channel.owner = Owner::LetGo;
        channel.stream.abandon();
        self.lingering.push_back((now + LINGER, id));
        // What SCTP held back is read and dropped now, so that it does not close the window for all.
        self.read_on(id, sctp);
        self.settle(id, sctp);
    }

    /// Lets go of a channel that the other side has closed; the next one of its id, if there is one already, takes its place.
    fn replace(&mut self, id: u16, sctp: &mut Sctp) {
        self.by_id.remove(&id);
        if sctp.has(id) {
            self.opened(id, sctp);
            self.readable(id, sctp);
        }
        // What it held unread makes room for others.
        self.resume(sctp);
    }

    /// The handshake is over. Its channel says no more, and what comes on it is dropped.
    pub(in super::super) fn forget_handshake(&mut self) {
        self.shaken = true;
        if let Some(channel) = self.by_id.get_mut(&HANDSHAKE).filter(|channel| !channel.gone) {
            channel.owner = Owner::LetGo;
            channel.stream.finish();
            channel.stream.abandon();
            while channel.stream.next_message().is_some() {}
        }
    }

    pub(in super::super) fn poll_timeout(&self) -> Option<Instant> {
        self.lingering.front().map(|(at, _)| *at)
    }

    pub(in super::super) fn handle_timeout(&mut self, now: Instant, sctp: &mut Sctp) {
        while self.lingering.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, id)) = self.lingering.pop_front()
                && self.by_id.get(&id).is_some_and(|channel| channel.owner == Owner::LetGo)
            {
                self.by_id.remove(&id);
                sctp.close(id);
            }
        }
    }

    /// Sends what a stream has to say, and closes a channel that is over.
    pub(in super::super) fn settle(&mut self, id: u16, sctp: &mut Sctp) {
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
    pub(super) fn make_room(&mut self, sctp: &mut Sctp) {
        let left = |channel: &Channel| channel.owner == Owner::LetGo && channel.stream.is_over();
        let over: Vec<u16> =
            self.by_id.iter().filter(|(id, channel)| **id != HANDSHAKE && left(channel)).map(|(id, _)| *id).collect();
        for id in over {
            self.remove(id);
            sctp.close(id);
        }
    }
}
