//! How many came, and how far.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::Limits;
use crate::{
    inbound::Allowance,
    model::{Attempt, Direction, Event, Fact, Outcome, Report, StageName},
};

/// How many dialers came, and how far. The fold of attempts that ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those who were served.
    pub dialers: u64,
    /// Those who secured and multiplexed a connection.
    pub established: u64,
    /// Those who told who they are.
    pub identified: u64,
    /// Those who failed before, by stage.
    pub failed: BTreeMap<StageName, u64>,
    /// Those who were not done when the node ended.
    pub interrupted: u64,
    /// Those who were turned away by the limits.
    pub refused: u64,
}

impl Tally {
    /// Adds an attempt that ended.
    pub fn add(&mut self, attempt: &Attempt) {
        self.dialers += 1;
        match &attempt.outcome {
            Outcome::Passed => {
                self.established += 1;
                let identify = attempt.stage(StageName::Identify);
                self.identified += u64::from(identify.is_some_and(|stage| stage.outcome.passed()));
            }
            Outcome::Failed { .. } => {
                let failed = attempt.stages.iter().find(|stage| stage.outcome.cause().is_some());
                *self.failed.entry(failed.map_or(StageName::Connect, |stage| stage.stage)).or_default() += 1;
            }
            Outcome::Skipped { .. } | Outcome::Unknown { .. } => self.interrupted += 1,
        }
    }
}

impl fmt::Display for Tally {
    /// One line: `12 dialers: 10 reached identify, 2 failed at secure`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dialers, established, identified, failed, interrupted, refused } = self;
        match dialers {
            0 => f.write_str("nobody dialed")?,
            1 => f.write_str("1 dialer")?,
            _ => write!(f, "{dialers} dialers")?,
        }
        let mut parts = Vec::new();
        if *identified > 0 || *dialers > 0 {
            parts.push(format!("{identified} reached identify"));
        }
        if established > identified {
            parts.push(format!("{} connected without it", established - identified));
        }
        parts.extend(failed.iter().map(|(stage, count)| format!("{count} failed at {stage}")));
        if *interrupted > 0 {
            parts.push(format!("{interrupted} not done"));
        }
        if *refused > 0 {
            parts.push(format!("{refused} turned away by the limits"));
        }
        let separator = if *dialers == 0 { ", " } else { ": " };
        if parts.is_empty() { Ok(()) } else { write!(f, "{separator}{}", parts.join(", ")) }
    }
}

/// A sink that counts what passes through it.
pub(super) struct Counted<S> {
    sink: S,
    tally: Tally,
    told: Allowance,
}

impl<S: FnMut(&Event, &Report)> Counted<S> {
    pub(super) fn new(sink: S, limits: Limits) -> Self {
        Self { sink, tally: Tally::default(), told: Allowance::new(limits.told_refusals) }
    }

    pub(super) fn take(&mut self, event: &Event, report: &Report) {
        if let Fact::AttemptEnded { attempt, .. } = &event.fact
            && let Some(attempt) = report.attempt(*attempt)
            && attempt.direction == Direction::Inbound
        {
            self.tally.add(attempt);
        }
        (self.sink)(event, report);
    }

    /// Counts a dialer turned away. True when it may be told of.
    pub(super) fn may_tell_refusal(&mut self, now: Duration) -> bool {
        self.tally.refused += 1;
        self.told.take(now)
    }
}

impl<S> Counted<S> {
    /// The tally, with those whom a transport had turned away by itself.
    pub(super) fn tally(&self, refused: u64) -> Tally {
        Tally { refused: self.tally.refused + refused, ..self.tally.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_in_words() {
        assert_eq!(Tally::default().to_string(), "nobody dialed");
        let tally = Tally {
            dialers: 12,
            established: 11,
            identified: 10,
            failed: BTreeMap::from([(StageName::Secure, 1)]),
            interrupted: 0,
            refused: 3,
        };
        let words = "12 dialers: 10 reached identify, 1 connected without it, 1 failed at secure, 3 turned away by the limits";
        assert_eq!(tally.to_string(), words);
    }
}
