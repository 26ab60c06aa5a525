//! What a report comes to: a pure function from a report to a verdict, and the tables that it reads.
//!
//! 1. Each outbound attempt on an address of the target, or of a node of our own, is put in one of five heaps: it works,
//!    it fails, the own network has no way there, it could not be told, it was left out. Announced and relayed addresses
//!    give warnings alone.
//! 2. The heaps give the code:
//!
//!    | works | fails | rest | code |
//!    |---|---|---|---|
//!    | some | none | any | `reachable`; what could not be told is a warning |
//!    | some | some | any | `partly-reachable` |
//!    | none | all for one reason | nothing untold | that reason's code |
//!    | none | some that tell what answers there | any | the first of those in the order of [`VerdictCode`], down to `handshake-failed` |
//!    | none | for several weaker reasons | nothing untold | `unreachable` |
//!    | none | for weaker reasons | some untold | `inconclusive`: what was not tested may work |
//!    | none | none | no way out of the own network | `local-network-down` |
//!    | none | none | else | `inconclusive` |
//! 3. Hints come from the causes, those that decided the verdict first; warnings from everything that was seen.
//!
//! A run about the own network is judged by what it found there, in `network`.
//!
//! The target is blamed only if the own network worked: `unreachable` with `network` counts against the target only when
//! something else of the same address family answered from outside. Where this machine lacks one family and has the
//! other, its network is not down, so a target of the missing family alone is `inconclusive`.

mod addresses;
mod announced;
mod fault;
mod heaps;
mod hints;
mod libp2p_webrtc;
mod network;
mod sentence;
#[cfg(test)]
mod tests;
mod verdict;
mod warnings;
mod words;

use crate::{
    model::{Attempt, Report, TargetKind, Verdict, VerdictCode},
    order::sorted,
};
use fault::Fault;
use heaps::Heaps;
use words::{Member, per_transport, reasons};

/// The verdict on a report.
#[must_use]
pub fn diagnose(report: &Report) -> Verdict {
    if report.target.kind == TargetKind::Network {
        return network::diagnose(report);
    }
    let heaps = Heaps::of(report);
    let code = code(report, &heaps);
    let warnings = warnings::all(report, &heaps, &code);
    Verdict {
        ok: ok(&code),
        summary: words::as_sentence(&summary(report, &heaps, &code)),
        hints: hints::all(report, &heaps, &code, &warnings),
        warnings,
        evidence: evidence(&heaps, &code),
        code,
    }
}

/// Whether a verdict says that the target can be reached; none where it could not be told.
fn ok(code: &VerdictCode) -> Option<bool> {
    match code {
        VerdictCode::Reachable | VerdictCode::PartlyReachable => Some(true),
        VerdictCode::Inconclusive | VerdictCode::Unrecognised(_) => None,
        _ => Some(false),
    }
}

fn code(report: &Report, heaps: &Heaps<'_>) -> VerdictCode {
    match (heaps.works.is_empty(), verdict::decide(heaps.fails.iter().map(|(_, code)| code))) {
        (false, None) => VerdictCode::Reachable,
        (false, Some(_)) => VerdictCode::PartlyReachable,
        (true, Some(code)) if heaps.untold.is_empty() || verdict::tells_what_answers(&code) => code,
        (true, None) if heaps.untold.is_empty() && no_way_out(report, heaps) => VerdictCode::LocalNetworkDown,
        (true, _) => VerdictCode::Inconclusive,
    }
}

/// Whether nothing was tried but addresses that the own network does not lead to.
fn no_way_out(report: &Report, heaps: &Heaps<'_>) -> bool {
    let other_family = report.nat.as_ref().is_some_and(|nat| !nat.local.addresses.is_empty());
    !heaps.local.is_empty() || (!heaps.no_family().is_empty() && !other_family)
}

fn summary(report: &Report, heaps: &Heaps<'_>, code: &VerdictCode) -> String {
    match code {
        VerdictCode::Reachable => {
            let working = per_transport(&members(&heaps.works, "works"));
            match (&report.target.peer, report.expected_peer()) {
                (None, Some(peer)) => format!("{working}; the peer is {}", peer.id),
                _ => working,
            }
        }
        VerdictCode::PartlyReachable => {
            let mut all = members(&heaps.works, "works");
            all.extend(heaps.fails.iter().map(|(fault, _)| Member::new(fault.attempt, "fails")));
            per_transport(&all)
        }
        VerdictCode::LocalNetworkDown => {
            let family = heaps.local.iter().chain(&heaps.no_family()).find_map(|attempt| words::family_of(attempt));
            let family = family.map_or_else(String::new, |family| format!(" for {}", words::family_name(family)));
            format!("This machine's network has no way out{family}, so nothing can be said about the target")
        }
        VerdictCode::Inconclusive => untold(heaps),
        _ => failure(report, heaps, code),
    }
}

fn members<'a>(attempts: &[&'a Attempt], phrase: &'static str) -> Vec<Member<'a>> {
    attempts.iter().map(|attempt| Member::new(attempt, phrase)).collect()
}

/// The sentence of the first failure that decided, and in few words what became of the rest.
fn failure(report: &Report, heaps: &Heaps<'_>, code: &VerdictCode) -> String {
    let phrases = |faults: &mut dyn Iterator<Item = &(Fault<'_>, VerdictCode)>| {
        let members: Vec<_> = faults.map(|(fault, code)| Member::new(fault.attempt, verdict::phrase(code))).collect();
        per_transport(&members)
    };
    let deciding = || heaps.fails.iter().filter(|(_, other)| other == code).map(|(fault, _)| fault);
    let mut sentences = deciding().map(|fault| sentence::of(report, fault));
    let Some(first) = sentences.next() else { return phrases(&mut heaps.fails.iter()) };
    let alike = sentences.all(|sentence| sentence == first);
    let mut transports = deciding().map(|fault| fault.attempt.transport);
    let one_transport = transports.next().is_some_and(|first| transports.all(|other| other == first));
    let mut rest = heaps.fails.iter().filter(|(_, other)| other != code).peekable();
    match (rest.peek().is_some(), alike || verdict::tells_what_answers(code)) {
        // The code of a mixture is no more the one's than the other's.
        (true, _) if *code == VerdictCode::Unreachable => phrases(&mut heaps.fails.iter()),
        (true, _) => format!("{first}; {}", phrases(&mut rest)),
        (false, true) => first,
        (false, false) if one_transport => format!("{first}; the same at {} more", words::addresses(deciding().count() - 1)),
        (false, false) => phrases(&mut heaps.fails.iter()),
    }
}

/// Why nothing could be told, and what is known all the same.
fn untold(heaps: &Heaps<'_>) -> String {
    let known: Vec<_> = heaps.fails.iter().map(|(fault, code)| Member::new(fault.attempt, verdict::phrase(code))).collect();
    let known = if known.is_empty() { String::new() } else { format!("; {}", per_transport(&known)) };
    let open = if heaps.untold.is_empty() { &heaps.left_out } else { &heaps.untold };
    match (open.is_empty(), heaps.untold.is_empty()) {
        (true, _) => "Nothing was dialed".into(),
        (false, true) => format!("Nothing was tried: {}{known}", reasons(open)),
        (false, false) => format!("It could not be told: {}{known}", reasons(open)),
    }
}

/// The attempts that a verdict rests on, by id.
fn evidence(heaps: &Heaps<'_>, code: &VerdictCode) -> Vec<u32> {
    let works = heaps.works.iter().map(|attempt| attempt.id);
    let fails = heaps.fails.iter().map(|(fault, _)| fault.attempt.id);
    let ids: Vec<u32> = match code {
        VerdictCode::Reachable => works.collect(),
        VerdictCode::PartlyReachable => works.chain(fails).collect(),
        VerdictCode::LocalNetworkDown => heaps.local.iter().chain(&heaps.no_family()).map(|attempt| attempt.id).collect(),
        VerdictCode::Inconclusive if heaps.untold.is_empty() => heaps.left_out.iter().map(|attempt| attempt.id).collect(),
        VerdictCode::Inconclusive => heaps.untold.iter().map(|attempt| attempt.id).chain(fails).collect(),
        _ => fails.collect(),
    };
    sorted(ids)
}
