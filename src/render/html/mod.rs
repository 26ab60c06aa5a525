//! A report as HTML: what the page shows after each event, and what `--format html` writes.
//!
//! No style and no script stands in it, only classes and SVG attributes, so that it lives under a Content-Security-Policy
//! without exceptions. `maud` escapes every text and every attribute; `said` takes away what turns the writing direction
//! or is not seen. Drawings are hidden from screen readers: the same facts stand beside them as lists and tables.

mod announced;
mod attempt;
mod bar;
mod comparison;
mod document;
mod found;
mod headline;
mod left_out;
mod listener;
mod network;
mod outside;
mod ping;
mod scale;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use maud::{Markup, html};

pub use comparison::comparison;
pub use document::page;

use super::{tried, was_tried};
use crate::model::{Attempt, Outcome, Report};

/// How many addresses are drawn. A run takes on less; a file that was made by others may hold more.
const DRAWN: usize = 200;

/// A report as a part of a page.
#[must_use]
pub fn report(report: &Report) -> String {
    beside(report, "")
}

/// The same, with `prefix` before every `id`, where several stand on one page: letters and digits.
#[must_use]
pub fn beside(report: &Report, prefix: &str) -> String {
    let page = Page { report, prefix };
    html! {
        article.report {
            (page.headline())
            @if page.is_of_network() { (page.network()) }
            (page.attempts())
            (page.pings())
            (page.listener())
            (page.announced())
            (page.warnings())
            @if !page.is_of_network() { (page.network()) }
        }
    }
    .into_string()
}

/// What every part needs.
struct Page<'a> {
    report: &'a Report,
    prefix: &'a str,
}

impl Page<'_> {
    fn attempts(&self) -> Markup {
        let tried = tried(self.report);
        let scale = scale::Scale::of(tried.iter().copied(), self.report.elapsed_ms);
        let more = tried.len().saturating_sub(DRAWN);
        if self.is_of_network() && self.report.attempts.is_empty() {
            return html! {};
        }
        html! {
            section.attempts aria-labelledby=(self.id("attempts")) {
                h2 id=(self.id("attempts")) { "Addresses" }
                @if !tried.is_empty() {
                    (scale.axis())
                    ol.rows {
                        @for attempt in tried.iter().take(DRAWN) { (self.attempt(attempt, &scale)) }
                    }
                }
                @if more > 0 { p.more { "… and " (more) " more" } }
                (self.left_out())
            }
        }
    }

    /// An `id` of this report.
    fn id(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Without the `/p2p/…` that is the same everywhere.
    fn without_peer<'b>(&self, address: &'b str) -> &'b str {
        let expected = self.report.expected_peer().map(|peer| peer.id.as_str()).or(self.report.target.peer.as_deref());
        let bare = expected.and_then(|peer| address.strip_suffix(peer)?.strip_suffix("/p2p/"));
        bare.filter(|bare| !bare.is_empty()).unwrap_or(address)
    }
}

/// A mark, its class and its word. Colour is never all that tells.
fn mark(attempt: &Attempt) -> (&'static str, &'static str, &'static str) {
    match &attempt.outcome {
        Outcome::Passed => ("✔", "good", "works"),
        Outcome::Failed { .. } => ("✘", "bad", "fails"),
        _ if attempt.running() => ("…", "busy", "running"),
        Outcome::Skipped { .. } => ("–", "dim", "left out"),
        Outcome::Unknown { .. } => ("?", "warn", "not told"),
    }
}

/// The longest text that is shown whole, in characters: a peer may send any.
const LONGEST: usize = 1000;

/// Text of another's making, made harmless for the eye; maud makes it harmless for the browser.
fn said(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        None => super::clean(text),
        Some((at, _)) => Cow::Owned(format!("{}…", super::clean(&text[..at]))),
    }
}
