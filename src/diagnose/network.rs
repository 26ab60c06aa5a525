//! The verdict of a run about the own network: that of `nat`, which is the fold of what was measured.

use super::{heaps::Heaps, ok, warnings};
use crate::model::{Nat, NatStatus, Report, Verdict, VerdictCode};

pub(super) fn diagnose(report: &Report) -> Verdict {
    let nat = report.nat.clone().unwrap_or_default();
    let code = code(&nat);
    let asked = report.attempts.iter().filter(|attempt| attempt.outcome.passed());
    let summary = match (nat.status, asked.clone().next()) {
        (NatStatus::Unknown, None) if !report.attempts.is_empty() => {
            "No vantage point could be reached, so nothing could be told.".into()
        }
        _ => nat.summary.clone(),
    };
    Verdict {
        ok: ok(&code),
        summary,
        hints: Vec::new(),
        warnings: warnings::of_network(report, &Heaps::of(report)),
        evidence: asked.map(|attempt| attempt.id).collect(),
        code,
    }
}

/// `public` and `mapped` are reachable, `unknown` is not told, all else is not reachable.
fn code(nat: &Nat) -> VerdictCode {
    match nat.status {
        NatStatus::Public | NatStatus::Mapped => VerdictCode::Reachable,
        NatStatus::Firewalled => VerdictCode::Firewalled,
        NatStatus::Nat => VerdictCode::BehindNat,
        NatStatus::DoubleNat => VerdictCode::BehindDoubleNat,
        NatStatus::Cgnat => VerdictCode::BehindCgnat,
        NatStatus::UdpBlocked => VerdictCode::UdpBlocked,
        NatStatus::Unknown => VerdictCode::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;
    use crate::model::TargetKind;

    #[test]
    fn each_status_has_its_verdict() {
        for status in NatStatus::iter() {
            let nat = Nat { status, summary: "So it is.".into(), ..Nat::default() };
            let mut report = Report::default();
            report.nat = Some(nat);
            report.target.kind = TargetKind::Network;
            let verdict = super::super::diagnose(&report);
            let expected = match status {
                NatStatus::Public | NatStatus::Mapped => Some(true),
                NatStatus::Unknown => None,
                _ => Some(false),
            };
            assert_eq!((verdict.ok, verdict.summary.as_str()), (expected, "So it is."), "{status}");
        }
    }
}
