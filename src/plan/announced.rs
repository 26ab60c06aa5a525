//! The addresses that a peer announces.

use multiaddr::Multiaddr;

use super::Candidate;
use crate::model::{Report, Source};

/// How many announced addresses one run dials.
pub const ANNOUNCED_LIMIT: usize = 32;

/// The addresses that a peer announces and no attempt has tried, in the peer's order: those to plan, and those beyond
/// [`ANNOUNCED_LIMIT`]. An entry that is no multiaddr is passed over; the list of the peer still shows it.
#[must_use]
pub fn extend(report: &Report, peer: &str) -> (Vec<Candidate>, Vec<Candidate>) {
    let Some(peer) = report.peers.iter().find(|known| known.id == peer && known.expected) else {
        return (Vec::new(), Vec::new());
    };
    let tried = report.attempts.iter().filter(|attempt| attempt.source == Source::Announced).count();
    let untried = peer.announced.iter().filter(|entry| entry.attempt.is_none());
    let parsed = untried.filter_map(|entry| entry.address.parse::<Multiaddr>().ok());
    let mut candidates: Vec<Candidate> = parsed.map(|address| Candidate::new(address, Source::Announced)).collect();
    let beyond = candidates.split_off(candidates.len().min(ANNOUNCED_LIMIT.saturating_sub(tried)));
    (candidates, beyond)
}
