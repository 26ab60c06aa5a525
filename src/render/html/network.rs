//! The own network, as far as it was looked at.

use maud::{Markup, html};

use super::{Page, said};
use crate::{
    model::{Behaviour, FamilyNat, Nat, Outcome, Tested},
    render::phrase,
};

impl Page<'_> {
    pub(super) fn network(&self) -> Markup {
        let Some(nat) = &self.report.nat else { return html! {} };
        html! {
            section.network aria-labelledby=(self.id("network")) {
                h2 id=(self.id("network")) { "The own network" }
                p { (said(&nat.summary)) }
                @if !nat.remedies.is_empty() {
                    ul.hints aria-label="What would help here" {
                        @for remedy in &nat.remedies {
                            li {
                                (said(&remedy.text)) " " code.code { (said(remedy.code.code())) }
                                @if let Some(command) = &remedy.command { code.copy { (said(command)) } }
                            }
                        }
                    }
                }
                (own(nat))
                (behaviour(nat))
                (inbound(nat))
                (helpers(nat))
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

/// In the terms of RFC 4787.
fn behaviour(nat: &Nat) -> Markup {
    let families: Vec<(&str, &FamilyNat)> = [("IPv4", &nat.ipv4), ("IPv6", &nat.ipv6)]
        .into_iter()
        .filter_map(|(name, family)| Some((name, family.as_ref()?)))
        .collect();
    html! {
        @if !families.is_empty() {
            table {
                thead { tr { th scope="col" { "Over" } th scope="col" { "Mapping" } th scope="col" { "Filtering" } th scope="col" { "Hairpin" } th scope="col" { "Seen outside as" } } }
                tbody {
                    @for (name, family) in families { (line(name, "UDP", &family.udp)) (line(name, "TCP", &family.tcp)) }
                }
            }
        }
    }
}

fn line(family: &str, protocol: &str, behaviour: &Behaviour) -> Markup {
    html! {
        tr {
            th scope="row" { (family) " " (protocol) }
            td { (behaviour.mapping) }
            td { (behaviour.filtering) }
            td { (behaviour.hairpin) }
            td { @for mapped in &behaviour.mapped { code { (said(mapped)) } " " } }
        }
    }
}

fn inbound(nat: &Nat) -> Markup {
    html! {
        @if !nat.inbound.is_empty() {
            table {
                thead { tr { th scope="col" { "Dialed from outside" } th scope="col" { "Outcome" } } }
                tbody {
                    @for address in &nat.inbound {
                        tr {
                            td { code.address { (said(&address.address)) } }
                            td { (match address.outcome {
                                Tested::Passed => outcome(&Outcome::Passed),
                                Tested::Failed => address.cause.clone().map_or_else(|| html! { span.bad { "✘ fails" } }, |cause| outcome(&Outcome::failed(cause))),
                                Tested::Unknown => html! { span.warn { "? " (said(address.why.as_ref().map_or("not told", |why| why.code.brief()))) } },
                            }) }
                        }
                    }
                }
            }
        }
    }
}

/// Gateways, relays and hole punches.
fn helpers(nat: &Nat) -> Markup {
    let mut rows: Vec<(String, &Outcome)> = Vec::new();
    rows.extend(
        nat.port_mapping
            .iter()
            .map(|asked| (format!("port mapping by {} {}", asked.protocol.name(), phrase::mapping(asked)), &asked.outcome)),
    );
    rows.extend(nat.relays.iter().map(|relay| (format!("reservation at {}", relay.via), &relay.outcome)));
    rows.extend(nat.hole_punches.iter().map(|punch| (format!("hole punch {}", phrase::punch(punch)), &punch.outcome)));
    html! {
        @if !rows.is_empty() {
            table {
                thead { tr { th scope="col" { "Tried" } th scope="col" { "Outcome" } } }
                tbody { @for (what, came) in rows { tr { td { (said(&what)) } td { (outcome(came)) } } } }
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
