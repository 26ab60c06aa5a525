//! Exit codes: a contract with scripts (report-format).

use std::process::ExitCode;

use super::Report;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: reachable, or what was asked for was done.
    Good,
    /// 1: not reachable, or it could not be told.
    Bad,
    /// 2: it could not work at all: bad usage, an unreadable file.
    Fault,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// The number that a shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Bad => 1,
            Self::Fault => 2,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// What a report ends the program with. With `strict` any failed attempt counts.
#[must_use]
pub fn exit(report: &Report, strict: bool, interrupted: bool) -> Exit {
    let ok = report.verdict.as_ref().and_then(|verdict| verdict.ok);
    let failed = || report.attempts.iter().any(|attempt| attempt.outcome.cause().is_some());
    match ok {
        _ if interrupted => Exit::Interrupted,
        Some(true) if !(strict && failed()) => Exit::Good,
        _ => Exit::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Outcome, Verdict, VerdictCode};

    fn report(ok: Option<bool>, outcomes: &[Outcome]) -> Report {
        let example = include_str!("../../tests/schema/example.json");
        let mut report: Report = serde_json::from_str(example).unwrap();
        let attempt = report.attempts[0].clone();
        report.attempts =
            outcomes.iter().map(|outcome| crate::model::Attempt { outcome: outcome.clone(), ..attempt.clone() }).collect();
        report.verdict = report.verdict.map(|verdict| Verdict { ok, code: VerdictCode::Reachable, ..verdict });
        report
    }

    #[test]
    fn codes_follow_the_verdict() {
        let failed = Outcome::failed(Cause::Refused);
        let table = [
            (report(Some(true), &[Outcome::Passed]), false, false, 0),
            (report(Some(true), &[Outcome::Passed, failed.clone()]), false, false, 0),
            (report(Some(true), &[Outcome::Passed, failed.clone()]), true, false, 1),
            (report(Some(true), &[Outcome::Passed]), true, false, 0),
            (report(Some(false), &[failed]), false, false, 1),
            (report(None, &[]), false, false, 1),
            (report(Some(true), &[Outcome::Passed]), false, true, 130),
            (Report::default(), false, false, 1),
        ];
        for (report, strict, interrupted, code) in table {
            assert_eq!(exit(&report, strict, interrupted).code(), code);
        }
        assert_eq!(Exit::Fault.code(), 2);
    }
}
