//! Round-trip times, one drawing for each connection, all to the same height.

use maud::{Markup, html};

use super::{Page, said};
use crate::model::{Attempt, Micros, Stage, StageName};

/// How many pings are drawn: as many as a run sends.
const DRAWN: usize = 100;

impl Page<'_> {
    pub(super) fn pings(&self) -> Markup {
        let pinged: Vec<(&Attempt, &Stage, &[Micros])> =
            self.report.attempts.iter().filter_map(pinged).take(super::DRAWN).collect();
        let slowest = pinged.iter().flat_map(|(_, _, samples)| samples.iter()).max().copied().unwrap_or_default();
        html! {
            @if !pinged.is_empty() {
                section.pings aria-labelledby=(self.id("pings")) {
                    h2 id=(self.id("pings")) { "Pings" }
                    div.plots {
                        @for (attempt, stage, samples) in &pinged { (self.plot(attempt, stage, samples, slowest)) }
                    }
                }
            }
        }
    }

    fn plot(&self, attempt: &Attempt, stage: &Stage, samples: &[Micros], slowest: Micros) -> Markup {
        let points: Vec<(String, String)> =
            samples.iter().enumerate().map(|(at, sample)| (across(at, samples.len()), up(*sample, slowest))).collect();
        let found = &stage.found;
        html! {
            figure.plot {
                svg aria-hidden="true" focusable="false" {
                    line.grid x1="0" x2="100%" y1="10%" y2="10%" {}
                    line.grid x1="0" x2="100%" y1="90%" y2="90%" {}
                    @for pair in points.windows(2) {
                        @if let [from, to] = pair { line.rtt x1=(from.0) y1=(from.1) x2=(to.0) y2=(to.1) {} }
                    }
                    @for (x, y) in &points { circle.rtt cx=(x) cy=(y) r="3" {} }
                    text.top x="4" y="10%" dy="9" { (slowest) " ms" }
                    text.top x="4" y="90%" dy="-3" { "0" }
                }
                figcaption {
                    @if let Some(transport) = attempt.transport { strong { (transport) } " " }
                    code.address { (said(self.without_peer(&attempt.address))) } br;
                    @if let (Some(received), Some(sent)) = (found.received, found.sent) { (received) " of " (sent) " answered" }
                    @if let (Some(min), Some(median), Some(max)) = (found.min_ms, found.median_ms, found.max_ms) {
                        "; fastest " (min) ", median " (median) ", slowest " (max) " ms"
                    }
                }
            }
        }
    }
}

fn pinged(attempt: &Attempt) -> Option<(&Attempt, &Stage, &[Micros])> {
    let stage = attempt.stage(StageName::Ping)?;
    let samples = stage.found.samples_ms.as_deref().filter(|samples| !samples.is_empty())?;
    Some((attempt, stage, &samples[..samples.len().min(DRAWN)]))
}

fn across(at: usize, count: usize) -> String {
    format!("{}%", 24 + at * 72 / count.saturating_sub(1).max(1))
}

/// From the line of zero at nine tenths up to the slowest at one tenth.
fn up(sample: Micros, slowest: Micros) -> String {
    let part = u128::from(sample.0) * 8000 / u128::from(slowest.0.max(1));
    let height = 9000_u128.saturating_sub(part);
    format!("{}.{:02}%", height / 100, height % 100)
}
