//! A slot that was asked for at a relay.

use std::time::Duration;

use crate::model::{Attempt, Outcome, StageName};

/// What became of it.
pub(super) fn sentence(attempt: &Attempt) -> String {
    let hop = attempt.stage(StageName::Hop);
    if let (Outcome::Passed, Some(hop)) = (&attempt.outcome, hop.filter(|hop| hop.outcome.passed())) {
        let limits = hop.found.limits.unwrap_or_default();
        let time = limits.duration_ms.map(|time| format!("{} s", Duration::from(time).as_secs()));
        let bytes = limits.bytes.map(|bytes| format!("{bytes} bytes"));
        let limits: Vec<String> = time.into_iter().chain(bytes).collect();
        let limits = if limits.is_empty() { "without limits".into() } else { format!("of {}", limits.join(" and ")) };
        return format!("is our relay, for connections {limits}");
    }
    let failed = attempt.stages.iter().find_map(|stage| Some((stage, stage.outcome.cause()?)));
    match (failed, attempt.outcome.cause()) {
        (Some((stage, cause)), _) => format!("gives us no slot: {} at {} ({})", cause.brief(), stage.stage, cause.code()),
        (None, Some(cause)) => format!("gives us no slot: {} ({})", cause.brief(), cause.code()),
        (None, None) => "was being asked for a slot when this ended".into(),
    }
}
