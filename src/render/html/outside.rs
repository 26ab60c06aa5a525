//! Dials from outside: each address, and what every vantage point said of it.

use maud::{Markup, html};

use super::{network::outcome, said};
use crate::{
    model::{Inbound, InboundBy, Nat, Stage, Tested},
    render::phrase,
};

/// Each address, and who tried it.
pub(super) fn inbound(nat: &Nat) -> Markup {
    html! {
        @if !nat.inbound.is_empty() {
            h3 { "From outside" }
            ol.rows { @for inbound in &nat.inbound { li.attempt { (one(inbound)) } } }
        }
    }
}

fn one(inbound: &Inbound) -> Markup {
    let (mark, class, word) = match inbound.outcome {
        Tested::Passed => ("✔", "good", "works"),
        Tested::Failed => ("✘", "bad", "fails"),
        Tested::Unknown => ("?", "warn", "not told"),
    };
    html! {
        p.who {
            span class={ "mark " (class) } aria-hidden="true" { (mark) } " "
            strong { (inbound.transport) } " " code.address { (said(&inbound.address)) } " "
            span class={ "word " (class) } {
                (word)
                @if let Some(cause) = &inbound.cause { ": " (said(&phrase::cause(cause))) }
                @if let Some(why) = &inbound.why { ": " (said(why.code.brief())) }
            }
        }
        @if !inbound.by.is_empty() {
            ul.by aria-label="Who tried" { @for by in &inbound.by { li { (asked(by)) } } }
        }
    }
}

/// One vantage point's answer about an address, and how far its dial came.
fn asked(by: &InboundBy) -> Markup {
    html! {
        span.dim { (by.method) } " " (outcome(&by.outcome))
        " from " code { (said(by.from.as_deref().unwrap_or(&by.vantage))) }
        @if by.contacted_before { ", which had been sent to" }
        @if !by.stages.is_empty() { ": " span.dim { (stages(&by.stages)) } }
        @if let Some(message) = &by.message { span.message { " “" (said(message)) "”" } }
    }
}

fn stages(stages: &[Stage]) -> Markup {
    html! {
        @for (place, stage) in stages.iter().enumerate() {
            @if place > 0 { " · " }
            (stage.stage)
            @if let Some(elapsed) = stage.elapsed_ms { " " (elapsed) " ms" }
            @if stage.outcome.cause().is_some() { " " span.bad { "✘" } }
        }
    }
}
