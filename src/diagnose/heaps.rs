//! The attempts that count for the verdict, sorted by what they tell.

use crate::model::{Attempt, Cause, Direction, Family, Outcome, Report, Source, StageName, VerdictCode, WhyCode};

use super::{
    fault::{Fault, ip_of},
    verdict,
    words::family_of,
};

/// The attempts on the target, each on one heap, in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Heaps<'a> {
    /// These work.
    pub(super) works: Vec<&'a Attempt>,
    /// These fail, and it says something about the target.
    pub(super) fails: Vec<(Fault<'a>, VerdictCode)>,
    /// The own network has no way there.
    pub(super) local: Vec<&'a Attempt>,
    /// These could not be told.
    pub(super) untold: Vec<&'a Attempt>,
    /// These were left out on purpose.
    pub(super) left_out: Vec<&'a Attempt>,
    /// A name led to more addresses than were looked at, beside those that were.
    pub(super) too_many: Vec<&'a Attempt>,
}

impl<'a> Heaps<'a> {
    /// Sorts the attempts of a report.
    pub(super) fn of(report: &'a Report) -> Self {
        let mut heaps = Self::default();
        for attempt in outbound(report).filter(|attempt| matches!(attempt.source, Source::Target | Source::Own)) {
            heaps.add(report, attempt);
        }
        // The limit is no failure of the addresses within it.
        let at_limit = |fault: &Fault<'_>| matches!(fault.cause, Cause::TooManyAddresses);
        if !heaps.works.is_empty() || !heaps.untold.is_empty() || heaps.fails.iter().any(|(fault, _)| !at_limit(fault)) {
            heaps.too_many = heaps.fails.extract_if(.., |(fault, _)| at_limit(fault)).map(|(fault, _)| fault.attempt).collect();
        }
        heaps
    }

    fn add(&mut self, report: &'a Report, attempt: &'a Attempt) {
        match (&attempt.outcome, Fault::first(attempt)) {
            (Outcome::Passed, _) => self.works.push(attempt),
            (Outcome::Skipped { .. }, _) => self.left_out.push(attempt),
            (Outcome::Failed { .. }, Some(fault)) if is_local(report, &fault) => self.local.push(attempt),
            (Outcome::Failed { .. }, Some(fault)) => match verdict::of(&fault) {
                Some(code) => self.fails.push((fault, code)),
                None => self.untold.push(attempt),
            },
            (Outcome::Failed { .. }, None) | (Outcome::Unknown { .. }, _) => self.untold.push(attempt),
        }
    }

    /// Those left out because this machine lacks their address family.
    pub(super) fn no_family(&self) -> Vec<&'a Attempt> {
        let lacking = |attempt: &&Attempt| why(attempt) == Some(&WhyCode::NoLocalFamily);
        self.left_out.iter().copied().filter(lacking).collect()
    }
}

/// The attempts that we made.
pub(super) fn outbound(report: &Report) -> impl Iterator<Item = &Attempt> {
    report.attempts.iter().filter(|attempt| attempt.direction == Direction::Outbound)
}

/// Why an attempt was left out or could not be told.
pub(super) fn why(attempt: &Attempt) -> Option<&WhyCode> {
    match &attempt.outcome {
        Outcome::Skipped { why } | Outcome::Unknown { why } => Some(&why.code),
        Outcome::Passed | Outcome::Failed { .. } => None,
    }
}

/// Whether a failure is one of the own network, as far as can be told: no route and nothing of that family that
/// answered, or silence beside it; a look-up without an answer on a machine without any network.
pub(super) fn is_local(report: &Report, fault: &Fault<'_>) -> bool {
    let no_network = report.nat.as_ref().is_some_and(|nat| nat.local.addresses.is_empty());
    match fault.cause {
        Cause::Unreachable { .. } => is_no_route(fault.attempt) && !answered(report, family_of(fault.attempt)),
        Cause::UdpSilent => beside_no_route(report, fault.attempt),
        Cause::TimedOut if fault.step() == Some(StageName::Connect) && !fault.is_half_answered() => {
            beside_no_route(report, fault.attempt)
        }
        Cause::NameLookupFailed { rcode: None } => no_network,
        Cause::TimedOut if fault.step() == Some(StageName::Resolve) => no_network,
        _ => false,
    }
}

fn is_no_route(attempt: &Attempt) -> bool {
    matches!(attempt.outcome.cause(), Some(Cause::Unreachable { what }) if what == "network")
}

fn beside_no_route(report: &Report, attempt: &Attempt) -> bool {
    let family = family_of(attempt);
    let beside = outbound(report).any(|other| family_of(other) == family && is_no_route(other));
    beside && !answered(report, family)
}

/// Whether anything of an address family answered from outside of this machine.
fn answered(report: &Report, family: Option<Family>) -> bool {
    outbound(report).filter(|attempt| family_of(attempt) == family).any(|attempt| {
        let outside = ip_of(attempt).is_some_and(|ip| !ip.is_loopback());
        let mut stages = attempt.stages.iter().filter(|stage| stage.stage != StageName::Resolve);
        outside
            && stages.any(|stage| {
                stage.outcome.passed() || matches!(stage.outcome.cause(), Some(Cause::Refused | Cause::Closed | Cause::Reset))
            })
    })
}
