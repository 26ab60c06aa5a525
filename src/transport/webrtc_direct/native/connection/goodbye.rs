//! How a connection ends.

use std::time::Instant;

use super::{Ended, Machine};

impl Machine {
    /// Says goodbye. What is still to be sent is to be taken after it.
    pub(in super::super) fn close(&mut self, now: Instant) {
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
    pub(in super::super) fn forget(&mut self) {
        self.end(Ended::Locally);
        self.outbox.clear();
    }

    /// Ends the connection. What is ready to be sent may still be.
    pub(in super::super) fn end(&mut self, ended: Ended) {
        if self.ended.is_none() {
            self.ended = Some(ended);
            self.channels.close_all();
        }
    }
}
