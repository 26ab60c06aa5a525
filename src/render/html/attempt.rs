//! One address: how it went, step by step.

use maud::{Markup, html};

use super::{Page, bar, found, mark, said, scale::Scale};
use crate::{
    model::{Attempt, Direction, Leg, Outcome, Source, Stage, StageName},
    render::phrase,
};

/// How much of a message is shown, in characters.
const MESSAGE: usize = 200;

impl Page<'_> {
    pub(super) fn attempt(&self, attempt: &Attempt, scale: &Scale) -> Markup {
        let inbound = attempt.direction == Direction::Inbound;
        let id = self.id(&format!("{}{}", if inbound { "i" } else { "a" }, attempt.id));
        html! {
            li.attempt id=(id) {
                (self.who(attempt))
                (bar::bar(attempt, *scale, self.report.elapsed_ms))
                (stages(attempt))
                @if let Some(message) = message(attempt) { p.message { "“" (said(&message)) "”" } }
                (found::details(attempt, &format!("{id}-found")))
                @if !inbound { (self.other_end(attempt, *scale)) }
            }
        }
    }

    /// What it is and how it ended, in words.
    fn who(&self, attempt: &Attempt) -> Markup {
        let (mark, class, word) = mark(attempt);
        let offered = self.without_peer(&attempt.address);
        let remote = attempt.remote.as_deref().map(|remote| self.without_peer(remote)).filter(|remote| *remote != offered);
        html! {
            p.who {
                span class={ "mark " (class) } aria-hidden="true" { (mark) } " "
                @if let Some(transport) = attempt.transport { strong { (transport) } " " }
                code.address { (said(offered)) } " "
                @if let Some(remote) = remote { code.remote { (said(remote)) } " " }
                @if let Some(version) = &attempt.version { span.tag { (said(version)) } " " }
                @if attempt.source == Source::Announced { span.tag { "announced" } " " }
                span class={ "word " (class) } {
                    (word)
                    @if let Some(elapsed) = attempt.elapsed_ms.filter(|_| attempt.outcome.passed()) { " · " (elapsed) " ms" }
                    @if let Some(cause) = attempt.outcome.cause() { ": " (said(&phrase::cause(cause))) }
                    @if let Outcome::Unknown { why } = &attempt.outcome { @if !attempt.running() { ": " (said(why.code.brief())) } }
                }
            }
        }
    }
}

pub(super) fn stages(attempt: &Attempt) -> Markup {
    let failed = attempt.stages.iter().position(|stage| stage.stage.establishes() && stage.outcome.cause().is_some());
    html! {
        @if attempt.stages.is_empty() {
            @if let Some(cause) = attempt.outcome.cause() { p.stages { code { (said(cause.code())) } } }
        } @else {
            ol.stages aria-label="Stages" {
                @for (at, stage) in attempt.stages.iter().enumerate() {
                    li {
                        @if failed.is_some_and(|failed| at == failed + 1) { span.yet { "and yet: " } }
                        (one(stage))
                    }
                }
            }
        }
    }
}

fn one(stage: &Stage) -> Markup {
    let leg = if stage.leg == Some(Leg::Relay) { "relay " } else { "" };
    let time = match stage.stage {
        StageName::Ping => stage.found.median_ms.or(stage.elapsed_ms),
        _ => stage.elapsed_ms,
    };
    html! {
        (bar::key(stage)) (leg) (stage.stage) " "
        @match time {
            Some(time) => { (time) " ms" @if stage.stage == StageName::Ping && stage.found.median_ms.is_some() { " median" } }
            None => { "…" }
        }
        @match &stage.outcome {
            Outcome::Passed => {}
            Outcome::Failed { cause } => { " " span.bad { "✘ " code { (said(cause.code())) } } }
            Outcome::Skipped { why } | Outcome::Unknown { why } => {
                @if stage.elapsed_ms.is_some() { " " span.warn { "? " code { (said(why.code.code())) } } }
            }
        }
    }
}

/// The system's or the peer's own words about a failure.
fn message(attempt: &Attempt) -> Option<String> {
    let failed = attempt.stages.iter().find(|stage| stage.outcome.cause().is_some())?;
    let message = phrase::message(failed)?;
    let mut shown: String = message.chars().take(MESSAGE).collect();
    if shown.len() < message.len() {
        shown.push('…');
    }
    Some(shown).filter(|shown| !shown.is_empty())
}
