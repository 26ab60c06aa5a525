//! One transport, seen from both sides.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    reason::{Reason, ReasonCode},
    words,
};
use crate::model::{
    Attempt, Cause, Direction, Micros, Outcome, Report, RuntimeKind, StageName, Transport, TransportStatus, Why, WhyCode,
};

/// One transport in both reports.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// The transport.
    pub transport: Transport,
    /// How the two relate.
    pub relation: Relation,
    /// Over it in the first report.
    pub a: View,
    /// Over it in the second report.
    pub b: View,
    /// Why they differ; empty where they do not.
    pub reasons: Vec<Reason>,
}

/// How the results of two reports relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Both work, or both fail for the same cause.
    Same,
    /// Both fail, each for a cause of its own.
    OtherCause,
    /// One works, the other fails.
    Differs,
    /// One of them was not tried or could not be told, or neither was.
    Untold,
}

/// One transport in one report: its best attempt.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct View {
    /// The best outcome.
    pub status: TransportStatus,
    /// Why it failed.
    pub cause: Option<Cause>,
    /// Why it was left out or could not be told.
    pub why: Option<Why>,
    /// How long the connection took to make, without the look-up of its name.
    pub dial_ms: Option<Micros>,
    /// The median ping.
    pub ping_ms: Option<Micros>,
    /// The attempts over it.
    pub attempts: Vec<u32>,
}

impl View {
    fn told(&self) -> Option<bool> {
        match self.status {
            TransportStatus::Passed => Some(true),
            TransportStatus::Failed => Some(false),
            _ => None,
        }
    }
}

pub(super) fn of(transport: Transport, a: &Report, b: &Report) -> Row {
    let (one, other) = (view(transport, a), view(transport, b));
    let code = |view: &View| view.cause.as_ref().map(|cause| cause.code().to_owned());
    let relation = match (one.told(), other.told()) {
        (Some(false), Some(false)) if code(&one) != code(&other) => Relation::OtherCause,
        (Some(here), Some(there)) if here == there => Relation::Same,
        (Some(_), Some(_)) => Relation::Differs,
        _ => Relation::Untold,
    };
    let seen_a = Seen { name: "A", report: a, view: &one, transport };
    let seen_b = Seen { name: "B", report: b, view: &other, transport };
    let reasons = match (relation, one.told(), other.told()) {
        (Relation::OtherCause, ..) => vec![words::causes_differ(&seen_a, &seen_b)],
        (Relation::Differs, Some(true), _) => vec![why_fails(&seen_a, &seen_b)],
        (Relation::Differs, ..) => vec![why_fails(&seen_b, &seen_a)],
        (Relation::Untold, Some(_), _) => vec![words::reason(why_untold(&seen_b), &seen_a, &seen_b)],
        (Relation::Untold, _, Some(_)) => vec![words::reason(why_untold(&seen_a), &seen_b, &seen_a)],
        (Relation::Same | Relation::Untold, ..) => Vec::new(),
    };
    Row { transport, relation, a: one, b: other, reasons }
}

/// A transport in a report, and what the report is called.
pub(super) struct Seen<'a> {
    pub(super) name: &'static str,
    pub(super) report: &'a Report,
    pub(super) view: &'a View,
    pub(super) transport: Transport,
}

impl<'a> Seen<'a> {
    fn attempts(&self) -> impl Iterator<Item = &'a Attempt> + use<'a> {
        over(self.report, self.transport)
    }

    fn in_a_browser(&self) -> bool {
        self.report.tool.runtime == RuntimeKind::Browser
    }
}

fn over(report: &Report, transport: Transport) -> impl Iterator<Item = &Attempt> {
    report.attempts.iter().filter(move |attempt| attempt.transport == Some(transport) && attempt.direction == Direction::Outbound)
}

fn view(transport: Transport, report: &Report) -> View {
    let status = |attempt: &&Attempt| match attempt.outcome {
        Outcome::Passed => TransportStatus::Passed,
        Outcome::Failed { .. } => TransportStatus::Failed,
        Outcome::Unknown { .. } => TransportStatus::Unknown,
        Outcome::Skipped { .. } => TransportStatus::Skipped,
    };
    let attempts: Vec<&Attempt> = over(report, transport).collect();
    // The first of the best: what the user named comes before what was announced.
    let best = attempts.iter().copied().rev().max_by_key(status);
    let why = best.and_then(|attempt| match &attempt.outcome {
        Outcome::Skipped { why } | Outcome::Unknown { why } => Some(why.clone()),
        Outcome::Passed | Outcome::Failed { .. } => None,
    });
    View {
        status: best.map_or_else(|| report.transports.get(transport), |attempt| status(&attempt)),
        cause: best.and_then(|attempt| attempt.outcome.cause().cloned()),
        why,
        dial_ms: best.filter(|attempt| attempt.outcome.passed()).map(dial),
        ping_ms: best.and_then(|attempt| attempt.stage(StageName::Ping)?.found.median_ms),
        attempts: attempts.iter().map(|attempt| attempt.id).collect(),
    }
}

fn dial(attempt: &Attempt) -> Micros {
    attempt.stages.iter().filter(|stage| stage.stage.establishes() && !stage.shared).filter_map(|stage| stage.elapsed_ms).sum()
}

fn why_untold(untold: &Seen<'_>) -> ReasonCode {
    match (&untold.view.status, untold.view.why.as_ref().map(|why| &why.code)) {
        (TransportStatus::Unsupported, _) | (_, Some(WhyCode::NotInThisRuntime)) => ReasonCode::RuntimeCannot,
        (_, Some(WhyCode::NotYetDialable)) => ReasonCode::VersionCannot,
        (_, Some(WhyCode::ByOption | WhyCode::PrivateScope)) => ReasonCode::LeftOut,
        (_, Some(WhyCode::NoLocalFamily)) => ReasonCode::NoFamily,
        (_, Some(WhyCode::Interrupted | WhyCode::Deadline | WhyCode::NotReached | WhyCode::OverLimit)) => ReasonCode::CutShort,
        (TransportStatus::NotOffered | TransportStatus::Unknown, None) => ReasonCode::NotLearned,
        _ => ReasonCode::NotExplained,
    }
}

fn why_fails(works: &Seen<'_>, fails: &Seen<'_>) -> Reason {
    words::reason(fault(works, fails), works, fails)
}

fn fault(works: &Seen<'_>, fails: &Seen<'_>) -> ReasonCode {
    let Some(cause) = &fails.view.cause else { return ReasonCode::NotExplained };
    let failed = fails.attempts().find(|attempt| attempt.outcome.cause() == Some(cause));
    let stage = failed.and_then(failed_stage);
    match cause {
        Cause::Opaque => ReasonCode::HiddenByBrowser,
        Cause::MixedContent | Cause::PermissionNeeded | Cause::IceCredentialsRefused => ReasonCode::BrowserRule,
        Cause::LocalFault { .. } | Cause::ForbiddenLocally => ReasonCode::OwnFault,
        _ if !meet(works, fails) => elsewhere(works, fails),
        Cause::UdpSilent if udp_filtered(fails) => ReasonCode::UdpFiltered,
        Cause::WrongPeer { .. }
        | Cause::NotLibp2p { .. }
        | Cause::NotTls { .. }
        | Cause::NotHttp { .. }
        | Cause::HttpStatus { .. } => ReasonCode::OtherAnswers,
        Cause::CertHashMismatch { .. } => ReasonCode::OtherCertificate,
        Cause::CertificateExpired { .. }
        | Cause::CertificateNotYetValid { .. }
        | Cause::CertificateWrongName { .. }
        | Cause::CertificateUntrusted { .. } => certificate(works, fails),
        Cause::Refused | Cause::Unreachable { .. } | Cause::UdpSilent => ReasonCode::PathDiffers,
        // Something came back, and is none that a handshake goes on with.
        Cause::TimedOut if stage == Some(StageName::Connect) && failed.is_some_and(is_over_udp) => ReasonCode::NotExplained,
        Cause::TimedOut | Cause::Reset | Cause::Closed => match stage {
            Some(StageName::Connect | StageName::Direct) => ReasonCode::PathDiffers,
            Some(_) if matches!(cause, Cause::TimedOut) => ReasonCode::NotExplained,
            Some(_) => ReasonCode::PeerDrops,
            None => ReasonCode::NotExplained,
        },
        _ => ReasonCode::NotExplained,
    }
}

fn failed_stage(attempt: &Attempt) -> Option<StageName> {
    attempt.stages.iter().find(|stage| stage.outcome.cause().is_some()).map(|stage| stage.stage)
}

/// Whether one of the places that work for the one failed for the other.
fn meet(works: &Seen<'_>, fails: &Seen<'_>) -> bool {
    let passed = || works.attempts().filter(|attempt| attempt.outcome.passed());
    fails
        .attempts()
        .filter(|attempt| attempt.outcome.cause().is_some())
        .any(|failed| passed().any(|passed| same_place(passed, failed)))
}

fn elsewhere(works: &Seen<'_>, fails: &Seen<'_>) -> ReasonCode {
    let named = |attempt: &Attempt| attempt.address.contains("/dns");
    let one_name =
        works.attempts().any(|one| fails.attempts().any(|other| named(one) && bare(&one.address) == bare(&other.address)));
    if works.report.options.redacted || fails.report.options.redacted {
        ReasonCode::NotExplained
    } else if one_name {
        ReasonCode::NameLeadsElsewhere
    } else {
        ReasonCode::OtherAddresses
    }
}

fn is_over_udp(attempt: &Attempt) -> bool {
    matches!(attempt.transport, Some(Transport::Quic | Transport::WebrtcDirect | Transport::Webtransport))
}

/// Whether nothing over UDP was answered, while something over TCP was. Not in a page, which may fail over UDP by itself.
fn udp_filtered(seen: &Seen<'_>) -> bool {
    let udp = |attempt: &&Attempt| is_over_udp(attempt);
    let tried =
        || seen.report.attempts.iter().filter(|attempt| attempt.direction == Direction::Outbound && attempt.start_ms.is_some());
    // A time-out is no silence: something came back.
    let silent = |attempt: &Attempt| attempt.outcome.cause() == Some(&Cause::UdpSilent);
    !seen.in_a_browser()
        && tried().filter(udp).count() > 0
        && tried().filter(udp).all(silent)
        && tried().filter(|attempt| !udp(attempt)).any(|attempt| attempt.outcome.passed())
}

fn certificate(works: &Seen<'_>, fails: &Seen<'_>) -> ReasonCode {
    let shown = |seen: &Seen<'_>| {
        let of = |attempt: &Attempt| Some(attempt.stage(StageName::Tls)?.found.certificate.as_ref()?.fingerprint.clone());
        seen.attempts().find_map(of)
    };
    match (shown(works), shown(fails)) {
        (Some(one), Some(other)) if one == other => ReasonCode::TrustDiffers,
        (Some(_), Some(_)) => ReasonCode::OtherCertificate,
        // A browser shows none: nothing tells whether they are the same.
        _ => ReasonCode::NotExplained,
    }
}

/// Whether two attempts went to the same place: the same concrete address or, where a browser knows none, the same name.
pub(super) fn same_place(one: &Attempt, other: &Attempt) -> bool {
    if one.transport != other.transport || one.direction != other.direction {
        return false;
    }
    match (&one.remote, &other.remote) {
        (Some(one), Some(other)) if !one.contains("/dns") && !other.contains("/dns") => bare(one) == bare(other),
        _ => bare(&one.address) == bare(&other.address),
    }
}

/// An address without what names the peer and its certificate, and with one spelling of WSS.
fn bare(address: &str) -> String {
    let end = ["/p2p/", "/certhash/"].iter().filter_map(|part| address.find(part)).min().unwrap_or(address.len());
    address[..end].replace("/tls/ws", "/wss")
}
