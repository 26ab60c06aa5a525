//! From a cause to the code of a verdict, and the rank among several.

use super::fault::Fault;
use crate::{
    model::{Cause, StageName, VerdictCode},
    order::by_key,
};

/// What a failure says about the target; none where it says nothing, since the fault is ours or hidden from us.
pub(super) fn of(fault: &Fault<'_>) -> Option<VerdictCode> {
    if fault.at_relay() && !fault.cause.is_ours() {
        return Some(VerdictCode::RelayProblem);
    }
    Some(match fault.cause {
        Cause::Interrupted
        | Cause::LocalFault { .. }
        | Cause::ForbiddenLocally
        | Cause::Opaque
        | Cause::MixedContent
        | Cause::PermissionNeeded
        | Cause::IceCredentialsRefused
        | Cause::DialFailed
        | Cause::NoGateway
        | Cause::GatewayRefused { .. }
        | Cause::Unrecognised(_) => return None,
        // A platform's one step: it does not show whether anything answered.
        Cause::TimedOut if fault.covers(StageName::Connect) => return None,
        Cause::TimedOut => timed_out(fault),
        Cause::Closed | Cause::Reset => dropped(fault),
        Cause::UnsupportedAddress { .. } | Cause::NeedsRelay | Cause::CerthashMissing => VerdictCode::UnsupportedAddress,
        Cause::NameNotFound
        | Cause::NameHasNoAddress { .. }
        | Cause::NameLookupFailed { .. }
        | Cause::DnsaddrTooDeep
        | Cause::TooManyAddresses => VerdictCode::NameProblem,
        Cause::Refused => VerdictCode::Refused,
        Cause::Unreachable { .. } => VerdictCode::Unreachable,
        Cause::UdpSilent => VerdictCode::UdpUnanswered,
        Cause::QuicFailed { alert: Some(NO_APPLICATION_PROTOCOL) } | Cause::NotLibp2p { .. } => VerdictCode::NotLibp2p,
        Cause::WrongPeer { .. } => VerdictCode::WrongPeer,
        Cause::CertificateExpired { .. }
        | Cause::CertificateNotYetValid { .. }
        | Cause::CertificateWrongName { .. }
        | Cause::CertificateUntrusted { .. } => VerdictCode::CertificateProblem,
        Cause::NotTls { speaks } | Cause::NotHttp { speaks } => instead_of_websocket(speaks.as_deref()),
        Cause::HttpStatus { .. } => VerdictCode::UpgradeRefused,
        Cause::WebsocketFailed { .. } if fault.step() == Some(StageName::Upgrade) => VerdictCode::UpgradeRefused,
        Cause::NoCommonProtocol { .. } => VerdictCode::NoCommonProtocol,
        Cause::CertHashMismatch { .. } => VerdictCode::StaleCerthash,
        Cause::QuicFailed { .. }
        | Cause::UnsupportedKey { .. }
        | Cause::TlsFailed { .. }
        | Cause::WebsocketFailed { .. }
        | Cause::HandshakeFailed { .. }
        | Cause::DtlsFailed { .. }
        | Cause::ChannelFailed { .. } => VerdictCode::HandshakeFailed,
        Cause::ProtocolNotSupported | Cause::Malformed | Cause::TooLarge => in_protocol(fault),
        Cause::RelayNoReservation
        | Cause::RelayRefused { .. }
        | Cause::RelayDenied
        | Cause::RelayLimit
        | Cause::RelayTargetFailed => VerdictCode::RelayProblem,
    })
}

/// The TLS alert of a server that shares no ALPN with us (RFC 7301).
pub(super) const NO_APPLICATION_PROTOCOL: u8 = 120;

/// Silence means something else in each step.
fn timed_out(fault: &Fault<'_>) -> VerdictCode {
    match fault.step() {
        Some(StageName::Resolve) => VerdictCode::NameProblem,
        Some(StageName::Hop | StageName::DcutrConnect | StageName::DcutrSync) => VerdictCode::RelayProblem,
        Some(StageName::Connect) if fault.answers_in().is_some() => VerdictCode::NoCommonProtocol,
        Some(StageName::Connect) if fault.is_half_answered() => VerdictCode::Stalled,
        Some(StageName::Connect | StageName::Direct) | None if fault.over_udp() => VerdictCode::UdpUnanswered,
        Some(StageName::Connect | StageName::Direct) | None => VerdictCode::Unanswered,
        Some(
            StageName::Tls
            | StageName::Dtls
            | StageName::Channel
            | StageName::Upgrade
            | StageName::Secure
            | StageName::Multiplex
            | StageName::Identify
            | StageName::Ping,
        ) => VerdictCode::Stalled,
    }
}

fn dropped(fault: &Fault<'_>) -> VerdictCode {
    match fault.step() {
        Some(StageName::Resolve) => VerdictCode::NameProblem,
        Some(StageName::Hop | StageName::DcutrConnect | StageName::DcutrSync) => VerdictCode::RelayProblem,
        _ => VerdictCode::DroppedAfterAccept,
    }
}

/// A broken message fails an attempt only where a relay is asked.
fn in_protocol(fault: &Fault<'_>) -> VerdictCode {
    match fault.step() {
        Some(StageName::Hop | StageName::DcutrConnect | StageName::DcutrSync) => VerdictCode::RelayProblem,
        _ => VerdictCode::Unreachable,
    }
}

/// HTTP, TLS and plain libp2p may well belong to a libp2p node whose address is given in the wrong form.
fn instead_of_websocket(speaks: Option<&str>) -> VerdictCode {
    match speaks.map(Speech::of) {
        Some(Speech::Libp2p | Speech::Http | Speech::Tls) => VerdictCode::UpgradeRefused,
        Some(Speech::Other) | None => VerdictCode::NotLibp2p,
    }
}

/// What the other side speaks, as far as an address can be mended by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// libp2p without anything around it.
    Libp2p,
    /// HTTP, so a WebSocket perhaps.
    Http,
    /// TLS, so a WebSocket over TLS perhaps.
    Tls,
    /// No part of a libp2p address.
    Other,
}

impl Speech {
    /// By the name that causes carry.
    pub(super) fn of(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "libp2p" | "multistream" | "multistream-select" => Self::Libp2p,
            "http" => Self::Http,
            "tls" => Self::Tls,
            _ => Self::Other,
        }
    }
}

/// The code for several failures together, none without a failure.
pub(super) fn decide<'a>(codes: impl Iterator<Item = &'a VerdictCode>) -> Option<VerdictCode> {
    let mut codes = by_key(codes, |code| rank(code));
    codes.dedup();
    match codes.as_slice() {
        [] => None,
        [code] => Some((*code).clone()),
        [first, ..] if tells_what_answers(first) => Some((*first).clone()),
        // Silence is silence, over UDP or not.
        [VerdictCode::UdpUnanswered, VerdictCode::Unanswered] => Some(VerdictCode::Unanswered),
        _ => Some(VerdictCode::Unreachable),
    }
}

/// Whether a code says who or what answers, which holds whatever became of the other addresses.
pub(super) fn tells_what_answers(code: &VerdictCode) -> bool {
    rank(code) <= rank(&VerdictCode::HandshakeFailed)
}

/// The place of a code in its table.
fn rank(code: &VerdictCode) -> usize {
    VerdictCode::PAGES.iter().position(|page| page.code == code.code()).unwrap_or(usize::MAX)
}

/// What became of an address, to be read after the name of its transport.
pub(super) fn phrase(code: &VerdictCode) -> &'static str {
    match code {
        VerdictCode::Reachable | VerdictCode::PartlyReachable => "works",
        VerdictCode::WrongPeer => "answered by another peer",
        VerdictCode::StaleCerthash => "stale",
        VerdictCode::CertificateProblem => "without a valid certificate",
        VerdictCode::NoCommonProtocol => "without a common protocol",
        VerdictCode::NotLibp2p => "not libp2p",
        VerdictCode::UpgradeRefused => "without a WebSocket",
        VerdictCode::HandshakeFailed => "broken in the handshake",
        VerdictCode::DroppedAfterAccept => "dropped",
        VerdictCode::RelayProblem => "stopped at the relay",
        VerdictCode::Stalled => "stalled",
        VerdictCode::Refused => "refused",
        VerdictCode::UdpUnanswered | VerdictCode::Unanswered => "unanswered",
        VerdictCode::NameProblem => "without an address",
        VerdictCode::LocalNetworkDown => "without a way out",
        VerdictCode::UnsupportedAddress => "not dialable",
        VerdictCode::BehindNat | VerdictCode::BehindCgnat | VerdictCode::BehindDoubleNat => "behind a NAT",
        VerdictCode::Firewalled => "behind a firewall",
        VerdictCode::UdpBlocked => "without UDP",
        VerdictCode::Unreachable => "without a route",
        VerdictCode::Inconclusive | VerdictCode::Unrecognised(_) => "not told",
    }
}
