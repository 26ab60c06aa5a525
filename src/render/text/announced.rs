//! The addresses that a peer announces, counted by what became of them.

use std::fmt::Write as _;

use super::{Page, Piece, Tone};
use crate::{
    model::{Announced, Outcome, Peer, WhyCode},
    order::by_key,
    words,
};

/// What became of announced addresses, in words, and one of them as an example.
struct Count<'a> {
    what: String,
    many: usize,
    example: Option<&'a str>,
}

impl Page<'_> {
    pub(super) fn announced(&self, out: &mut String) {
        for peer in self.report.peers.iter().filter(|peer| peer.expected && peer.announced_total > 0) {
            let mut line = words::addresses(usize::try_from(peer.announced_total).unwrap_or(usize::MAX));
            for count in self.counts(peer) {
                let _ = write!(line, ", {} {}", count.many, count.what);
                if let Some(example) = count.example {
                    let more = if count.many > 1 { ", …" } else { "" };
                    let _ = write!(line, " ({}{more})", self.without_peer(example));
                }
            }
            self.style.fill(out, "announced: ", &Piece::words(Tone::Plain, &line).collect::<Vec<_>>(), " ");
        }
    }

    /// Good ones first, then in the order of the addresses.
    fn counts<'b>(&self, peer: &'b Peer) -> Vec<Count<'b>> {
        let mut counts: Vec<Count<'b>> = Vec::new();
        for entry in &peer.announced {
            let (what, example) = self.fate(entry);
            match counts.iter_mut().find(|count| count.what == what) {
                Some(count) => count.many += 1,
                None => counts.push(Count { what, many: 1, example: example.then_some(entry.address.as_str()) }),
            }
        }
        by_key(counts, |count| count.what != "reachable")
    }

    fn fate(&self, entry: &Announced) -> (String, bool) {
        let Some(attempt) = entry.attempt.and_then(|id| self.report.attempt(id)) else {
            return ("not dialed".into(), false);
        };
        match &attempt.outcome {
            Outcome::Passed => ("reachable".into(), false),
            Outcome::Failed { .. } => ("not reachable".into(), false),
            Outcome::Skipped { why } if why.code == WhyCode::PrivateScope => (format!("{} and not dialed", entry.scope), true),
            Outcome::Skipped { why } => (format!("not dialed ({})", why.code.brief()), false),
            Outcome::Unknown { why } => (format!("not told ({})", why.code.brief()), false),
        }
    }
}
