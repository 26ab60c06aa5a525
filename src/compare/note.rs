//! What bears on all of a comparison.

use std::time::Duration;

use super::{
    peer,
    reason::{Reason, ReasonCode},
};
use crate::model::Report;

/// Reports this far apart may be about a target that has changed.
const APART: Duration = Duration::from_secs(3600);
/// The longest part of an agent version that is told, in characters: a peer may send any.
const AGENT: usize = 64;

pub(super) fn all(a: &Report, b: &Report, same: Option<bool>) -> Vec<Reason> {
    let mut notes = Vec::new();
    let mut note = |code: ReasonCode, text: String| notes.push(Reason { code, text });
    let redacted = a.options.redacted || b.options.redacted;
    if redacted {
        note(ReasonCode::Redacted, "Addresses and peer IDs are replaced in one of them, so that they cannot be matched.".into());
    }
    if let (Some(one), Some(other)) = (peer(a), peer(b))
        && one != other
        && !redacted
    {
        note(ReasonCode::OtherPeer, format!("A is about peer {one}, B about {other}."));
    }
    let agent =
        |report: &Report| -> Option<String> { Some(report.expected_peer()?.agent.as_deref()?.chars().take(AGENT).collect()) };
    if let (Some(one), Some(other)) = (agent(a), agent(b))
        && one != other
    {
        note(ReasonCode::OtherAgent, format!("The peer called itself {one} to A and {other} to B."));
    }
    if a.options.security != b.options.security || a.options.webrtc != b.options.webrtc {
        note(ReasonCode::OtherOptions, "One of them was told to dial in another way (--security, --webrtc).".into());
    }
    if same != Some(true)
        && let Some(apart) = apart(a, b).filter(|apart| *apart > APART)
    {
        let hours = apart.as_secs() / 3600;
        let span = if hours < 48 { format!("{hours} h") } else { format!("{} days", hours / 24) };
        note(ReasonCode::ApartInTime, format!("They were made {span} apart; the target may have changed between."));
    }
    notes
}

fn apart(a: &Report, b: &Report) -> Option<Duration> {
    let (one, other) = (a.started.time()?, b.started.time()?);
    one.duration_since(other).or_else(|_| other.duration_since(one)).ok()
}
