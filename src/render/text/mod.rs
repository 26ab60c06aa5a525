//! A report for people.

mod announced;
mod attempt;
mod headline;
mod left_out;
mod nat;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::{Piece, Style, Tone, tried, was_tried};
use crate::model::{Advice, Attempt, Cause, Report, Source, TargetKind, Transport};

/// The report as text, with a line end.
#[must_use]
pub fn text(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let page = Page { report, style: *style, column: transport_column(report) };
    page.headline(&mut out);
    section(&mut out, |out| page.nat(out));
    section(&mut out, |out| page.remedies(out));
    section(&mut out, |out| page.attempts(out));
    section(&mut out, |out| {
        page.announced(out);
        page.warnings(out);
    });
    section(&mut out, |out| page.more(out));
    out
}

/// What every part of the text needs.
struct Page<'a> {
    report: &'a Report,
    style: Style,
    /// How wide the transports' names are.
    column: usize,
}

impl Page<'_> {
    fn attempts(&self, out: &mut String) {
        let tried = tried(self.report);
        for attempt in tried {
            self.attempt(out, attempt);
        }
        self.left_out(out);
        // Vantage points are asked for help, not for what they offer.
        if self.report.target.kind != TargetKind::Network {
            self.not_offered(out);
        }
    }

    fn warnings(&self, out: &mut String) {
        let Some(verdict) = &self.report.verdict else { return };
        for warning in &verdict.warnings {
            let lead = format!("{} ", self.style.paint(Tone::Warn, "warning:"));
            self.advice(out, &lead, warning, Some(warning.code.code()));
        }
    }

    /// A sentence of advice; addresses and commands have lines of their own, ready to be copied.
    fn advice<C>(&self, out: &mut String, lead: &str, advice: &Advice<C>, code: Option<&str>) {
        let mut words: Vec<Piece> = Piece::words(Tone::Plain, &advice.text).collect();
        words.extend(code.map(|code| Piece::new(Tone::Dim, &format!("({code})"))));
        self.style.fill(out, lead, &words, " ");
        let told = |address: &str| {
            [Some(&advice.text), advice.command.as_ref()].into_iter().flatten().any(|said| said.contains(address))
        };
        if let Some(address) = advice.address.as_ref().filter(|address| !told(address)) {
            self.style.fill(out, "    ", &[Piece::new(Tone::Strong, address)], " ");
        }
        if let Some(command) = &advice.command {
            self.style.fill(out, "    ", &[Piece::new(Tone::Strong, command)], " ");
        }
    }

    /// Where to read on, when it did not work.
    fn more(&self, out: &mut String) {
        let Some(verdict) = self.report.verdict.as_ref().filter(|verdict| verdict.ok != Some(true)) else { return };
        let mut codes: Vec<&str> = self.failures().map(|(_, cause)| cause.code()).collect();
        codes.push(verdict.code.code());
        if let Some(code) = codes.first() {
            let line = format!("more: p2p-probe explain {}", super::clean(code));
            let _ = writeln!(out, "{}", self.style.paint(Tone::Dim, &line));
        }
    }

    /// Every failed attempt and its cause, those on the target's own addresses.
    fn failures(&self) -> impl Iterator<Item = (&Attempt, &Cause)> {
        let own = self.report.attempts.iter().filter(|attempt| attempt.source != Source::Announced);
        own.filter_map(|attempt| Some((attempt, attempt.outcome.cause()?)))
    }
}

fn transport_column(report: &Report) -> usize {
    let shown = report.attempts.iter().filter(|attempt| was_tried(attempt)).filter_map(|attempt| attempt.transport);
    shown.map(|transport| <&str>::from(transport).len()).max().unwrap_or(0).max("quic".len())
}

fn name_of(transport: Option<Transport>) -> &'static str {
    transport.map_or("", Into::into)
}

/// A part after an empty line, if there is anything in it.
fn section(out: &mut String, write: impl FnOnce(&mut String)) {
    let mut part = String::new();
    write(&mut part);
    if !part.is_empty() {
        out.push('\n');
        out.push_str(&part);
    }
}
