//! What is read from the data channels of a connection and written to them, within bounds for each and for all.

use std::io;
use std::task::{Poll, Waker};

use super::super::framing;
use super::super::substream::Read;
use super::channel::Owner;
use super::channels::{Channels, HANDSHAKE, gone};
use super::config::{ALL_UNREAD, ALL_UNSENT, UNREAD, UNSENT, WRITTEN};
use super::dcep;
use super::sctp::{Message, Ppi, Sctp};

impl Channels {
    /// Takes what there is to read, up to the bounds of unread bytes: the rest stays in SCTP, whose window closes.
    pub(super) fn readable(&mut self, id: u16, sctp: &mut Sctp) {
        let others = self.unread() - self.by_id.get(&id).map_or(0, |channel| channel.stream.unread());
        let Some(channel) = self.by_id.get_mut(&id).filter(|channel| !channel.gone) else { return };
        while channel.stream.unread() < UNREAD {
            if others + channel.stream.unread() >= ALL_UNREAD {
                if !self.held_back.contains(&id) {
                    self.held_back.push_back(id);
                }
                break;
            }
            match sctp.read(id) {
                None => break,
                Some(Message::Dcep(bytes)) => match dcep::parse(&bytes) {
                    Some(dcep::Message::Ack) => {}
                    Some(dcep::Message::Open) if channel.owner == Owner::Unopened => {
                        channel.owner = Owner::Held;
                        sctp.write(id, Ppi::Dcep, &dcep::ACK);
                        self.waiting.push_back(id);
                        self.acceptor.take().into_iter().for_each(Waker::wake);
                    }
                    // Some open that of the handshake though both sides take it for open.
                    Some(dcep::Message::Open) if id == HANDSHAKE => {}
                    // RFC 8832, section 6: one that is in use already, or what cannot be read.
                    Some(dcep::Message::Open) | None => {
                        channel.stream.channel_closed();
                        sctp.close(id);
                        break;
                    }
                },
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

    /// Unread bytes of all streams.
    pub(super) fn unread(&self) -> usize {
        self.by_id.values().map(|channel| channel.stream.unread()).sum()
    }

    /// Something was read: SCTP may hold more, and tells nothing of what it told before.
    pub(super) fn read_on(&mut self, id: u16, sctp: &mut Sctp) {
        let news = self.news;
        if self.by_id.get(&id).is_some_and(|channel| channel.stream.unread() < UNREAD) {
            self.readable(id, sctp);
        }
        self.resume(sctp);
        self.news = news;
    }

    /// Goes on with what was held back, where there is room for it.
    pub(super) fn resume(&mut self, sctp: &mut Sctp) {
        if !self.held_back.is_empty() && self.unread() < ALL_UNREAD {
            for id in std::mem::take(&mut self.held_back) {
                self.readable(id, sctp);
            }
        }
    }

    /// There is room to write again.
    pub(super) fn writable(&mut self, id: u16) {
        if let Some(waker) = self.by_id.get_mut(&id).and_then(|channel| channel.writer.take()) {
            waker.wake();
        }
    }

    /// Whether all streams together have sent as much as may be under way.
    fn is_crowded(&mut self, sctp: &mut Sctp) -> bool {
        let crowded = self.unsent(sctp) >= ALL_UNSENT;
        self.crowded |= crowded;
        crowded
    }

    fn unsent(&self, sctp: &mut Sctp) -> usize {
        self.by_id.keys().map(|id| sctp.unsent(*id)).sum()
    }

    /// Lets everybody write again once half of what all had sent has arrived.
    pub(super) fn make_way(&mut self, sctp: &mut Sctp) {
        if self.crowded && self.unsent(sctp) <= ALL_UNSENT / 2 {
            self.crowded = false;
            for waker in self.by_id.values_mut().filter_map(|channel| channel.writer.take()) {
                waker.wake();
            }
        }
    }

    pub(super) fn poll_read(&mut self, id: u16, sctp: &mut Sctp, buffer: &mut [u8], waker: &Waker) -> Poll<io::Result<usize>> {
        let Some(channel) = self.by_id.get_mut(&id) else { return Poll::Ready(Err(gone())) };
        match channel.stream.read(buffer) {
            Read::Bytes(count) => {
                self.read_on(id, sctp);
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
        let Some(channel) = self.by_id.get(&id) else { return Poll::Ready(Err(gone())) };
        if channel.stream.writable().is_ok() && (sctp.unsent(id) >= UNSENT || self.is_crowded(sctp)) {
            if let Some(channel) = self.by_id.get_mut(&id) {
                channel.writer = Some(waker.clone());
            }
            return Poll::Pending;
        }
        let Some(channel) = self.by_id.get_mut(&id) else { return Poll::Ready(Err(gone())) };
        let written = channel.stream.write(&data[..data.len().min(WRITTEN)]).map_err(io::Error::from);
        Poll::Ready(written.and_then(|(message, count)| {
            let taken = framing::pieces(&message).all(|piece| sctp.write(id, Ppi::Binary, piece));
            taken.then_some(count).ok_or_else(gone)
        }))
    }
}
