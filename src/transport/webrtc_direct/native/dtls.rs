//! DTLS 1.2 and 1.3 on `dimpl`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dimpl::{Error, Output, ProtocolVersion, SecurityError, UnexpectedMessageError};

use super::certificate::Certificate;
use super::config;
use super::error::Ended;
use super::plain::{Plain, Sifted};
use super::records::Numbering;

/// Content types of an alert and of a handshake (RFC 8446, section 5.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// Record header of DTLS 1.2, before the alert's level and number.
const RECORD: usize = 13;
/// The alert of an orderly end (RFC 8446, section 6.1).
const CLOSE_NOTIFY: u8 = 0;

/// During a handshake whoever knows two addresses can forge alerts and nonsense. Who really gives up says no more; where
/// the handshake goes on within this time, what did not fit was not the other side's.
const DOUBT: Duration = Duration::from_secs(1);

/// Whether a datagram is of the DTLS class (RFC 7983, section 7). Others are dropped.
pub(super) fn is_dtls(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(20..=63))
}

/// One end of a DTLS connection.
pub(super) struct Dtls {
    inner: dimpl::Dtls,
    deadline: Option<Instant>,
    connected: bool,
    /// What would end the handshake, and until when it is doubted.
    doubted: Option<(Ended, Instant)>,
    plain: Plain,
    numbering: Numbering,
}

/// What a dialer begins a handshake with. To make it takes longer than a near listener takes to answer a check.
pub(super) struct Ready {
    pub(super) certificate: Certificate,
    pub(super) dtls: Dtls,
}

impl Ready {
    pub(super) fn new(certificate: Certificate, now: Instant) -> Result<Self, Ended> {
        let dtls = Dtls::client(&certificate, now)?;
        Ok(Self { certificate, dtls })
    }
}

/// What came of it.
pub(super) enum Seen {
    /// Its DER form.
    Certificate(Vec<u8>),
    Connected,
    Data(Bytes),
    Closed,
}

impl Dtls {
    pub(super) fn client(certificate: &Certificate, now: Instant) -> Result<Self, Ended> {
        let mut dtls = Self::new(certificate, now, Plain::new(true))?;
        dtls.inner.set_active(true);
        Ok(dtls)
    }

    pub(super) fn server(certificate: &Certificate, now: Instant) -> Result<Self, Ended> {
        Self::new(certificate, now, Plain::new(false))
    }

    fn new(certificate: &Certificate, now: Instant, plain: Plain) -> Result<Self, Ended> {
        let config = config::dtls().map_err(|error| Ended::Dtls(error.to_string()))?;
        let inner = dimpl::Dtls::new_auto(config, certificate.dtls(), now);
        Ok(Self { inner, deadline: None, connected: false, doubted: None, plain, numbering: Numbering::default() })
    }

    pub(super) fn handle(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Ended> {
        self.handle_timeout(now)?;
        match self.alert(bytes) {
            Some(CLOSE_NOTIFY) => self.doubt(now, Ended::ByPeer),
            Some(alert) => self.doubt(now, Ended::DtlsAlert(alert)),
            None if self.connected => self.inner.handle_packet(bytes).map_err(|error| ended(&error))?,
            None => {
                let protected = self.inner.protocol_version() == Some(ProtocolVersion::DTLS1_3);
                match self.plain.sift(bytes, protected) {
                    Sifted::Nothing => {}
                    Sifted::It => self.shake(now, bytes),
                    Sifted::Held(all) => all.iter().for_each(|bytes| self.shake(now, bytes)),
                }
            }
        }
        Ok(())
    }

    /// Goes on with the handshake.
    fn shake(&mut self, now: Instant, bytes: &[u8]) {
        match self.inner.handle_packet(bytes) {
            // It goes on.
            Ok(()) if bytes.first() == Some(&HANDSHAKE) => self.doubted = None,
            // What is no answer at all anybody may have sent.
            Ok(()) | Err(Error::UnexpectedMessage(UnexpectedMessageError::UnrecognizedAutoServerResponse)) => {}
            Err(error) => self.doubt(now, ended(&error)),
        }
    }

    /// Whether the other side has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.plain.has_begun()
    }

    fn doubt(&mut self, now: Instant, ended: Ended) {
        self.doubted.get_or_insert((ended, now + DOUBT));
    }

    /// The alert in a datagram of the handshake: before the version is known dimpl takes it for noise, and after for the end.
    fn alert(&self, bytes: &[u8]) -> Option<u8> {
        (!self.connected && bytes.first() == Some(&ALERT)).then(|| bytes.get(RECORD + 1).copied()).flatten()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), Ended> {
        if let Some((ended, _)) = self.doubted.take_if(|(_, until)| *until <= now && !self.connected) {
            return Err(ended);
        }
        self.inner.handle_timeout(now).map_err(|error| ended(&error))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let doubted = self.doubted.as_ref().filter(|_| !self.connected).map(|(_, until)| *until);
        self.deadline.into_iter().chain(doubted).min()
    }

    /// Takes all that is to be sent and all that came of what was received.
    pub(super) fn poll(&mut self, packets: &mut Vec<Vec<u8>>, seen: &mut VecDeque<Seen>) {
        // Most connections are quiet most of the time: none keeps a buffer.
        let (mut stack, mut heap) = ([0; config::MAX_DATAGRAM], Vec::new());
        loop {
            let buffer = if heap.is_empty() { &mut stack[..] } else { &mut heap[..] };
            match self.inner.poll_output(buffer) {
                Output::Packet(packet) => {
                    let mut packet = packet.to_vec();
                    self.numbering.renumber(&mut packet);
                    packets.push(packet);
                }
                Output::BufferTooSmall { needed } => heap.resize(needed, 0),
                Output::Timeout(at) => {
                    self.deadline = Some(at);
                    return;
                }
                Output::Connected => {
                    self.connected = true;
                    seen.push_back(Seen::Connected);
                }
                Output::PeerCert(der) => seen.push_back(Seen::Certificate(der.to_vec())),
                Output::ApplicationData(data) => seen.push_back(Seen::Data(Bytes::copy_from_slice(data))),
                Output::CloseNotify => seen.push_back(Seen::Closed),
                _ => {}
            }
        }
    }

    pub(super) fn send(&mut self, data: &[u8]) -> Result<(), Ended> {
        self.inner.send_application_data(data).map(|_| ()).map_err(|error| ended(&error))
    }

    /// Says goodbye, as far as there is somebody to say it to.
    pub(super) fn close(&mut self) {
        // A handshake that is not over just ends.
        let _ = self.inner.close();
    }

    /// The version negotiated, as TLS libraries write it.
    pub(super) fn version(&self) -> Option<&'static str> {
        match self.inner.protocol_version()? {
            ProtocolVersion::DTLS1_2 => Some("DTLSv1.2"),
            ProtocolVersion::DTLS1_3 => Some("DTLSv1.3"),
            _ => None,
        }
    }
}

fn ended(error: &Error) -> Ended {
    match error {
        Error::SecurityError(SecurityError::FatalAlert { description }) => Ended::DtlsAlert(*description),
        Error::ConnectionClosed => Ended::ByPeer,
        error => Ended::Dtls(error.to_string()),
    }
}
