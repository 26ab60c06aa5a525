//! The own network, as far as it was looked at: what it does to peers, which of them came in, and what would help.

use maud::{Markup, html};

use super::{Page, headline::advice, outside, said};
use crate::{
    model::{Behaviour, Family, FamilyNat, Mapping, Nat, Nat64, NatStatus, Outcome, PortMapping, Prediction, TargetKind, Tested},
    render::{measured, phrase},
};

/// How many outside addresses are shown.
const SHOWN: usize = 3;

/// A row of a family's table: its name, and how it is told.
type Told = (&'static str, fn(&Behaviour) -> Option<String>);

/// What is told of each protocol, in the terms of RFC 4787. A row without anything known is left out.
const ROWS: [Told; 8] = [
    ("Mapping", |layer| Some(phrase::behaviour(layer))),
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
        let Some(nat) = measured(self.report) else { return html! {} };
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
                (outside::inbound(nat))
                (helpers(nat))
                (vantages(nat))
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
            @if family.nat64 { " through the network's translator (NAT64)" }
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

/// Gateways, relays and hole punches.
fn helpers(nat: &Nat) -> Markup {
    let mut rows: Vec<(String, String, Markup)> = Vec::new();
    for asked in &nat.port_mapping {
        let what = if asked.family == Family::Ipv6 { "opening of the IPv6 firewall" } else { "port mapping" };
        rows.push((format!("{what} by {}", asked.protocol.name()), phrase::mapping(asked), granted(asked)));
    }
    for relay in &nat.relays {
        let more = [phrase::slot(relay)].into_iter().chain(relay.addresses.iter().cloned()).filter(|words| !words.is_empty());
        rows.push((format!("reservation at {}", relay.via), more.collect::<Vec<_>>().join("\n"), outcome(&relay.outcome)));
    }
    for punch in &nat.hole_punches {
        rows.push((format!("hole punch {}", phrase::punch(punch)), String::new(), outcome(&punch.outcome)));
    }
    html! {
        @if !rows.is_empty() {
            table {
                thead { tr { th scope="col" { "Tried" } th scope="col" { "Outcome" } } }
                tbody {
                    @for (what, more, came) in rows {
                        tr { td { (said(&what)) @for line in more.lines() { br; span.dim { (said(line)) } } } td { (came) } }
                    }
                }
            }
        }
    }
}

/// Who was asked.
fn vantages(nat: &Nat) -> Markup {
    html! {
        @if !nat.vantages.is_empty() {
            table {
                thead { tr { th scope="col" { "Vantage point" } th scope="col" { "At" } th scope="col" { "Sees this machine at" } } }
                tbody {
                    @for vantage in &nat.vantages {
                        tr {
                            td {
                                code { (said(&vantage.vantage)) }
                                @if !vantage.offers.is_empty() { br; span.dim { "offers " (said(&vantage.offers.join(", "))) } }
                            }
                            td { code { (said(&vantage.address)) } }
                            td {
                                @match &vantage.cause {
                                    Some(cause) => span.bad { (said(&phrase::cause(cause))) },
                                    None => (vantage.observed.as_deref().map_or("–".into(), said)),
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn own(nat: &Nat) -> Markup {
    let state = |address: &str| nat.local.usable.iter().find(|usable| usable.source == address).map(|usable| usable.outcome);
    html! {
        @if !nat.local.addresses.is_empty() {
            table {
                thead { tr { th scope="col" { "Own address" } th scope="col" { "Scope" } th scope="col" { "Leads out" } } }
                tbody {
                    @for own in &nat.local.addresses {
                        tr {
                            td { code { (said(&own.address)) } }
                            td { (own.scope) }
                            @match state(&own.address) {
                                Some(Tested::Passed) => { td.good { "yes" } }
                                Some(Tested::Failed) => { td.bad { "nowhere" } }
                                Some(Tested::Unknown) | None => { td { "–" } }
                            }
                        }
                    }
                }
            }
        }
        @if nat.local.nat64 == Nat64::Present {
            p { "This network translates IPv6 to IPv4 (NAT64)" @if let Some(prefix) = &nat.local.nat64_prefix { " under " code { (said(prefix)) } } "." }
        }
    }
}

/// What a gateway grants is worth what comes through it.
fn granted(mapping: &PortMapping) -> Markup {
    match phrase::worth(mapping) {
        Some(worth) if mapping.verified == Some(false) => html! { span.bad { "✘ " (worth) } },
        Some(worth) => html! { span.good { "✔ " (worth) } },
        None => outcome(&mapping.outcome),
    }
}

/// How something ended, in words.
pub(super) fn outcome(outcome: &Outcome) -> Markup {
    match outcome {
        Outcome::Passed => html! { span.good { "✔ works" } },
        Outcome::Failed { cause } => html! { span.bad { "✘ " (said(&phrase::cause(cause))) } },
        Outcome::Skipped { why } => html! { span.dim { "– " (said(why.code.brief())) } },
        Outcome::Unknown { why } => html! { span.warn { "? " (said(why.code.brief())) } },
    }
}
