//! A connection as a state machine: datagrams and the time go in; datagrams, events and the next deadline come out.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::super::certhash::Fingerprint;
use super::certificate::{Certificate, Shown};
use super::channels::Channels;
use super::config::BLOCKED;
use super::credentials::Credentials;
use super::credit::Credits;
use super::dtls::Dtls;
use super::error::Ended;
use super::ice::Ice;
use super::sctp::Sctp;
use super::stun;

/// What a connection has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The other side answered a check.
    Answered,
    /// The other side began the DTLS handshake.
    Hello,
    /// DTLS stands, and the other side's certificate is the one expected.
    Dtls,
    /// The channel of the Noise handshake is open.
    Channel,
}

/// The state of a connection.
pub(super) struct Machine {
    pub(super) client: bool,
    pub(super) ice: Ice,
    pub(super) dtls: Option<Dtls>,
    pub(super) sctp: Option<Sctp>,
    pub(super) channels: Channels,
    pub(super) outbox: VecDeque<(SocketAddr, Vec<u8>)>,
    pub(super) remote: SocketAddr,
    /// What may be sent to addresses that are not validated; none where all of them are ours to choose.
    credits: Option<Credits>,
    /// Where the DTLS handshake was finished from: that takes packets both ways.
    pub(super) proven: Option<SocketAddr>,
    pub(super) certificate: Certificate,
    /// The certificates that the other side may have; none means any.
    pub(super) expected: Vec<Fingerprint>,
    pub(super) shown: Option<Shown>,
    pub(super) events: VecDeque<Event>,
    pub(super) ended: Option<Ended>,
    /// Whether DTLS has sent us anything.
    greeted: bool,
    /// Whether the datagram that is handled came from the other side, as far as can be known: before there are keys, any may.
    pub(super) heard: bool,
    pub(super) now: Instant,
}

impl Machine {
    /// The dialer's end. DTLS waits for [`Machine::proceed`].
    pub(super) fn dial(
        credentials: &Credentials,
        remote: SocketAddr,
        certificate: Certificate,
        expected: Vec<Fingerprint>,
        now: Instant,
    ) -> Self {
        let mut machine = Self::new(true, Ice::dial(credentials, remote), remote, certificate, now);
        machine.expected = expected;
        machine.handle_timeout(now);
        machine
    }

    /// The listener's end, for a dialer whose first check is to be handled next.
    pub(super) fn listen(credentials: &Credentials, remote: SocketAddr, certificate: Certificate, now: Instant) -> Self {
        let mut machine = Self::new(false, Ice::listen(credentials, remote), remote, certificate, now);
        machine.credits = Some(Credits::default());
        match Dtls::server(&machine.certificate, now) {
            Ok(dtls) => machine.dtls = Some(dtls),
            Err(ended) => machine.end(ended),
        }
        machine.handle_timeout(now);
        machine
    }

    fn new(client: bool, ice: Ice, remote: SocketAddr, certificate: Certificate, now: Instant) -> Self {
        Self {
            client,
            ice,
            dtls: None,
            sctp: None,
            channels: Channels::new(client),
            outbox: VecDeque::new(),
            remote,
            credits: None,
            proven: None,
            certificate,
            expected: Vec::new(),
            shown: None,
            events: VecDeque::new(),
            ended: None,
            greeted: false,
            heard: false,
            now,
        }
    }

    /// Begins the DTLS handshake. The first answered check is enough for it: nomination goes on beside.
    pub(super) fn proceed(&mut self, now: Instant) {
        match Dtls::client(&self.certificate, now) {
            Ok(dtls) => self.dtls = Some(dtls),
            Err(ended) => self.end(ended),
        }
        self.drive(now);
    }

    /// Takes a datagram and does what it calls for.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn handle(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        self.take(now, from, bytes);
        self.drive(now);
    }

    /// Takes a datagram. After one or several [`Machine::drive`] has to follow.
    pub(super) fn take(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if self.ended.is_some() {
            return;
        }
        self.now = now;
        if let Some(credits) = &mut self.credits {
            credits.earn(from, bytes.len());
        }
        if stun::is_stun(bytes) {
            self.ice.handle(now, from, bytes);
        } else if let Some(dtls) = &mut self.dtls {
            if !std::mem::replace(&mut self.greeted, true) {
                self.events.push_back(Event::Hello);
            }
            if let Err(ended) = dtls.handle(now, bytes) {
                self.end(ended);
            }
            self.heard = self.sctp.is_none();
            self.exchange();
            if from != self.remote && self.heard {
                // A dialer checks from all its addresses, but sends on the one that it has chosen, or has been moved to. Until
                // our own check there is answered no more is sent there than came.
                self.remote = from;
            }
        }
    }

    /// Does what the time asks for.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
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
    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        if self.ended.is_some() {
            return None;
        }
        let dtls = self.dtls.as_ref().and_then(Dtls::poll_timeout);
        let sctp = self.sctp.as_ref().and_then(Sctp::poll_timeout);
        [self.ice.poll_timeout(), dtls, sctp, self.channels.poll_timeout()].into_iter().flatten().min()
    }

    /// The next datagram to send.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        if self.outbox.is_empty() {
            self.drive(now);
        }
        let Self { outbox, credits, ice, proven, .. } = self;
        let next = outbox.iter().position(|(to, bytes)| {
            let Some(credits) = credits else { return true };
            *proven == Some(*to) || ice.is_validated(*to) || credits.spend(*to, bytes.len())
        });
        if next.is_none() {
            // None of them may leave now; the oldest ones have been repeated, or will be.
            outbox.drain(..outbox.len().saturating_sub(BLOCKED));
        }
        outbox.remove(next?)
    }

    /// How many checks were sent.
    pub(super) fn requests(&self) -> usize {
        self.ice.requests
    }

    /// Repeats a check that stays without an answer this often from now on.
    pub(super) fn ask_every(&mut self, interval: Duration) {
        self.ice.ask_every(interval);
    }

    /// What was reached.
    pub(super) fn poll(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How the connection ended; none while it lives.
    pub(super) fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// The fingerprints of the dialer's and of the listener's certificate, once both are known.
    pub(super) fn fingerprints(&self) -> Option<(Fingerprint, Fingerprint)> {
        let (ours, theirs) = (self.certificate.fingerprint(), self.shown.as_ref()?.fingerprint);
        Some(if self.client { (ours, theirs) } else { (theirs, ours) })
    }

    /// The other side's certificate.
    pub(super) fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }

    pub(super) fn dtls_version(&self) -> Option<&'static str> {
        self.dtls.as_ref()?.version()
    }

    pub(super) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Sends this as if SCTP had made it.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn send_packet(&mut self, packet: &[u8]) {
        if let Some(Err(ended)) = self.dtls.as_mut().map(|dtls| dtls.send(packet)) {
            self.end(ended);
        }
        self.exchange();
    }

    /// Runs an operation on the channels, if there are any.
    pub(super) fn on_channels<T>(&mut self, operation: impl FnOnce(&mut Channels, &mut Sctp, Instant) -> T) -> Option<T> {
        let sctp = self.sctp.as_mut()?;
        Some(operation(&mut self.channels, sctp, self.now))
    }

    /// Whether everything written has arrived.
    pub(super) fn is_flushed(&mut self) -> bool {
        self.sctp.as_mut().is_none_or(|sctp| self.channels.is_flushed(sctp))
    }

    /// Says goodbye. What is still to be sent is to be taken after it.
    pub(super) fn close(&mut self, now: Instant) {
        if self.ended.is_some() {
            return;
        }
        if let Some(sctp) = &mut self.sctp {
            sctp.shutdown();
        }
        self.drive(now);
        if let Some(dtls) = &mut self.dtls {
            dtls.close();
        }
        self.exchange();
        self.end(Ended::Locally);
    }

    /// Ends the connection without any further word.
    pub(super) fn forget(&mut self) {
        self.end(Ended::Locally);
        self.outbox.clear();
    }

    /// Ends the connection. What is ready to be sent may still be.
    pub(super) fn end(&mut self, ended: Ended) {
        if self.ended.is_none() {
            self.ended = Some(ended);
            self.channels.close_all();
        }
    }
}
