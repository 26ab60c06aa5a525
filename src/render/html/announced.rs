//! The addresses that a peer announces, and what became of each.

use maud::{Markup, html};

use super::{Page, said};
use crate::{
    model::{Announced, Outcome, Peer},
    render::phrase,
    words,
};

impl Page<'_> {
    pub(super) fn announced(&self) -> Markup {
        html! {
            @for (at, peer) in self.report.peers.iter().enumerate().filter(|(_, peer)| peer.announced_total > 0) {
                section.announced aria-labelledby=(self.id(&format!("announced{at}"))) {
                    h2 id=(self.id(&format!("announced{at}"))) { "Announced: " (words::addresses(usize::try_from(peer.announced_total).unwrap_or(usize::MAX))) }
                    @if !peer.expected { p { "By " code { (said(&peer.id)) } } }
                    (self.table(peer, at))
                    @if peer.announced.len() < usize::try_from(peer.announced_total).unwrap_or(usize::MAX) {
                        p.more { "Only the first " (peer.announced.len()) " were kept." }
                    }
                }
            }
        }
    }

    fn table(&self, peer: &Peer, of: usize) -> Markup {
        html! {
            table {
                thead { tr { th scope="col" { "Address" } th scope="col" { "Scope" } th scope="col" { "From here" } } }
                tbody {
                    @for (at, entry) in peer.announced.iter().enumerate() {
                        tr {
                            td { code.address { (said(self.without_peer(&entry.address))) } }
                            td { (entry.scope) }
                            td { (self.fate(entry, &format!("announced{of}-{at}"))) }
                        }
                    }
                }
            }
        }
    }

    /// What became of it; `name` is the link's, which keeps the focus while the report is drawn anew.
    fn fate(&self, entry: &Announced, name: &str) -> Markup {
        let Some(attempt) = entry.attempt.and_then(|id| self.report.attempt(id)) else {
            return html! { span.dim { "not dialed" } };
        };
        let link = format!("#{}", self.id(&format!("a{}", attempt.id)));
        let name = self.id(name);
        match &attempt.outcome {
            Outcome::Passed => html! { a.good id=(name) href=(link) { "✔ works" } },
            Outcome::Failed { cause } => html! { a.bad id=(name) href=(link) { "✘ " (said(&phrase::cause(cause))) } },
            Outcome::Skipped { why } => html! { span.dim { "left out: " (said(why.code.brief())) } },
            Outcome::Unknown { .. } if attempt.running() => html! { span.busy { "…" } },
            Outcome::Unknown { why } => html! { span.warn { "? " (said(why.code.brief())) } },
        }
    }
}
