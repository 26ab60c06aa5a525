//! What is wrong though the verdict may be good.

use std::time::Duration;

use crate::{
    model::{
        Answered, Attempt, Behaviour, Cause, Certificate, Micros, Outcome, Report, Stage, StageName, Transport,
        UDP_RECEIVE_BUFFER, VerdictCode, Warning, WarningCode, WhyCode,
    },
    order::set,
};

use super::{
    addresses::AUTO_TLS,
    announced,
    fault::{ip_of, versions},
    heaps::{Heaps, is_local, outbound},
    libp2p_webrtc,
    words::{addresses, family_name, family_of, labels, quoted, reasons},
};

/// When the end of a certificate is near: renewals come a month before, so that one is overdue.
const SOON: Duration = Duration::from_secs(14 * DAY);
const DAY: u64 = 24 * 60 * 60;

/// The warnings for a report.
pub(super) fn all(report: &Report, heaps: &Heaps<'_>, code: &VerdictCode) -> Vec<Warning> {
    let mut warnings = announced::warnings(report, heaps);
    warnings.extend(udp_silent(report));
    warnings.extend(after_connecting(report, StageName::Identify, &WarningCode::IdentifyFailed));
    warnings.extend(after_connecting(report, StageName::Ping, &WarningCode::PingFailed));
    warnings.extend(hole_punch_failed(report));
    warnings.extend(responder_stalls(report));
    warnings.extend(webrtc_v1_only(report));
    warnings.extend(libp2p_webrtc::warning(report));
    warnings.extend(expires_soon(report));
    warnings.extend(other_peer(report).filter(|_| *code != VerdictCode::WrongPeer));
    // What the verdict says need not be said again.
    warnings.extend(family_missing(heaps).filter(|_| *code != VerdictCode::LocalNetworkDown));
    warnings.extend(udp_buffer(report));
    warnings.extend(incomplete(report, heaps).filter(|_| *code != VerdictCode::Inconclusive));
    warnings
}

/// The warnings for a run about the own network.
pub(super) fn of_network(report: &Report, heaps: &Heaps<'_>) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = udp_silent(report).into_iter().collect();
    warnings.extend(vantages_disagree(report));
    warnings.extend(incomplete(report, heaps));
    warnings
}

/// Vantage points that were told apart by their answers.
fn vantages_disagree(report: &Report) -> Option<Warning> {
    let nat = report.nat.as_ref()?;
    let ips = |mapped: &[String]| set(mapped.iter().filter_map(|told| Some(told.rsplit_once(':')?.0.to_owned())));
    let families = [&nat.ipv4, &nat.ipv6].into_iter().flatten();
    let told = |layer: &Behaviour| {
        let disagree = layer.why.as_ref().is_some_and(|why| why.code == WhyCode::VantagesDisagree);
        (disagree || ips(&layer.mapped).len() > 1).then(|| layer.mapped.join(", "))
    };
    let told = families.flat_map(|family| [&family.udp, &family.tcp]).find_map(told)?;
    let text = format!("Vantage points contradict each other about the outside address of one socket: {}.", quoted(&told));
    Some(Warning::new(WarningCode::VantagesDisagree, text))
}

/// QUIC without an answer where TCP, plain or below a WebSocket, works on the same IP address.
fn udp_silent(report: &Report) -> Option<Warning> {
    let quic = || outbound(report).filter(|attempt| attempt.transport == Some(Transport::Quic));
    let works_beside = |silent: &Attempt| {
        let ip = ip_of(silent);
        let tcp = |attempt: &Attempt| matches!(attempt.transport, Some(Transport::Tcp | Transport::Ws | Transport::Wss));
        ip.is_some() && outbound(report).any(|attempt| tcp(attempt) && attempt.outcome.passed() && ip_of(attempt) == ip)
    };
    let silent: Vec<&Attempt> = quic().filter(|attempt| is_silent(report, attempt) && works_beside(attempt)).collect();
    let first = silent.first()?;
    // One answer over UDP from anywhere shows that the own network lets it out.
    let own = if quic().any(|attempt| attempt.outcome.passed()) { "" } else { ", or this network lets no UDP out" };
    let text = format!(
        "UDP is silent while TCP works on the same host ({}): the port is not open for UDP there{own}.",
        quoted(first.remote.as_ref().unwrap_or(&first.address))
    );
    Some(Warning::new(WarningCode::UdpSilentTcpWorks, text).about(silent.iter().map(|attempt| attempt.id)))
}

fn is_silent(report: &Report, attempt: &Attempt) -> bool {
    let Some(fault) = super::Fault::first(attempt) else { return false };
    let silent = match fault.cause {
        Cause::UdpSilent => true,
        Cause::TimedOut => fault.step() == Some(StageName::Connect) && !fault.is_half_answered(),
        _ => false,
    };
    silent && !is_local(report, &fault)
}

/// A step that failed on a connection that works.
fn after_connecting(report: &Report, step: StageName, code: &WarningCode) -> Option<Warning> {
    let mut failed = Vec::new();
    let mut said = String::new();
    for attempt in outbound(report).filter(|attempt| attempt.outcome.passed()) {
        let Some(cause) = attempt.stage(step).and_then(|stage| stage.outcome.cause()) else { continue };
        if cause.is_ours() {
            continue;
        }
        if failed.is_empty() {
            cause.brief().clone_into(&mut said);
        }
        failed.push(attempt);
    }
    let text = format!("Over {} the connection works, but {step} fails: {}.", labels(failed.iter().copied()), quoted(&said));
    (!failed.is_empty()).then(|| Warning::new(code.clone(), text).about(failed.iter().map(|attempt| attempt.id)))
}

/// A hole punch whose last step failed.
fn hole_punch_failed(report: &Report) -> Option<Warning> {
    let punching = |stage: &&Stage| matches!(stage.stage, StageName::DcutrConnect | StageName::DcutrSync | StageName::Direct);
    let last = |attempt: &'_ Attempt| attempt.stages.iter().rfind(punching).map(|stage| (stage.stage, stage.outcome.clone()));
    let failed: Vec<(&Attempt, StageName, Cause)> = outbound(report)
        .filter_map(|attempt| match last(attempt)? {
            (step, Outcome::Failed { cause }) if !cause.is_ours() => Some((attempt, step, cause)),
            _ => None,
        })
        .collect();
    let (_, step, cause) = failed.first()?;
    let text = match (step, cause) {
        (StageName::DcutrConnect, Cause::TimedOut | Cause::ProtocolNotSupported) => {
            "The peer is reached through the relay, but begins no hole punch: it does not offer DCUtR, or knows no public address of its \
             own yet. Ask again when it has been observed from outside."
                .into()
        }
        _ => format!("The peer is reached through the relay, but no hole could be punched: {step} fails, {}.", cause.brief()),
    };
    Some(Warning::new(WarningCode::HolePunchFailed, text).about(failed.iter().map(|(attempt, ..)| attempt.id)))
}

fn responder_stalls(report: &Report) -> Option<Warning> {
    let stall = |attempt: &Attempt| attempt.stage(StageName::Ping)?.found.responder_stall_ms;
    let stalling: Vec<(&Attempt, Micros)> =
        outbound(report).filter_map(|attempt| stall(attempt).map(|stall| (attempt, stall))).collect();
    let longest = stalling.iter().map(|(_, stall)| *stall).max()?;
    let text = format!(
        "Over {} the peer answered a second ping {longest} ms late while a new stream was answered at once: \
         its ping responder stalls (as that of rust-libp2p does), not the line.",
        labels(stalling.iter().map(|(attempt, _)| *attempt))
    );
    Some(Warning::new(WarningCode::ResponderStalls, text).about(stalling.iter().map(|(attempt, _)| attempt.id)))
}

/// Version 1 is answered and version 2 is not, by more than what is lost on the way.
fn webrtc_v1_only(report: &Report) -> Option<Warning> {
    let same_place = |one: &Attempt, other: &Attempt| one.remote.is_some() && one.remote == other.remote;
    let speaks_v2 = |place: &Attempt| {
        let mut there = outbound(report).filter(|attempt| same_place(attempt, place));
        there.any(|attempt| versions(attempt).v2 == Some(true))
    };
    let old = |attempt: &&Attempt| {
        let Answered { v1, v2, unanswered } = versions(attempt);
        v1 == Some(true) && v2.is_none() && unanswered.is_some() && !speaks_v2(attempt)
    };
    let old: Vec<&Attempt> = outbound(report).filter(old).collect();
    let text =
        "Over webrtc-direct the peer answers in version 1 and not in version 2: browsers will stop reaching it. Update it.";
    (!old.is_empty()).then(|| Warning::new(WarningCode::WebrtcV1Only, text).about(old.iter().map(|attempt| attempt.id)))
}

fn expires_soon(report: &Report) -> Option<Warning> {
    let now = report.started.time()?;
    let left = |attempt: &Attempt| -> Option<(Duration, Certificate)> {
        let certificate = attempt.stage(StageName::Tls)?.found.certificate.clone()?;
        let left = certificate.not_after.time()?.duration_since(now).ok()?;
        (left < SOON).then_some((left, certificate))
    };
    let ending: Vec<_> = outbound(report).filter_map(|attempt| left(attempt).map(|left| (attempt.id, left))).collect();
    let (_, (left, certificate)) = ending.iter().min_by_key(|(_, (left, _))| *left)?;
    let name = certificate.names.first().map_or_else(String::new, |name| format!(" for {}", quoted(name)));
    let days = match left.as_secs() / DAY {
        0 => "within a day".into(),
        1 => "in a day".into(),
        days => format!("in {days} days"),
    };
    let renewal = if certificate.names.iter().any(|name| name.ends_with(AUTO_TLS)) {
        "it comes from AutoTLS (*.libp2p.direct), so check that the node reaches the AutoTLS broker"
    } else {
        "see that its renewal works"
    };
    let text = format!("The certificate{name} ends on {}, {days}; {renewal}.", quoted(certificate.not_after.day()));
    Some(Warning::new(WarningCode::CertificateExpiresSoon, text).about(ending.iter().map(|(id, _)| *id)))
}

fn other_peer(report: &Report) -> Option<Warning> {
    let expected = report.target.peer.as_deref().or_else(|| report.expected_peer().map(|peer| peer.id.as_str()))?;
    let other = |attempt: &Attempt| -> Option<String> {
        let actual = attempt.stages.iter().filter(|stage| stage.leg.is_none()).find_map(|stage| match &stage.outcome {
            Outcome::Failed { cause: Cause::WrongPeer { actual } } => Some(actual.as_str()),
            _ => stage.found.peer.as_deref(),
        })?;
        (actual != expected).then(|| quoted(actual))
    };
    let others: Vec<_> = outbound(report).filter_map(|attempt| Some((attempt, other(attempt)?))).collect();
    let (first, actual) = others.first()?;
    let at = quoted(first.remote.as_ref().unwrap_or(&first.address));
    let more = if others.len() > 1 { format!(", and at {} more", addresses(others.len() - 1)) } else { String::new() };
    let text = format!("Another peer, {actual}, answers at {at}{more}.");
    Some(Warning::new(WarningCode::OtherPeerAnswers, text).about(others.iter().map(|(attempt, _)| attempt.id)))
}

fn family_missing(heaps: &Heaps<'_>) -> Option<Warning> {
    let missing: Vec<&Attempt> = heaps.no_family().into_iter().chain(heaps.local.iter().copied()).collect();
    let first = missing.first()?;
    let family = family_of(first).map_or("way", family_name);
    let text = format!("This machine has no {family} to the outside, so nothing is known about {}.", addresses(missing.len()));
    Some(Warning::new(WarningCode::FamilyMissing, text).about(missing.iter().map(|attempt| attempt.id)))
}

/// Of QUIC that works: what fails fails by something else. On loopback nothing arrives faster than it is read.
fn udp_buffer(report: &Report) -> Option<Warning> {
    let buffer = report.nat.as_ref()?.local.udp_receive_buffer.filter(|buffer| *buffer < UDP_RECEIVE_BUFFER)?;
    let quic = |attempt: &&Attempt| {
        attempt.transport == Some(Transport::Quic)
            && attempt.outcome.passed()
            && ip_of(attempt).is_some_and(|ip| !ip.is_loopback())
    };
    let ids: Vec<u32> = outbound(report).filter(quic).map(|attempt| attempt.id).collect();
    let text = format!(
        "This machine lets a UDP socket buffer {buffer} bytes; QUIC asks for {UDP_RECEIVE_BUFFER}, or loses packets under load."
    );
    let warning =
        Warning::new(WarningCode::UdpBufferSmall, text).command(format!("sysctl -w net.core.rmem_max={UDP_RECEIVE_BUFFER}"));
    (!ids.is_empty()).then(|| warning.about(ids))
}

fn incomplete(report: &Report, heaps: &Heaps<'_>) -> Option<Warning> {
    let open: Vec<&Attempt> = heaps.untold.iter().chain(&heaps.too_many).copied().collect();
    let text = match (open.is_empty(), report.complete) {
        (true, true) => return None,
        (true, false) => "The run ended before everything was tried.".into(),
        (false, _) => format!("Not everything could be tried: {}.", reasons(&open)),
    };
    Some(Warning::new(WarningCode::Incomplete, text).about(open.iter().map(|attempt| attempt.id)))
}
