//! One attempt drawn to the time axis.

use maud::{Markup, html};

use super::scale::Scale;
use crate::model::{Attempt, Leg, Micros, Outcome, Stage};

/// The bar of an attempt. A stage that still runs reaches to `now`.
pub(super) fn bar(attempt: &Attempt, scale: Scale, now: Micros) -> Markup {
    html! {
        svg.bar aria-hidden="true" focusable="false" {
            (scale.grid())
            @for stage in &attempt.stages {
                rect class=(class(stage)) x=(scale.at(stage.start_ms)) y="3" width=(scale.width(span(stage, now))) height="14" {
                    title { (stage.stage) }
                }
            }
            @for stage in attempt.stages.iter().filter(|stage| stage.outcome.cause().is_some()) {
                text.cross x=(scale.at(stage.start_ms + span(stage, now))) y="15" { "✘" }
            }
        }
    }
}

/// The colour of a stage, for a list.
pub(super) fn key(stage: &Stage) -> Markup {
    html! { svg.key aria-hidden="true" focusable="false" { rect class=(class(stage)) width="100%" height="100%" {} } }
}

fn span(stage: &Stage, now: Micros) -> Micros {
    stage.elapsed_ms.unwrap_or_else(|| now.since(stage.start_ms))
}

fn class(stage: &Stage) -> String {
    let outcome = match (&stage.outcome, stage.elapsed_ms) {
        (Outcome::Failed { .. }, _) => " failed",
        (Outcome::Passed, _) => "",
        (_, None) => " running",
        _ => " untold",
    };
    let shared = if stage.shared { " shared" } else { "" };
    let leg = if stage.leg == Some(Leg::Relay) { " leg" } else { "" };
    format!("stage {}{outcome}{shared}{leg}", stage.stage)
}
