//! The streams of an association.

use super::super::config;
use super::chunks::data;
use super::{Message, Ppi, Sctp};

impl Sctp {
    /// Opens a stream, or takes one that the other side was faster to open. Whether it is there.
    pub(in super::super) fn open(&mut self, id: u16) -> bool {
        self.stirred = true;
        let Some((_, association)) = &mut self.association else { return false };
        if association.stream(id).is_err() && association.open_stream(id, Ppi::Binary).is_err() {
            return false;
        }
        association.stream(id).and_then(|mut stream| stream.set_buffered_amount_low_threshold(config::UNSENT / 2)).is_ok()
    }

    /// Whether there is such a stream.
    pub(in super::super) fn has(&mut self, id: u16) -> bool {
        self.association.as_mut().is_some_and(|(_, association)| association.stream(id).is_ok())
    }

    pub(in super::super) fn read(&mut self, id: u16) -> Option<Message> {
        let chunks = self.association.as_mut()?.1.stream(id).ok()?.read_sctp().ok()??;
        // What waited for the last of a stream to be read, its end for one, goes on.
        self.stirred = true;
        let mut bytes = vec![0; chunks.len()];
        let count = chunks.read(&mut bytes).ok()?;
        bytes.truncate(count);
        self.intake.read(id, chunks.chunks.len(), count);
        if let Some(packet) = self.window.read(count, config::SCTP_RECEIVE).map(|packet| data(&packet)) {
            // The first duplicate is acknowledged late, the second at once.
            self.handle(self.now, packet.clone());
            self.handle(self.now, packet);
        }
        Some(match chunks.ppi {
            Ppi::Dcep => Message::Dcep(bytes),
            // An empty message is sent as one byte (RFC 8831, section 6.6).
            Ppi::BinaryEmpty | Ppi::StringEmpty => Message::Data(Vec::new()),
            _ => Message::Data(bytes),
        })
    }

    /// Hands a message over to be sent. Whether it was taken.
    pub(in super::super) fn write(&mut self, id: u16, kind: Ppi, bytes: &[u8]) -> bool {
        self.stirred = true;
        let Some((_, association)) = &mut self.association else { return false };
        association.stream(id).and_then(|mut stream| stream.write_with_ppi(bytes, kind)).is_ok()
    }

    /// Bytes of a stream that were not acknowledged yet.
    pub(in super::super) fn unsent(&mut self, id: u16) -> usize {
        let stream = self.association.as_mut().and_then(|(_, association)| association.stream(id).ok());
        stream.and_then(|stream| stream.buffered_amount().ok()).unwrap_or(0)
    }

    /// Closes a stream in both directions (RFC 8831, section 6.7), after what it has still to send.
    pub(in super::super) fn close(&mut self, id: u16) {
        self.stirred = true;
        if let Some((_, association)) = &mut self.association
            && let Ok(mut stream) = association.stream(id)
        {
            // It may be closing already.
            let _ = stream.close();
        }
    }
}
