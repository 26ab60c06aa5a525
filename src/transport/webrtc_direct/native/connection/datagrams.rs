//! Datagrams and the time, in and out.

use std::net::SocketAddr;
use std::time::Instant;

use super::{Dtls, Event, Machine, Sctp};
use crate::transport::webrtc_direct::native::{config::BLOCKED, dtls, stun};

impl Machine {
    /// Takes a datagram and does what it calls for.
    #[cfg(any(test, feature = "fuzz"))]
    pub(in super::super) fn handle(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        self.take(now, from, bytes);
        self.drive(now);
    }

    /// Takes a datagram. After one or several [`Machine::drive`] has to follow.
    pub(in super::super) fn take(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if self.ended.is_some() {
            return;
        }
        self.now = now;
        if let Some(credits) = &mut self.credits {
            credits.earn(from, bytes.len());
        }
        if stun::is_stun(bytes) {
            self.ice.handle(now, from, bytes);
        } else if let Some(dtls) = self.dtls.as_mut().filter(|_| dtls::is_dtls(bytes)) {
            if let Err(ended) = dtls.handle(now, bytes) {
                self.end(ended);
            }
            if self.dtls.as_ref().is_some_and(Dtls::has_begun) && !std::mem::replace(&mut self.greeted, true) {
                self.events.push_back(Event::Hello);
            }
            // Before there are keys any datagram may be of the other side: what it calls for goes back to where it came from.
            self.heard = self.sctp.is_none();
            if self.heard {
                self.remote = from;
            }
            self.exchange();
            if self.heard {
                // A dialer checks from all its addresses, but sends on the one that it has chosen, or has been moved to. Who
                // holds the keys may write any source: until that is proved no more is sent there than came.
                self.remote = from;
            }
        }
    }

    /// Does what the time asks for.
    pub(in super::super) fn handle_timeout(&mut self, now: Instant) {
        self.ice.handle_timeout(now);
        if let Some(Err(ended)) = self.dtls.as_mut().map(|dtls| dtls.handle_timeout(now)) {
            self.end(ended);
        }
        if let Some(sctp) = &mut self.sctp {
            sctp.handle_timeout(now);
            self.channels.handle_timeout(now, sctp);
        }
        self.drive(now);
    }

    /// When [`Machine::handle_timeout`] is to be called.
    pub(in super::super) fn poll_timeout(&mut self) -> Option<Instant> {
        if self.ended.is_some() {
            return None;
        }
        let dtls = self.dtls.as_ref().and_then(Dtls::poll_timeout);
        let sctp = self.sctp.as_ref().and_then(Sctp::poll_timeout);
        [self.ice.poll_timeout(), dtls, sctp, self.channels.poll_timeout()].into_iter().flatten().min()
    }

    /// The next datagram to send.
    pub(in super::super) fn poll_transmit(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        if self.outbox.is_empty() {
            self.drive(now);
        }
        let mut next = self.may_leave();
        // What may not leave keeps nothing else back.
        if next.is_none() && self.has_packets() {
            self.drive(now);
            next = self.may_leave();
        }
        if next.is_none() {
            // None of them may leave now; the oldest ones have been repeated, or will be.
            self.outbox.drain(..self.outbox.len().saturating_sub(BLOCKED));
        }
        let (to, bytes) = self.outbox.remove(next?)?;
        if dtls::is_dtls(&bytes) {
            self.flights.left(to);
        }
        Some((to, bytes))
    }

    /// The place of the first datagram for which there is credit, which it has spent then.
    fn may_leave(&mut self) -> Option<usize> {
        let Self { outbox, credits, ice, flights, .. } = self;
        outbox.iter().position(|(to, bytes)| {
            let Some(credits) = credits else { return true };
            flights.prove(*to) || ice.is_validated(*to) || credits.spend(*to, bytes.len())
        })
    }
}
