//! Two reports beside each other.

use maud::{Markup, html};

use super::said;
use crate::{
    compare::{Comparison, Reason, Relation, Row, Side, View},
    model::{RuntimeKind, TransportStatus},
    render::{
        Tone,
        comparison::{headline, shown, words},
    },
};

/// A comparison as a part of a page. The names are what the reports are called.
#[must_use]
pub fn comparison(comparison: &Comparison, names: [&str; 2]) -> String {
    let (mark, tone, brief) = headline(comparison);
    let class = match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        _ => "warn",
    };
    html! {
        article.report.comparison {
            header class={ "verdict " (class) } {
                h2.words { span.mark aria-hidden="true" { (mark) } " " (brief) }
                p.summary { (said(&comparison.summary)) }
                dl.sides {
                    @for (letter, name, side) in [("A", names[0], &comparison.a), ("B", names[1], &comparison.b)] {
                        dt { (letter) ": " (said(name)) }
                        dd { (from(side)) }
                    }
                }
            }
            table.compared {
                thead { tr { th scope="col" { "Transport" } th scope="col" { "A" } th scope="col" { "B" } th scope="col" { "Why the difference" } } }
                tbody { @for row in comparison.transports.iter().filter(|row| shown(row)) { (line(row)) } }
            }
            @if !comparison.notes.is_empty() {
                ul.notes aria-label="Notes" { @for note in &comparison.notes { li { (reason(note)) } } }
            }
        }
    }
    .into_string()
}

fn line(row: &Row) -> Markup {
    let class = match row.relation {
        Relation::Same => "same",
        Relation::OtherCause => "other-cause",
        Relation::Differs => "differs",
        Relation::Untold => "untold",
    };
    html! {
        tr class=(class) {
            th scope="row" { (row.transport) }
            @for (letter, view) in [("A", &row.a), ("B", &row.b)] { td data-side=(letter) { (side_of(view)) } }
            td { @for why in &row.reasons { p { (reason(why)) } } }
        }
    }
}

fn side_of(view: &View) -> Markup {
    let (mark, class) = match view.status {
        TransportStatus::Passed => ("✔", "good"),
        TransportStatus::Failed => ("✘", "bad"),
        _ => ("–", "dim"),
    };
    html! { span class=(class) { span aria-hidden="true" { (mark) } " " (said(&words(view))) } }
}

fn reason(reason: &Reason) -> Markup {
    html! { (said(&reason.text)) " " code.code { (said(reason.code.code())) } }
}

fn from(side: &Side) -> Markup {
    html! {
        @match side.runtime {
            RuntimeKind::Native => { "from a terminal" }
            RuntimeKind::Browser => { "from a page" }
            RuntimeKind::Node => { "from Node" }
        }
        ", p2p-probe " (said(&side.version)) ", " time datetime=(said(&side.started.0)) { (said(&side.started.0)) }
        @if let Some(verdict) = &side.verdict { ": " strong { (said(verdict.brief())) } }
        @if let Some(agent) = &side.user_agent { br; span.browser { (said(agent)) } }
        br; code { (said(&side.input)) }
    }
}
