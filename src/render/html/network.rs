//! The own network, as far as it was looked at.

use maud::{Markup, html};

use super::{Page, said};

impl Page<'_> {
    pub(super) fn network(&self) -> Markup {
        let Some(nat) = &self.report.nat else { return html! {} };
        html! {
            section.network aria-labelledby=(self.id("network")) {
                h2 id=(self.id("network")) { "The own network" }
                p { (said(&nat.summary)) }
                @if !nat.local.addresses.is_empty() {
                    table {
                        thead { tr { th scope="col" { "Own address" } th scope="col" { "Scope" } } }
                        tbody {
                            @for own in &nat.local.addresses { tr { td { code { (said(&own.address)) } } td { (own.scope) } } }
                        }
                    }
                }
            }
        }
    }
}
