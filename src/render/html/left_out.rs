//! What was not tried, by the reason, and what the peer does not offer.

use maud::{Markup, html};
use strum::IntoEnumIterator as _;

use super::{Page, said, was_tried};
use crate::model::{Attempt, Outcome, Source, Transport, TransportStatus, Why};

/// How many addresses stand for a group.
const SHOWN: usize = 5;

impl Page<'_> {
    /// Addresses of the target without an attempt, grouped: those that the peer announces have their own table.
    pub(super) fn left_out(&self) -> Markup {
        let groups = self.groups();
        let not_offered: Vec<String> = Transport::iter()
            .filter(|transport| self.report.transports.get(*transport) == TransportStatus::NotOffered)
            .map(|transport| transport.to_string())
            .collect();
        html! {
            @if !groups.is_empty() || !not_offered.is_empty() {
                ul.left-out aria-label="Not tried" {
                    @for (why, attempts) in &groups {
                        li {
                            @for attempt in attempts.iter().take(SHOWN) { code.address { (said(self.without_peer(&attempt.address))) } " " }
                            @if attempts.len() > SHOWN { "and " (attempts.len() - SHOWN) " more " }
                            span.dim { (said(why.code.brief())) }
                        }
                    }
                    @if !not_offered.is_empty() { li { (not_offered.join(", ")) " " span.dim { "not offered" } } }
                }
            }
        }
    }

    fn groups(&self) -> Vec<(&Why, Vec<&Attempt>)> {
        let mut groups: Vec<(&Why, Vec<&Attempt>)> = Vec::new();
        // Before its turn has come an attempt waits, and is not left out.
        let ended = self.report.verdict.is_some();
        for attempt in self.report.attempts.iter().filter(|attempt| attempt.source != Source::Announced && !was_tried(attempt)) {
            let why = match &attempt.outcome {
                Outcome::Skipped { why } => why,
                Outcome::Unknown { why } if ended => why,
                _ => continue,
            };
            match groups.iter_mut().find(|(reason, _)| *reason == why) {
                Some((_, attempts)) => attempts.push(attempt),
                None => groups.push((why, vec![attempt])),
            }
        }
        groups
    }
}
