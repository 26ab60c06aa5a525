//! The time axis: every bar of a report is drawn to it.

use maud::{Markup, html};

use crate::model::{Attempt, Micros};

/// How many marks an axis has at most.
const MARKS: u64 = 6;

/// From when to when, in microseconds. On another clock the start may lie before its zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    start: i128,
    span: u64,
}

impl Scale {
    /// From the first moment of these attempts to their last, or to `now` where one still runs.
    pub(super) fn of<'a>(attempts: impl Iterator<Item = &'a Attempt>, now: Micros) -> Self {
        let (mut start, mut end) = (u64::MAX, 0);
        for attempt in attempts {
            let begun = attempt.stages.iter().map(|stage| stage.start_ms).chain(attempt.start_ms);
            start = begun.map(|moment| moment.0).fold(start, u64::min);
            let ended = attempt.stages.iter().map(|stage| stage.elapsed_ms.map_or(now, |elapsed| stage.start_ms + elapsed));
            let ended = ended.chain(attempt.start_ms.map(|begun| attempt.elapsed_ms.map_or(now, |elapsed| begun + elapsed)));
            end = ended.map(|moment| moment.0).fold(end, u64::max);
        }
        let start = if start == u64::MAX { 0 } else { start };
        Self { start: start.into(), span: end.saturating_sub(start).max(1) }
    }

    /// The same scale for a clock that shows `there` when this one shows `here`.
    pub(super) fn on_clock(self, there: Micros, here: Micros) -> Self {
        Self { start: self.start + i128::from(there.0) - i128::from(here.0), ..self }
    }

    /// Where it begins.
    pub(super) fn begin(self) -> Micros {
        Micros(u64::try_from(self.start).unwrap_or_default())
    }

    /// Where a moment is, as a percentage of the width.
    pub(super) fn at(self, moment: Micros) -> String {
        let part = (i128::from(moment.0) - self.start).clamp(0, self.span.into());
        percent(u64::try_from(part).unwrap_or(self.span), self.span)
    }

    /// How wide a span of time is.
    pub(super) fn width(self, span: Micros) -> String {
        percent(span.0.min(self.span), self.span)
    }

    /// The marks: where, and what is written there. A round number of milliseconds lies between them.
    fn marks(self) -> Vec<(String, String)> {
        let step = step(self.span);
        (0..=self.span / step).map(|count| count * step).map(|at| (percent(at, self.span), label(at, step))).collect()
    }

    pub(super) fn axis(self) -> Markup {
        html! {
            svg.axis aria-hidden="true" focusable="false" {
                @for (at, label) in self.marks() {
                    line x1=(at) x2=(at) y1="13" y2="18" {}
                    text x=(at) y="10" { (label) }
                }
            }
        }
    }

    /// The lines behind a bar.
    pub(super) fn grid(self) -> Markup {
        html! { @for (at, _) in self.marks() { line.grid x1=(at) x2=(at) y1="0" y2="100%" {} } }
    }
}

/// A part of a whole in percent, exact to a tenth of a pixel on any screen.
fn percent(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part) * 100_000 / u128::from(whole.max(1));
    format!("{}.{:03}%", thousandths / 1000, thousandths % 1000)
}

/// 1, 2 or 5 times a power of ten microseconds, so that there are few marks.
fn step(span: u64) -> u64 {
    let steps = (0..19).flat_map(|exponent| [1, 2, 5].map(|digit| 10_u64.saturating_pow(exponent).saturating_mul(digit)));
    steps.into_iter().find(|step| span / step < MARKS).unwrap_or(u64::MAX)
}

fn label(at: u64, step: u64) -> String {
    match (at, step) {
        (0, _) => "0".into(),
        (_, 1_000_000..) => format!("{} s", at / 1_000_000),
        (_, 1000..) if at >= 1_000_000 => format!("{}.{} s", at / 1_000_000, at % 1_000_000 / 100_000),
        (_, 1000..) => format!("{} ms", at / 1000),
        _ => format!("{}.{:03}", at / 1000, at % 1000).trim_end_matches('0').trim_end_matches('.').to_owned() + " ms",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_true() {
        let scale = Scale { start: 1000, span: 4000 };
        assert_eq!((scale.at(Micros(1000)).as_str(), scale.at(Micros(2000)).as_str()), ("0.000%", "25.000%"));
        assert_eq!((scale.at(Micros(0)).as_str(), scale.at(Micros(9_000_000)).as_str()), ("0.000%", "100.000%"));
        // The same moment on a clock that is behind, and on one that has just begun.
        assert_eq!(scale.on_clock(Micros(700), Micros(2000)).at(Micros(700)), "25.000%");
        assert_eq!(scale.on_clock(Micros(0), Micros(2000)).at(Micros(1000)), "50.000%");
        assert_eq!((scale.width(Micros(1)).as_str(), scale.width(Micros(u64::MAX)).as_str()), ("0.025%", "100.000%"));
    }

    #[test]
    fn marks_are_round_and_few() {
        let labels = |span| Scale { start: 0, span }.marks().into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(17_275), ["0", "5 ms", "10 ms", "15 ms"]);
        assert_eq!(labels(1_700_000), ["0", "500 ms", "1.0 s", "1.5 s"]);
        assert_eq!(labels(30_000_000), ["0", "10 s", "20 s", "30 s"]);
        assert_eq!(labels(900), ["0", "0.2 ms", "0.4 ms", "0.6 ms", "0.8 ms"]);
        for span in [1, 7, 999, 1_000_000, u64::MAX] {
            assert!((1..=6).contains(&labels(span).len()), "{span}");
        }
    }
}
