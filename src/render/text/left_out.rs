//! What was not tried, by the reason, and what the peer does not offer.

use strum::IntoEnumIterator as _;

use super::{Page, Piece, Tone, attempt::ip_of, was_tried};
use crate::model::{Attempt, Outcome, Source, Transport, TransportStatus, Why};

/// How many addresses stand for a group.
const SHOWN: usize = 3;

impl Page<'_> {
    /// Addresses of the target without an attempt, grouped: those that the peer announces have their own line.
    pub(super) fn left_out(&self, out: &mut String) {
        let mut groups: Vec<(bool, &Why, Vec<&Attempt>)> = Vec::new();
        for attempt in self.report.attempts.iter().filter(|attempt| attempt.source != Source::Announced && !was_tried(attempt)) {
            let (skipped, why) = match &attempt.outcome {
                Outcome::Skipped { why } => (true, why),
                Outcome::Unknown { why } => (false, why),
                Outcome::Passed | Outcome::Failed { .. } => continue,
            };
            match groups.iter_mut().find(|(same, reason, _)| *same == skipped && *reason == why) {
                Some((_, _, attempts)) => attempts.push(attempt),
                None => groups.push((skipped, why, vec![attempt])),
            }
        }
        for (skipped, why, attempts) in groups {
            self.group(out, skipped, why, &attempts);
        }
    }

    fn group(&self, out: &mut String, skipped: bool, why: &Why, attempts: &[&Attempt]) {
        let mark = if skipped { ("–", Tone::Dim) } else { ("?", Tone::Warn) };
        let mut pieces: Vec<Piece> = Vec::new();
        for attempt in attempts.iter().take(SHOWN) {
            let address = attempt.remote.as_deref().filter(|_| attempt.address.starts_with("/dnsaddr/"));
            pieces.push(Piece::new(Tone::Plain, self.without_peer(address.unwrap_or(&attempt.address))));
            // What a name leads to may be the reason.
            let ip = attempt.remote.as_deref().filter(|_| address.is_none() && !attempt.names.is_empty()).and_then(ip_of);
            pieces.extend(ip.map(|ip| Piece::new(Tone::Dim, &format!("({ip})"))));
        }
        if attempts.len() > SHOWN {
            pieces.push(Piece::new(Tone::Plain, &format!("and {} more", attempts.len() - SHOWN)));
        }
        pieces.push(Piece::new(Tone::Dim, &format!("({})", why.code.brief())));
        self.row(out, mark, "", &pieces);
    }

    pub(super) fn not_offered(&self, out: &mut String) {
        let offered = |transport: &Transport| self.report.transports.get(*transport) != TransportStatus::NotOffered;
        let names: Vec<&str> = Transport::iter().filter(|transport| !offered(transport)).map(Into::into).collect();
        if names.is_empty() {
            return;
        }
        let line = format!("{}: not offered", names.join(", "));
        let lead = format!("{}{}", self.style.paint(Tone::Dim, "–"), " ".repeat(self.column + 2));
        self.style.fill(out, &lead, &Piece::words(Tone::Dim, &line).collect::<Vec<_>>(), " ");
    }
}
