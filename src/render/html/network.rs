//! The own network, as far as it was looked at: what it does to peers, which of them came in, and what would help.

use maud::{Markup, html};

use super::{Page, headline::advice, said};
use crate::{
    model::{Behaviour, FamilyNat, Inbound, InboundBy, Mapping, Nat, NatStatus, Outcome, Prediction, TargetKind, Tested},
    render::phrase,
};

/// How many outside addresses are shown.
const SHOWN: usize = 3;

/// A row of a family's table: its name, and how it is told.
type Told = (&'static str, fn(&Behaviour) -> Option<String>);

/// What is told of each protocol, in the terms of RFC 4787. A row without anything known is left out.
const ROWS: [Told; 8] = [
    ("Mapping", |layer| Some(layer.mapping.to_string())),
    ("Filtering", |layer| Some(layer.filtering.to_string())),
    ("Not told because", |layer| layer.why.as_ref().map(|why| why.code.brief().to_owned())),
    ("Seen outside as", seen_as),
    ("Port preserved", |layer| {
        let preserved = layer.port_preserved.filter(|_| layer.mapping != Mapping::None)?;
        Some(if preserved { "yes" } else { "no" }.to_owned())
    }),
    ("Hairpin", |layer| (layer.hairpin != Tested::Unknown).then(|| layer.hairpin.to_string())),
    ("Hole punching", |layer| match layer.hole_punch_predicted {
        Prediction::Likely | Prediction::Unlikely => Some(layer.hole_punch_predicted.to_string()),
        Prediction::NotNeeded => Some("not needed".into()),
        Prediction::Unknown => None,
    }),
    ("Vantage points", |layer| Some(layer.vantages.to_string())),
];

impl Page<'_> {
    /// Whether the report is about the own network alone.
    pub(super) fn is_of_network(&self) -> bool {
        self.report.target.kind == TargetKind::Network
    }

    pub(super) fn network(&self) -> Markup {
        let Some(nat) = &self.report.nat else { return html! {} };
        html! {
            section.network aria-labelledby=(self.id("network")) {
                h2 id=(self.id("network")) { "The own network" }
                // Of a report about it this is the verdict.
                @if !self.is_of_network() && !nat.summary.is_empty() { p { (said(&nat.summary)) } }
                @if !nat.remedies.is_empty() {
                    ul.hints aria-label="What would help here" {
                        @for remedy in &nat.remedies { li { (advice(remedy, remedy.code.code())) } }
                    }
                }
                (family("IPv4", nat.ipv4.as_ref()))
                (family("IPv6", nat.ipv6.as_ref()))
                (inbound(nat))
                (helpers(nat))
                (own(nat))
            }
        }
    }
}

fn family(name: &str, family: Option<&FamilyNat>) -> Markup {
    let Some(family) = family else { return html! {} };
    let class = match family.status {
        NatStatus::Public | NatStatus::Mapped => "good",
        NatStatus::Unknown => "warn",
        NatStatus::Firewalled | NatStatus::Nat | NatStatus::DoubleNat | NatStatus::Cgnat | NatStatus::UdpBlocked => "bad",
    };
    html! {
        h3 {
            (name) " " span class=(class) { (family.status) }
            @if let Some(why) = &family.why { " " span.dim { "(" (said(why.code.brief())) ")" } }
        }
        table.family {
            thead { tr { td {} th scope="col" { "UDP" } th scope="col" { "TCP" } } }
            tbody {
                @for (row, told) in ROWS {
                    @let (udp, tcp) = (told(&family.udp), told(&family.tcp));
                    @if udp.is_some() || tcp.is_some() {
                        tr {
                            th scope="row" { (row) }
                            @for cell in [udp, tcp] { td { (cell.as_deref().map_or("–".into(), said)) } }
                        }
                    }
                }
            }
        }
    }
}

fn seen_as(layer: &Behaviour) -> Option<String> {
    let more = layer.mapped.len().saturating_sub(SHOWN);
    let shown = layer.mapped.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!shown.is_empty()).then_some(shown + &more)
}

fn inbound(nat: &Nat) -> Markup {
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

/// One vantage point's answer about an address.
fn asked(by: &InboundBy) -> Markup {
    let failed = by.stages.iter().find(|stage| stage.outcome.cause().is_some());
    html! {
        span.dim { (by.method) } " " (outcome(&by.outcome))
        " from " code { (said(by.from.as_deref().unwrap_or(&by.vantage))) }
        @if by.contacted_before { ", which had been sent to" }
        @if let Some(failed) = failed { ", at " (failed.stage) }
        @if let Some(message) = &by.message { span.message { " “" (said(message)) "”" } }
    }
}

/// Gateways, relays and hole punches.
fn helpers(nat: &Nat) -> Markup {
    let mut rows: Vec<(String, String, &Outcome)> = Vec::new();
    for asked in &nat.port_mapping {
        rows.push((format!("port mapping by {}", asked.protocol.name()), phrase::mapping(asked), &asked.outcome));
    }
    for relay in &nat.relays {
        let until = relay.expires.as_ref().map_or_else(String::new, |expires| format!("until {expires}"));
        rows.push((format!("reservation at {}", relay.via), until, &relay.outcome));
    }
    for punch in &nat.hole_punches {
        rows.push((format!("hole punch {}", phrase::punch(punch)), String::new(), &punch.outcome));
    }
    html! {
        @if !rows.is_empty() {
            table {
                thead { tr { th scope="col" { "Tried" } th scope="col" { "Outcome" } } }
                tbody {
                    @for (what, more, came) in rows {
                        tr { td { (said(&what)) @if !more.is_empty() { br; span.dim { (said(&more)) } } } td { (outcome(came)) } }
                    }
                }
            }
        }
    }
}

fn own(nat: &Nat) -> Markup {
    html! {
        @if !nat.local.addresses.is_empty() {
            table {
                thead { tr { th scope="col" { "Own address" } th scope="col" { "Scope" } } }
                tbody { @for own in &nat.local.addresses { tr { td { code { (said(&own.address)) } } td { (own.scope) } } } }
            }
        }
    }
}

fn outcome(outcome: &Outcome) -> Markup {
    match outcome {
        Outcome::Passed => html! { span.good { "✔ works" } },
        Outcome::Failed { cause } => html! { span.bad { "✘ " (said(&phrase::cause(cause))) } },
        Outcome::Skipped { why } => html! { span.dim { "– " (said(why.code.brief())) } },
        Outcome::Unknown { why } => html! { span.warn { "? " (said(why.code.brief())) } },
    }
}
