//! What goes on, on a terminal's stderr: a line for each attempt that runs, drawn from the report.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{
    model::{Attempt, Report},
    render::clean,
};

/// How often a line moves while nothing happens.
const TICK: Duration = Duration::from_millis(120);

/// The lines. They vanish with it.
pub(super) struct Progress {
    lines: MultiProgress,
    running: BTreeMap<u32, ProgressBar>,
}

impl Progress {
    /// On a terminal only, and not when it is unwanted.
    pub(super) fn on_stderr(quiet: bool) -> Option<Self> {
        let wanted = !quiet && io::stderr().is_terminal();
        wanted.then(|| Self { lines: MultiProgress::new(), running: BTreeMap::new() })
    }

    /// Shows what the report says of each running attempt.
    pub(super) fn show(&mut self, report: &Report) {
        self.running.retain(|id, line| {
            let runs = report.attempt(*id).is_some_and(Attempt::running);
            if !runs {
                line.finish_and_clear();
            }
            runs
        });
        for attempt in report.attempts.iter().filter(|attempt| attempt.running()) {
            let line = self.running.entry(attempt.id).or_insert_with(|| {
                let line = self.lines.add(ProgressBar::new_spinner().with_style(style()));
                line.enable_steady_tick(TICK);
                line
            });
            line.set_message(words(attempt));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        for line in self.running.values() {
            line.finish_and_clear();
        }
        // A terminal that is gone shows nothing anyway.
        let _ = self.lines.clear();
    }
}

/// Cut to the width of the terminal.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {elapsed:>3} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn words(attempt: &Attempt) -> String {
    let stage = attempt.stages.iter().rev().find(|stage| stage.elapsed_ms.is_none());
    let stage = stage.map_or_else(String::new, |stage| format!("{}  ", stage.stage));
    let transport = attempt.transport.map_or("", Into::into);
    clean(&format!("{transport:<5} {stage}{}", attempt.remote.as_ref().unwrap_or(&attempt.address))).into_owned()
}
