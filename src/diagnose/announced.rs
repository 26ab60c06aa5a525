//! What is wrong with the addresses that a peer announces.

use crate::model::{Announced, Attempt, Outcome, Peer, Report, Scope, TargetKind, VerdictCode, Warning, WarningCode, WhyCode};

use super::{
    addresses,
    fault::{Fault, ip_of},
    heaps::{Heaps, is_local, outbound, why},
    verdict,
    words::{addresses as count, few, quoted},
};

/// Warnings about the announced addresses of the peer that the target names.
pub(super) fn warnings(report: &Report, heaps: &Heaps<'_>) -> Vec<Warning> {
    let Some(peer) = report.expected_peer() else { return Vec::new() };
    [private(report, heaps, peer), dead(report, peer), draft_quic(peer), too_many(report, peer)].into_iter().flatten().collect()
}

/// Whether an address of this scope is of no use to a peer elsewhere.
fn stays_inside(scope: Scope) -> bool {
    match scope {
        Scope::Private | Scope::Loopback | Scope::LinkLocal | Scope::Cgnat | Scope::Unspecified => true,
        Scope::Public | Scope::Documentation | Scope::Multicast | Scope::Reserved | Scope::Nat64 | Scope::Dns | Scope::Relay => {
            false
        }
    }
}

/// A node that is itself dialed at such an address announces it rightly: its network may be all it has.
fn private(report: &Report, heaps: &Heaps<'_>, peer: &Peer) -> Option<Warning> {
    let inside = |attempt: &&&Attempt| ip_of(attempt).is_some_and(|ip| stays_inside(Scope::of_ip(ip)));
    if report.target.kind == TargetKind::Own || heaps.works.is_empty() || heaps.works.iter().any(|attempt| inside(&attempt)) {
        return None;
    }
    let private: Vec<&Announced> = peer.announced.iter().filter(|entry| stays_inside(entry.scope)).collect();
    let named = addresses_of(&private);
    let not_dialed = private.iter().filter(|entry| {
        let attempt = entry.attempt.and_then(|id| report.attempt(id));
        attempt.is_none_or(|attempt| why(attempt) == Some(&WhyCode::PrivateScope))
    });
    let not_dialed = match not_dialed.count() {
        0 => String::new(),
        all if all == private.len() => ", not dialed".into(),
        some => format!(", {some} not dialed"),
    };
    let text = format!(
        "The peer announces {} that nobody outside can dial{not_dialed} ({}); set its public addresses.",
        count(private.len()),
        few(&named)
    );
    let attempts = private.iter().filter_map(|entry| entry.attempt);
    (!private.is_empty()).then(|| Warning::new(WarningCode::AnnouncesPrivate, text).about(attempts))
}

fn addresses_of(announced: &[&Announced]) -> Vec<String> {
    announced.iter().map(|entry| quoted(&entry.address)).collect()
}

/// Those that were dialed and failed by no fault of ours, out of all that were dialed.
fn dead(report: &Report, peer: &Peer) -> Option<Warning> {
    let dialed = |entry: &&Announced| {
        let attempt = report.attempt(entry.attempt?)?;
        match attempt.outcome {
            Outcome::Passed => Some((attempt, None)),
            Outcome::Failed { .. } => {
                let fault = Fault::first(attempt).filter(|fault| !is_local(report, fault))?;
                let code = verdict::of(&fault).filter(|code| *code != VerdictCode::UnsupportedAddress)?;
                Some((attempt, Some(code)))
            }
            Outcome::Skipped { .. } | Outcome::Unknown { .. } => None,
        }
    };
    let dialed: Vec<_> =
        peer.announced.iter().filter(|entry| !is_draft_quic(&entry.address)).filter_map(|entry| dialed(&entry)).collect();
    let dead = || dialed.iter().filter_map(|(attempt, code)| Some((attempt, code.as_ref()?)));
    let named: Vec<String> =
        dead().map(|(attempt, code)| format!("{} {}", quoted(&attempt.address), verdict::phrase(code))).collect();
    let what = match (dialed.len(), named.len()) {
        (1, 1) => "The one address announced and dialed does not work".into(),
        (all, failed) if all == failed => format!("None of {} announced and dialed works", count(all)),
        (all, 1) => format!("Of {} announced and dialed, 1 does not work", count(all)),
        (all, failed) => format!("Of {} announced and dialed, {failed} do not work", count(all)),
    };
    let text = format!("{what} from here ({}).", few(&named));
    (!named.is_empty()).then(|| Warning::new(WarningCode::AnnouncesDead, text).about(dead().map(|(attempt, _)| attempt.id)))
}

fn is_draft_quic(address: &str) -> bool {
    address.split('/').any(|part| part == "quic")
}

fn draft_quic(peer: &Peer) -> Option<Warning> {
    let draft: Vec<&Announced> = peer.announced.iter().filter(|entry| is_draft_quic(&entry.address)).collect();
    let first = draft.first()?;
    let text = format!(
        "The peer announces {} with draft-29 /quic, which nothing dials any more ({}); it has to use /quic-v1.",
        count(draft.len()),
        few(&addresses_of(&draft))
    );
    let mut warning = Warning::new(WarningCode::AnnouncesDraftQuic, text).about(draft.iter().filter_map(|entry| entry.attempt));
    warning.address = addresses::quic_v1(&first.address);
    Some(warning)
}

fn too_many(report: &Report, peer: &Peer) -> Option<Warning> {
    let over: Vec<u32> = outbound(report)
        .filter(|attempt| attempt.source == crate::model::Source::Announced && why(attempt) == Some(&WhyCode::OverLimit))
        .map(|attempt| attempt.id)
        .collect();
    let kept = u32::try_from(peer.announced.len()).unwrap_or(u32::MAX);
    let text = format!(
        "The peer announces {} addresses, more than a run dials; other peers cut such lists as well.",
        peer.announced_total.max(kept)
    );
    (!over.is_empty() || peer.announced_total > kept).then(|| Warning::new(WarningCode::AnnouncesTooMany, text).about(over))
}
