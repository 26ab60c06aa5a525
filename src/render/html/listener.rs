//! What the listener saw of the same dials.

use maud::{Markup, html};

use super::{DRAWN, Page, attempt::stages, bar::bar, mark, said, scale::Scale};
use crate::model::Attempt;

impl Page<'_> {
    pub(super) fn listener(&self) -> Markup {
        let Some(listener) = &self.report.listener else { return html! {} };
        let scale = Scale::of(self.report.attempts.iter(), self.report.elapsed_ms);
        let paired = |inbound: &&Attempt| self.report.attempts.iter().any(|outbound| is_end_of(inbound, outbound));
        let rest: Vec<&Attempt> = listener.attempts.iter().filter(|inbound| !paired(inbound)).take(DRAWN).collect();
        if rest.is_empty() && !listener.attempts.is_empty() {
            return html! {};
        }
        html! {
            section.listener aria-labelledby=(self.id("listener")) {
                h2 id=(self.id("listener")) { "The other end" }
                @if rest.is_empty() {
                    p { "The listener saw none of these dials: they never reached it, or ended before they told who dials." }
                } @else {
                    p.note { "Dials of this visit, as the listener saw them, to the scale above. Which is which cannot be told." }
                    ol.rows {
                        @for attempt in rest {
                            (self.attempt(attempt, &scale.on_clock(attempt.start_ms.unwrap_or_default(), scale.begin())))
                        }
                    }
                }
            }
        }
    }

    /// The other end of a dial, where the listener saw it. Its clock is its own: both are drawn from their first on.
    pub(super) fn other_end(&self, outbound: &Attempt, scale: Scale) -> Markup {
        let seen =
            self.report.listener.iter().flat_map(|listener| &listener.attempts).find(|inbound| is_end_of(inbound, outbound));
        let Some(inbound) = seen else { return html! {} };
        let (sign, class, word) = mark(inbound);
        let scale = scale.on_clock(inbound.start_ms.unwrap_or_default(), outbound.start_ms.unwrap_or_default());
        html! {
            div.other-end {
                p.who {
                    span class={ "mark " (class) } aria-hidden="true" { (sign) } " The listener saw it"
                    @if let Some(remote) = &inbound.remote { " come from " code.address { (said(remote)) } }
                    ": " span class={ "word " (class) } { (word) }
                }
                (bar(inbound, scale, inbound.start_ms.unwrap_or_default()))
                (stages(inbound))
            }
        }
    }
}

/// Whether two attempts are the two ends of one dial: the listener saw the peer ID that was drawn for it.
fn is_end_of(inbound: &Attempt, outbound: &Attempt) -> bool {
    let dialer = outbound.stages.iter().find_map(|stage| stage.found.local_peer.as_deref());
    dialer.is_some() && dialer == inbound.peer() && inbound.transport == outbound.transport
}
