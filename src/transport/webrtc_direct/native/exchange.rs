//! What a connection's layers give each other: ICE, DTLS, SCTP and its channels.

use std::collections::VecDeque;
use std::time::Instant;

use super::certificate::Shown;
use super::connection::{Event, Machine};
use super::error::Ended;
use super::sctp::{self, Sctp};
use super::{dtls, ice};

impl Machine {
    /// Carries everything as far as it goes now.
    pub(super) fn drive(&mut self, now: Instant) {
        self.now = now;
        if self.ended.is_some() {
            return;
        }
        while let Some(seen) = self.ice.poll() {
            match seen {
                // The other side may move as often as it likes, and nobody may ask.
                ice::Seen::Answered if self.events.contains(&Event::Answered) => {}
                ice::Seen::Answered => self.events.push_back(Event::Answered),
                ice::Seen::Lost => self.end(Ended::TimedOut),
            }
        }
        while let Some(datagram) = self.ice.poll_transmit() {
            self.outbox.push_back(datagram);
        }
        self.exchange();
        while self.has_packets() {
            self.send_packets();
        }
        if let Some(sctp) = &mut self.sctp {
            self.channels.make_way(sctp);
        }
    }

    /// Moves what is between DTLS and SCTP.
    pub(super) fn exchange(&mut self) {
        let all = self.take_packets();
        self.heard |= !all.is_empty();
        for seen in all {
            match seen {
                dtls::Seen::Certificate(der) => self.check(Shown::new(der)),
                dtls::Seen::Connected => self.secured(),
                dtls::Seen::Data(packet) => {
                    if self.sctp.as_mut().is_some_and(|sctp| sctp.handle(self.now, packet)) {
                        self.send_packets();
                    }
                }
                dtls::Seen::Closed => self.end(Ended::ByPeer),
            }
        }
        self.listen_to_sctp();
    }

    /// Has what DTLS made sent, and tells what it has seen.
    fn take_packets(&mut self) -> VecDeque<dtls::Seen> {
        let (mut packets, mut seen) = (Vec::new(), VecDeque::new());
        if let Some(dtls) = &mut self.dtls {
            dtls.poll(&mut packets, &mut seen);
        }
        self.outbox.extend(packets.into_iter().map(|packet| (self.remote, packet)));
        seen
    }

    fn check(&mut self, shown: Shown) {
        if !self.expected.is_empty() && !self.expected.contains(&shown.fingerprint) {
            self.end(Ended::Certificate(shown.clone()));
            // The other side takes the handshake for done, and would wait for us.
            self.say_goodbye();
        }
        self.shown = Some(shown);
    }

    fn say_goodbye(&mut self) {
        if let Some(dtls) = &mut self.dtls {
            dtls.close();
            self.take_packets();
        }
    }

    fn secured(&mut self) {
        self.flights.answered();
        if self.ended.is_some() {
            return;
        }
        self.events.push_back(Event::Dtls);
        let sctp = if self.client { Sctp::client(self.now) } else { Ok(Sctp::server(self.now)) };
        match sctp {
            Ok(sctp) => self.sctp = Some(sctp),
            Err(ended) => self.end(ended),
        }
    }

    pub(super) fn listen_to_sctp(&mut self) {
        while let Some(seen) = self.sctp.as_mut().and_then(Sctp::poll) {
            let Some(sctp) = &mut self.sctp else { return };
            match seen {
                sctp::Seen::Up => {
                    self.channels.open_handshake(sctp);
                    self.events.push_back(Event::Channel);
                }
                sctp::Seen::Lost => self.end(Ended::Association),
                sctp::Seen::Broken => {
                    self.end(Ended::Rules);
                    self.say_goodbye();
                }
                sctp::Seen::Opened(id) => self.channels.opened(id, sctp),
                sctp::Seen::Readable(id) => self.channels.readable(id, sctp),
                sctp::Seen::Writable(id) => self.channels.writable(id),
                sctp::Seen::Closed(id) => self.channels.closed(id),
            }
        }
    }

    /// Whether SCTP may have something to send.
    pub(super) fn has_packets(&self) -> bool {
        self.ended.is_none() && self.sctp.as_ref().is_some_and(Sctp::is_stirred)
    }

    /// Encrypts what SCTP has to send now.
    fn send_packets(&mut self) {
        let now = self.now;
        for packet in self.sctp.as_mut().map(|sctp| sctp.poll_transmit(now)).unwrap_or_default() {
            if let Some(Err(ended)) = self.dtls.as_mut().map(|dtls| dtls.send(&packet)) {
                self.end(ended);
                return;
            }
            // One by one: what DTLS holds ready is bounded.
            self.exchange();
        }
    }
}
