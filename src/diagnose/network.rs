//! The verdict of a run about the own network: that of `nat`, which is the fold of what was measured.

use super::{heaps::Heaps, ok, warnings};
use crate::model::{Cause, Inbound, Method, Nat, NatStatus, Report, Tested, Verdict, VerdictCode};

pub(super) fn diagnose(report: &Report) -> Verdict {
    let nat = report.nat.clone().unwrap_or_default();
    let asked = report.attempts.iter().filter(|attempt| attempt.outcome.passed());
    let (code, summary) = match checked(&nat) {
        Some(checked) => checked,
        None if nat.status == NatStatus::Unknown && asked.clone().next().is_none() && !report.attempts.is_empty() => {
            nobody_asked(report, &nat)
        }
        None => (code(&nat), nat.summary.clone()),
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

/// Why nothing was measured: the own network, the time, or those who were to be asked.
fn nobody_asked(report: &Report, nat: &Nat) -> (VerdictCode, String) {
    if nat.local.addresses.is_empty() {
        let text =
            "This machine is in no network: it has no address but its own loopback. Check its uplink and its default route.";
        return (VerdictCode::LocalNetworkDown, text.into());
    }
    let what =
        if report.complete { "No vantage point could be reached" } else { "The run ended before a vantage point was reached" };
    (VerdictCode::Inconclusive, format!("{what}, so nothing could be told."))
}

/// Where a node was checked, whether it can be reached is the question: that of the machine stands beside it.
fn checked(nat: &Nat) -> Option<(VerdictCode, String)> {
    let of_node = |dial: &&Inbound| dial.by.iter().any(|by| by.method == Method::Check);
    let checks: Vec<&Inbound> = nat.inbound.iter().filter(of_node).collect();
    let first = checks.first()?;
    let failure = checks.iter().find_map(|dial| dial.cause.as_ref().map(|cause| (dial, cause)));
    let works: Vec<&str> =
        checks.iter().filter(|dial| dial.outcome == Tested::Passed).map(|dial| dial.address.as_str()).collect();
    if !works.is_empty() {
        let reached = format!("The node can be reached from outside at {}", works.join(" and "));
        return Some(match failure {
            None => (VerdictCode::Reachable, format!("{reached}.")),
            Some((failed, cause)) => {
                (VerdictCode::PartlyReachable, format!("{reached}, and not at {}: {}.", failed.address, cause.brief()))
            }
        });
    }
    let Some((failed, cause)) = failure else {
        return Some((
            VerdictCode::Inconclusive,
            format!("Whether the node at {} can be reached could not be told.", first.address),
        ));
    };
    let failed = format!("The node cannot be reached from outside at {}: {}", failed.address, cause.brief());
    if code(nat) != VerdictCode::Reachable && code(nat) != VerdictCode::Inconclusive {
        return Some((code(nat), format!("{failed}. {}", nat.summary)));
    }
    let code = match cause {
        Cause::Refused => VerdictCode::Refused,
        Cause::WrongPeer { .. } => VerdictCode::WrongPeer,
        Cause::UdpSilent => VerdictCode::UdpUnanswered,
        Cause::TimedOut => VerdictCode::Unanswered,
        Cause::NotLibp2p { .. } => VerdictCode::NotLibp2p,
        _ => VerdictCode::Unreachable,
    };
    Some((code, format!("{failed}.")))
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
    use crate::model::{InboundBy, Outcome, TargetKind, Transport, WhyCode};

    /// A report in which a node was checked from outside.
    fn checked(status: NatStatus, outcome: Outcome) -> Verdict {
        all_checked(status, &[("/ip4/11.22.33.9/tcp/4001", Transport::Tcp, outcome)])
    }

    fn all_checked(status: NatStatus, outcomes: &[(&str, Transport, Outcome)]) -> Verdict {
        let inbound = outcomes.iter().map(|(address, transport, outcome)| {
            let by = InboundBy {
                method: Method::Check,
                vantage: "v".into(),
                from: None,
                contacted_before: false,
                outcome: outcome.clone(),
                stages: Vec::new(),
                message: None,
            };
            Inbound::new((*address).into(), *transport, outcome.clone(), vec![by])
        });
        let inbound = inbound.collect();
        let mut report = Report::default();
        report.nat = Some(Nat { status, summary: "So it is.".into(), inbound, ..Nat::default() });
        report.target.kind = TargetKind::Network;
        super::super::diagnose(&report)
    }

    #[test]
    fn a_checked_node_is_what_the_verdict_is_about() {
        let refused = || Outcome::failed(Cause::Refused);
        let table = [
            (NatStatus::Public, Outcome::Passed, "reachable"),
            (NatStatus::Public, refused(), "refused"),
            (NatStatus::Unknown, refused(), "refused"),
            (NatStatus::Mapped, Outcome::failed(Cause::TimedOut), "unanswered"),
            (NatStatus::Nat, refused(), "behind-nat"),
            (NatStatus::Firewalled, Outcome::failed(Cause::TimedOut), "firewalled"),
            (NatStatus::Public, Outcome::unknown(WhyCode::OverLimit), "inconclusive"),
        ];
        for (status, outcome, code) in table {
            let verdict = checked(status, outcome.clone());
            assert_eq!(verdict.code.code(), code, "{status} {outcome:?}");
            assert!(verdict.summary.contains("/ip4/11.22.33.9/tcp/4001"), "{}", verdict.summary);
        }
    }

    #[test]
    fn a_node_that_is_reached_over_some_transports_is_partly_reachable() {
        let (tcp, ws) = ("/ip4/11.22.33.9/tcp/4001", "/ip4/11.22.33.9/tcp/4002/ws");
        for (of_ws, code) in [
            (Outcome::failed(Cause::Refused), "partly-reachable"),
            (Outcome::Passed, "reachable"),
            // What could not be asked about is no failure.
            (Outcome::unknown(WhyCode::OverLimit), "reachable"),
        ] {
            let outcomes = [(tcp, Transport::Tcp, Outcome::Passed), (ws, Transport::Ws, of_ws.clone())];
            let verdict = all_checked(NatStatus::Public, &outcomes);
            assert_eq!((verdict.code.code(), verdict.ok), (code, Some(true)), "{of_ws:?}");
            assert_eq!(verdict.summary.contains(ws), code != "reachable" || of_ws.passed(), "{}", verdict.summary);
        }
    }

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
