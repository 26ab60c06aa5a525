//! What the listener saw of the same dials.

use maud::{Markup, html};

use super::{DRAWN, Page, scale::Scale};

impl Page<'_> {
    pub(super) fn listener(&self) -> Markup {
        let Some(listener) = &self.report.listener else { return html! {} };
        let scale = Scale::of(self.report.attempts.iter(), self.report.elapsed_ms);
        html! {
            section.listener aria-labelledby=(self.id("listener")) {
                h2 id=(self.id("listener")) { "The other end" }
                @if listener.attempts.is_empty() {
                    p { "The listener saw none of these dials: they never reached it, or ended before they told who dials." }
                } @else {
                    p.note { "The same dials, as the listener saw them. Its clock is its own: each bar begins with the first that it saw, to the scale above." }
                    ol.rows {
                        @for attempt in listener.attempts.iter().take(DRAWN) {
                            (self.attempt(attempt, &scale.from(attempt.start_ms.unwrap_or_default())))
                        }
                    }
                }
            }
        }
    }
}
