//! A report as bytes: pure functions, no output.

mod address;
mod clean;
mod comparison;
pub mod html;
pub mod json;
pub mod pages;
mod phrase;
mod style;
mod text;

pub use address::address;
pub use clean::clean;
pub use comparison::comparison;
pub(crate) use phrase::cause as cause_in_words;
pub use style::Style;
pub(crate) use style::{Piece, Tone};
pub use text::text;

use crate::{
    model::{Attempt, Nat, Report, Source, TargetKind},
    order::by_key,
};

/// Whether an attempt has something to show beyond why it was left out.
fn was_tried(attempt: &Attempt) -> bool {
    attempt.start_ms.is_some() || attempt.outcome.passed() || attempt.outcome.cause().is_some()
}

/// The attempts that have something to show: what the user named comes first.
fn tried(report: &Report) -> Vec<&Attempt> {
    let tried = report.attempts.iter().filter(|attempt| was_tried(attempt));
    by_key(tried, |attempt| (attempt.source == Source::Announced, attempt.transport.is_none(), attempt.transport))
}

/// What is known of the own network, where the report is about it or tells more of it than any dial does.
fn measured(report: &Report) -> Option<&Nat> {
    let network = report.target.kind == TargetKind::Network;
    report.nat.as_ref().filter(|nat| network || !nat.vantages.is_empty() || !nat.inbound.is_empty())
}
