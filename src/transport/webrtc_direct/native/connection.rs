//! A connection as a state machine: datagrams and the time go in; datagrams, events and the next deadline come out.

mod datagrams;
mod goodbye;
mod proof;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::super::certhash::Fingerprint;
use super::certificate::{Certificate, Shown};
use super::channels::Channels;
use super::credentials::Credentials;
use super::credit::Credits;
use super::dtls::{Dtls, Ready};
use super::error::Ended;
use super::ice::Ice;
use super::sctp::Sctp;
use proof::Flights;

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
    /// Where our part of the DTLS handshake went, until that was over.
    pub(super) flights: Flights,
    /// Ours; a dialer's is made while it waits for an answer.
    certificate: Option<Certificate>,
    /// What a dialer begins with once it is answered.
    prepared: Option<Box<Dtls>>,
    /// The certificates that the other side may have; none means any.
    pub(super) expected: Vec<Fingerprint>,
    pub(super) shown: Option<Shown>,
    pub(super) events: VecDeque<Event>,
    pub(super) ended: Option<Ended>,
    /// Whether [`Event::Hello`] was told.
    greeted: bool,
    /// Whether the datagram that is handled came from the other side, as far as can be known: before there are keys, any may.
    pub(super) heard: bool,
    pub(super) now: Instant,
}

impl Machine {
    /// The dialer's end. DTLS waits for [`Machine::prepare`] and [`Machine::proceed`].
    pub(super) fn dial(credentials: &Credentials, remote: SocketAddr, expected: Vec<Fingerprint>, now: Instant) -> Self {
        let mut machine = Self::new(true, Ice::dial(credentials, remote), remote, now);
        machine.expected = expected;
        machine.handle_timeout(now);
        machine
    }

    /// The listener's end, for a dialer whose first check is to be handled next.
    pub(super) fn listen(credentials: &Credentials, remote: SocketAddr, certificate: Certificate, now: Instant) -> Self {
        let mut machine = Self::new(false, Ice::listen(credentials, remote), remote, now);
        machine.credits = Some(Credits::default());
        match Dtls::server(&certificate, now) {
            Ok(dtls) => machine.dtls = Some(dtls),
            Err(ended) => machine.end(ended),
        }
        machine.certificate = Some(certificate);
        machine.handle_timeout(now);
        machine
    }

    fn new(client: bool, ice: Ice, remote: SocketAddr, now: Instant) -> Self {
        Self {
            client,
            ice,
            dtls: None,
            sctp: None,
            channels: Channels::new(client),
            outbox: VecDeque::new(),
            remote,
            credits: None,
            flights: Flights::default(),
            certificate: None,
            prepared: None,
            expected: Vec::new(),
            shown: None,
            events: VecDeque::new(),
            ended: None,
            greeted: false,
            heard: false,
            now,
        }
    }

    /// Takes what the DTLS handshake begins with.
    pub(super) fn prepare(&mut self, Ready { certificate, dtls }: Ready) {
        (self.certificate, self.prepared) = (Some(certificate), Some(dtls.into()));
    }

    /// Begins the DTLS handshake. The first answered check is enough for it: nomination goes on beside.
    pub(super) fn proceed(&mut self, now: Instant) {
        self.dtls = self.prepared.take().map(|prepared| *prepared);
        // Time may have gone by since it was made.
        self.handle_timeout(now);
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
        let (ours, theirs) = (self.certificate.as_ref()?.fingerprint(), self.shown.as_ref()?.fingerprint);
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

    /// Where the other side is, once that is proved.
    pub(super) fn proved(&self) -> Option<SocketAddr> {
        Some(self.remote).filter(|remote| self.is_there(*remote))
    }

    /// Whether the other side hears what is sent to this address.
    fn is_there(&self, address: SocketAddr) -> bool {
        self.flights.prove(address) || self.ice.is_validated(address)
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
}
