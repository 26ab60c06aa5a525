//! What goes on, on a terminal's stderr: a line for each attempt that runs, drawn from the report.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{
    model::{Attempt, Behaviour, NatStatus, Report, StageName},
    render::clean,
};

/// How often a line moves while nothing happens.
const TICK: Duration = Duration::from_millis(120);

/// The lines. They vanish with it.
pub(super) struct Progress {
    lines: MultiProgress,
    running: BTreeMap<u32, ProgressBar>,
    /// There while names are looked up and nothing is dialed yet.
    looking_up: Option<ProgressBar>,
    /// There while the own network is measured.
    measuring: Option<ProgressBar>,
}

impl Progress {
    /// On a terminal only, and not when it is unwanted.
    pub(super) fn on_stderr(quiet: bool) -> Option<Self> {
        let wanted = !quiet && io::stderr().is_terminal();
        wanted.then(|| Self { lines: MultiProgress::new(), running: BTreeMap::new(), looking_up: None, measuring: None })
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
        self.look_up(report);
        self.measure(report);
        for attempt in report.attempts.iter().filter(|attempt| attempt.running()) {
            self.running.entry(attempt.id).or_insert_with(|| line(&self.lines)).set_message(words(attempt));
        }
    }

    /// What is known about the own network so far, once vantage points were asked.
    fn measure(&mut self, report: &Report) {
        let Some(nat) = report.nat.as_ref().filter(|nat| !nat.vantages.is_empty()) else { return };
        if report.verdict.is_some() {
            return self.measuring.take().iter().for_each(ProgressBar::finish_and_clear);
        }
        let told = [("IPv4", &nat.ipv4), ("IPv6", &nat.ipv6)].into_iter().filter_map(|(name, family)| {
            let family = family.as_ref()?;
            let layer = |layer: &Behaviour| format!("mapping {}, filtering {}", layer.mapping, layer.filtering);
            // First, so that a narrow terminal shows it: the rest of a run takes seconds and changes it seldom.
            let status = if family.status == NatStatus::Unknown { "testing".into() } else { family.status.to_string() };
            Some(format!("{name} {status}  udp {}  tcp {}", layer(&family.udp), layer(&family.tcp)))
        });
        let told = told.collect::<Vec<_>>().join("  ");
        self.measuring.get_or_insert_with(|| line(&self.lines)).set_message(if told.is_empty() {
            "testing".into()
        } else {
            told
        });
    }

    /// The target's own line, until there are attempts to show.
    fn look_up(&mut self, report: &Report) {
        if report.attempts.is_empty() && report.verdict.is_none() {
            let line = self.looking_up.get_or_insert_with(|| line(&self.lines));
            line.set_message(clean(&format!("{}  {}", StageName::Resolve, report.target.input)).into_owned());
        } else if let Some(line) = self.looking_up.take() {
            line.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        for line in self.running.values().chain(&self.looking_up).chain(&self.measuring) {
            line.finish_and_clear();
        }
        // A terminal that is gone shows nothing anyway.
        let _ = self.lines.clear();
    }
}

fn line(lines: &MultiProgress) -> ProgressBar {
    let line = lines.add(ProgressBar::new_spinner().with_style(style()));
    line.enable_steady_tick(TICK);
    line
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
