//! What a report comes to.
use crate::model::{Report, Verdict, VerdictCode};
/// The verdict on a report.
#[must_use]
pub fn diagnose(_report: &Report) -> Verdict {
    Verdict {
        code: VerdictCode::Inconclusive,
        ok: None,
        summary: String::new(),
        hints: vec![],
        warnings: vec![],
        evidence: vec![],
    }
}
