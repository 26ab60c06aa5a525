//! Two reports beside each other: which transports work from where, and why the difference. Pure.
//!
//! A difference is explained only by what both reports hold. Where they do not tell why, that is what is said.

mod note;
mod reason;
mod row;
#[cfg(test)]
mod tests;
mod words;

use schemars::JsonSchema;
use serde::Serialize;
use strum::IntoEnumIterator as _;

pub use reason::{Reason, ReasonCode};
pub use row::{Relation, Row, View};

use crate::model::{Report, RuntimeKind, Stamp, Transport, VerdictCode};

/// The schema that comparisons of this version follow.
pub const SCHEMA: &str = "p2p-probe/comparison/1";

/// What comes out of two reports.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// `p2p-probe/comparison/1`.
    pub schema: String,
    /// Whether the same transports work from both; null where no transport was tried from both, or the targets are not the
    /// same.
    pub same: Option<bool>,
    /// One or two sentences.
    pub summary: String,
    /// Whether both are about the same target.
    pub target: SameTarget,
    /// The first report.
    pub a: Side,
    /// The second report.
    pub b: Side,
    /// Every transport, in the order of reports.
    pub transports: Vec<Row>,
    /// What else bears on the difference.
    pub notes: Vec<Reason>,
}

/// Whether two reports are about the same target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SameTarget {
    /// The same peer, or the same address.
    Same,
    /// Another peer.
    Different,
    /// It cannot be told: names are replaced, or no peer answered.
    Unknown,
}

/// Where a report is from and what it came to.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    /// Where it ran.
    pub runtime: RuntimeKind,
    /// The browser that it ran in.
    pub user_agent: Option<String>,
    /// The version of the program.
    pub version: String,
    /// When it ran.
    pub started: Stamp,
    /// The target as it was typed.
    pub input: String,
    /// The peer that was named or, where none was, that answered.
    pub peer: Option<String>,
    /// What that report came to.
    pub verdict: Option<VerdictCode>,
}

/// Compares two reports.
#[must_use]
pub fn compare(a: &Report, b: &Report) -> Comparison {
    let target = same_target(a, b);
    let transports: Vec<Row> = Transport::iter().map(|transport| row::of(transport, a, b)).collect();
    let same = if target == SameTarget::Different { None } else { same(&transports) };
    Comparison {
        schema: SCHEMA.into(),
        same,
        summary: words::summary(target, &transports),
        target,
        a: side(a),
        b: side(b),
        notes: note::all(a, b, same),
        transports,
    }
}

/// One transport that works from one side alone is a difference; without a transport tried from both nothing is known.
fn same(rows: &[Row]) -> Option<bool> {
    let differs = rows.iter().any(|row| row.relation == Relation::Differs);
    let told = rows.iter().any(|row| row.relation != Relation::Untold);
    told.then_some(!differs)
}

fn side(report: &Report) -> Side {
    Side {
        runtime: report.tool.runtime,
        user_agent: report.tool.user_agent.clone(),
        version: report.tool.version.clone(),
        started: report.started.clone(),
        input: report.target.input.clone(),
        peer: peer(report).map(str::to_owned),
        verdict: report.verdict.as_ref().map(|verdict| verdict.code.clone()),
    }
}

fn peer(report: &Report) -> Option<&str> {
    report.target.peer.as_deref().or_else(|| report.expected_peer().map(|peer| peer.id.as_str()))
}

fn same_target(a: &Report, b: &Report) -> SameTarget {
    if a.options.redacted || b.options.redacted {
        return SameTarget::Unknown;
    }
    let shared_address = || a.attempts.iter().any(|one| b.attempts.iter().any(|other| row::same_place(one, other)));
    match (peer(a), peer(b)) {
        (Some(one), Some(other)) if one == other => SameTarget::Same,
        // Without a peer named, another one at the same address is a difference of the target, not of targets.
        _ if a.target.input == b.target.input => SameTarget::Same,
        (Some(_), Some(_)) => SameTarget::Different,
        _ if shared_address() => SameTarget::Same,
        _ => SameTarget::Unknown,
    }
}
