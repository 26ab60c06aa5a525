//! A failure in one sentence, with its values, without the full stop.

use std::net::IpAddr;

use crate::model::{Cause, Report, StageName, Transport};

use super::{
    addresses,
    fault::Fault,
    verdict::{NO_APPLICATION_PROTOCOL, Speech},
    words::{family_name, family_of, host, name, port, quoted},
};

/// What happened, and where a few words do, what to do.
pub(super) fn of(report: &Report, fault: &Fault<'_>) -> String {
    let words = of_cause(report, fault);
    if fault.at_relay() { format!("The relay itself cannot be used: {words}") } else { words }
}

fn of_cause(report: &Report, fault: &Fault<'_>) -> String {
    let (host, port) = (host(fault.attempt), port(fault.attempt));
    match fault.cause {
        Cause::TimedOut => timed_out(fault, &host, &port),
        Cause::Closed => dropped(fault, &host, &port, "closed"),
        Cause::Reset => dropped(fault, &host, &port, "reset"),
        Cause::Refused | Cause::Unreachable { .. } | Cause::UdpSilent | Cause::LocalFault { errno: Some(_) } => {
            of_network(fault, &host, &port)
        }
        Cause::NotLibp2p { .. } | Cause::WrongPeer { .. } | Cause::UnsupportedKey { .. } => of_who_answers(report, fault, &port),
        Cause::QuicFailed { .. }
        | Cause::NoCommonProtocol { .. }
        | Cause::HandshakeFailed { .. }
        | Cause::CertHashMismatch { .. }
        | Cause::DtlsFailed { .. }
        | Cause::ChannelFailed { .. } => of_handshake(fault, &host, &port),
        Cause::Interrupted
        | Cause::LocalFault { errno: None }
        | Cause::ForbiddenLocally
        | Cause::Opaque
        | Cause::MixedContent
        | Cause::PermissionNeeded
        | Cause::IceCredentialsRefused
        | Cause::DialFailed
        | Cause::NoGateway
        | Cause::GatewayRefused { .. }
        | Cause::ProtocolNotSupported
        | Cause::Malformed
        | Cause::TooLarge
        | Cause::RelayNoReservation
        | Cause::RelayDenied
        | Cause::RelayLimit
        | Cause::RelayTargetFailed
        | Cause::Unrecognised(_) => capitalised(fault.cause.brief()),
        Cause::RelayRefused { status } => format!("The relay refuses with status {status}"),
        Cause::UnsupportedAddress { .. } | Cause::NeedsRelay | Cause::CerthashMissing => of_address(fault),
        Cause::NameNotFound
        | Cause::NameHasNoAddress { .. }
        | Cause::NameLookupFailed { .. }
        | Cause::DnsaddrTooDeep
        | Cause::TooManyAddresses => of_name(fault),
        Cause::CertificateExpired { .. }
        | Cause::CertificateNotYetValid { .. }
        | Cause::CertificateWrongName { .. }
        | Cause::CertificateUntrusted { .. } => of_certificate(fault) + &beyond(fault),
        Cause::NotTls { .. }
        | Cause::TlsFailed { .. }
        | Cause::HttpStatus { .. }
        | Cause::NotHttp { .. }
        | Cause::WebsocketFailed { .. } => of_websocket(fault, &port),
    }
}

fn of_network(fault: &Fault<'_>, host: &str, port: &str) -> String {
    match fault.cause {
        Cause::Refused => format!("{host} answers that nothing listens on {port}"),
        Cause::Unreachable { what } if what == "network" => format!("A router answers that there is no way to {host}"),
        Cause::Unreachable { .. } => {
            format!("No way leads to {host}: the machine is off, the address is not its own any more, or a firewall refuses")
        }
        Cause::UdpSilent => {
            let speaks = fault.attempt.transport.map_or_else(|| "it".into(), |transport| transport.to_string());
            format!("{host} does not answer on {port}: UDP is filtered, nothing there speaks {speaks}, or the machine is off")
        }
        Cause::LocalFault { errno: Some(errno) } => format!("This machine could not do its part (system error {errno})"),
        _ => capitalised(fault.cause.brief()),
    }
}

fn of_who_answers(report: &Report, fault: &Fault<'_>, port: &str) -> String {
    match fault.cause {
        Cause::NotLibp2p { speaks: Some(speaks) } => format!("{} answers on {port}; libp2p does not", quoted(speaks)),
        Cause::NotLibp2p { speaks: None } => format!("Something else than libp2p answers on {port}"),
        Cause::WrongPeer { actual } if fault.at_relay() => {
            format!("it answers as {}, not as the relay that the address names", quoted(actual))
        }
        Cause::WrongPeer { actual } => wrong_peer(report, actual),
        Cause::UnsupportedKey { kind } if kind == "unknown" => "The peer's key is of a type that p2p-probe cannot verify".into(),
        Cause::UnsupportedKey { kind } => format!("The peer's key is of a type that p2p-probe cannot verify: {}", quoted(kind)),
        _ => capitalised(fault.cause.brief()),
    }
}

fn of_handshake(fault: &Fault<'_>, host: &str, port: &str) -> String {
    match fault.cause {
        Cause::QuicFailed { alert: Some(NO_APPLICATION_PROTOCOL) } => format!("QUIC answers on {port}; libp2p does not"),
        Cause::QuicFailed { alert: Some(alert) } => format!("{host} breaks the QUIC handshake off with TLS alert {alert}"),
        Cause::QuicFailed { alert: None } => format!("The QUIC handshake with {host} fails"),
        Cause::NoCommonProtocol { offered } => no_common_protocol(fault, offered.as_deref()),
        Cause::HandshakeFailed { what, .. } => format!("The secure handshake breaks: {}", quoted(what)),
        Cause::CertHashMismatch { .. } => {
            "What answers shows another certificate than the address names: the node has a new one since, or another node is there now"
                .into()
        }
        Cause::DtlsFailed { alert: Some(alert) } => format!("The DTLS handshake fails with alert {alert}"),
        Cause::DtlsFailed { alert: None } => "The DTLS handshake fails".into(),
        Cause::ChannelFailed { what } => format!("No data channel comes about: {}", quoted(what)),
        _ => capitalised(fault.cause.brief()),
    }
}

fn capitalised(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| quoted(&format!("{}{}", first.to_uppercase(), chars.as_str())))
}

fn wrong_peer(report: &Report, actual: &str) -> String {
    let named = if report.target.peer.is_some() { "you named" } else { "expected" };
    format!("The address answers, but as {}, not as the peer {named}", quoted(actual))
}

/// Silence, in the words of the step that it fell into.
fn timed_out(fault: &Fault<'_>, host: &str, port: &str) -> String {
    let silent = |after: &str, missing: &str| {
        if fault.behind_relay() {
            format!("The relay connects us to the target, and then {missing} does not come")
        } else {
            format!("{host} {after}, and then {missing} does not come")
        }
    };
    if let Some(version) = fault.answers_in() {
        let asked = if version == "1" { "2" } else { "1" };
        return format!(
            "{host} answers on {port} in version {version} of webrtc-direct, not in version {asked} that was asked for"
        );
    }
    match fault.step() {
        Some(StageName::Resolve) => format!("No name server answers for {}", name(fault.attempt)),
        Some(StageName::Connect) if fault.is_half_answered() => half_answered(fault, host, port),
        Some(StageName::Connect | StageName::Direct) | None => {
            format!("No answer from {host} on {port}: packets are filtered, or the machine is off")
        }
        Some(StageName::Tls) => silent(&format!("accepts on {port}"), "the TLS handshake"),
        Some(StageName::Dtls) => silent(&format!("answers on {port}"), "the DTLS handshake"),
        Some(StageName::Channel) => silent("completes the DTLS handshake", "the data channel"),
        Some(StageName::Upgrade) => silent(&format!("accepts on {port}"), "an answer to the WebSocket upgrade"),
        Some(StageName::Secure) => silent(&format!("accepts on {port}"), "the secure handshake"),
        Some(StageName::Multiplex) => silent("completes the secure handshake", "an answer about the stream multiplexer"),
        Some(StageName::Identify | StageName::Ping) => silent("accepts the connection", "an answer"),
        Some(StageName::Hop | StageName::DcutrConnect | StageName::DcutrSync) => {
            "The relay, or the target behind it, does not answer".into()
        }
    }
}

fn half_answered(fault: &Fault<'_>, host: &str, port: &str) -> String {
    if fault.attempt.transport == Some(Transport::WebrtcDirect) {
        return format!("Something answers on {port} of {host}, but not as the webrtc-direct listener of this address would");
    }
    format!("Something answers QUIC on {port} of {host}, and then the rest of the handshake does not come")
}

/// A connection that ends too early, in the words of the step that it ended in.
fn dropped(fault: &Fault<'_>, host: &str, port: &str, how: &str) -> String {
    let accepted = |before: &str| {
        if fault.behind_relay() {
            format!("The relay connects us to the target, then the connection is {how} before {before}")
        } else {
            format!("{host} accepts on {port}, then the connection is {how} before {before}")
        }
    };
    match fault.step() {
        Some(StageName::Resolve) => format!("The name server {how} the connection about {}", name(fault.attempt)),
        Some(StageName::Connect | StageName::Direct) | None => {
            format!("The connection to {host} on {port} is {how} while it is being made")
        }
        Some(StageName::Tls) => accepted("the TLS handshake is done"),
        Some(StageName::Dtls) => accepted("the DTLS handshake is done"),
        Some(StageName::Channel) => accepted("a data channel is open"),
        Some(StageName::Upgrade) => accepted("the WebSocket upgrade is answered"),
        Some(StageName::Secure)
            if fault.attempt.transport == Some(Transport::WebrtcDirect)
                || fault.stage.is_some_and(|stage| stage.found.peer.is_some() || stage.found.protocol.is_some()) =>
        {
            accepted("the secure handshake is done")
        }
        Some(StageName::Secure) => accepted("libp2p begins (multistream-select)"),
        Some(StageName::Multiplex | StageName::Identify | StageName::Ping) => {
            let whose = if fault.behind_relay() { "The target behind the relay" } else { host };
            format!("{whose} completes the secure handshake, then the connection is {how} before it can be used")
        }
        Some(StageName::Hop | StageName::DcutrConnect | StageName::DcutrSync) => {
            format!("The connection through the relay is {how}")
        }
    }
}

fn no_common_protocol(fault: &Fault<'_>, offered: Option<&[String]>) -> String {
    let what = if fault.step() == Some(StageName::Multiplex) { "stream multiplexer" } else { "security protocol" };
    let offered = offered.map_or_else(String::new, |offered| format!(" (offered: {})", quoted(&offered.join(", "))));
    format!("The peer speaks libp2p, but shares no {what} with p2p-probe{offered}")
}

fn of_address(fault: &Fault<'_>) -> String {
    match fault.cause {
        Cause::NeedsRelay => "The address leads through a relay without naming the relay's own address".into(),
        Cause::CerthashMissing => "The address lacks the /certhash that its transport needs".into(),
        Cause::UnsupportedAddress { part } => match part.trim_start_matches('/') {
            "quic" => "/quic is draft-29 QUIC, which nodes no longer speak; use /quic-v1".into(),
            "p2p-circuit" => "The address has to lead through one relay to one peer: …/p2p-circuit/p2p/<the peer>".into(),
            "" | "p2p" => "The address holds nothing to dial: no IP address or name with a transport and a port".into(),
            "ip4" | "ip6" | "dns" | "dns4" | "dns6" => "The address names a host, and no port to dial".into(),
            "udp" => "The address ends with a UDP port, and says nothing of what is spoken there".into(),
            "tcp/0" | "udp/0" => "Port 0 is for listening on any free port: nothing can be dialed there".into(),
            "certhash" => {
                "The address promises a certificate by another hash than SHA-256, the one that certificates are compared by"
                    .into()
            }
            "x-parity-ws" | "x-parity-wss" => "The path of the WebSocket has a character that no request can carry".into(),
            part => of_part(part),
        },
        _ => capitalised(fault.cause.brief()),
    }
}

/// A part with its value, or a protocol alone.
fn of_part(part: &str) -> String {
    let (protocol, value) = part.split_once('/').unwrap_or((part, ""));
    if matches!(protocol, "dns" | "dns4" | "dns6" | "dnsaddr" | "sni") {
        return format!("\"{}\" is no name that a host can have", quoted(value));
    }
    match value.parse::<IpAddr>().ok() {
        Some(ip) if ip.is_unspecified() => format!("{ip} is for listening on all addresses: nothing can be dialed there"),
        Some(ip) => format!("{ip} is no address of one machine: nothing can be dialed there"),
        None => format!("p2p-probe cannot dial /{}", quoted(part)),
    }
}

fn of_name(fault: &Fault<'_>) -> String {
    let name = name(fault.attempt);
    match fault.cause {
        Cause::NameNotFound if name.parse::<IpAddr>().is_ok() => format!("{name} is an IP address, and no name"),
        Cause::NameNotFound => format!("There is no such name as {name}"),
        Cause::NameHasNoAddress { family } => match family.as_str() {
            "ipv4" => format!("{name} has no IPv4 address"),
            "ipv6" => format!("{name} has no IPv6 address"),
            "dnsaddr" => format!("{name} has no dnsaddr record (TXT at _dnsaddr.{name})"),
            _ => format!("{name} has no address"),
        },
        Cause::NameLookupFailed { rcode: Some(rcode) } => {
            format!("The look-up of {name} fails ({}), which says nothing about the peer itself", quoted(rcode))
        }
        Cause::NameLookupFailed { rcode: None } => {
            format!("The look-up of {name} fails, which says nothing about the peer itself")
        }
        Cause::DnsaddrTooDeep => format!("The dnsaddr records of {name} lead in a circle, or more than four deep"),
        Cause::TooManyAddresses => format!("{name} leads to more than 100 addresses"),
        _ => capitalised(fault.cause.brief()),
    }
}

fn of_certificate(fault: &Fault<'_>) -> String {
    match fault.cause {
        Cause::CertificateExpired { not_after: Some(not_after) } => {
            format!("The certificate expired on {}; renew it", quoted(not_after.day()))
        }
        Cause::CertificateExpired { not_after: None } => "The certificate has expired; renew it".into(),
        Cause::CertificateNotYetValid { not_before: None } => "The certificate is not yet valid; compare the clocks".into(),
        Cause::CertificateNotYetValid { not_before: Some(not_before) } => {
            format!("The certificate is valid only from {} on; compare the clocks", quoted(not_before.day()))
        }
        Cause::CertificateWrongName { names } => {
            let names = if names.is_empty() {
                "no name at all".into()
            } else {
                super::words::few(&names.iter().map(|name| quoted(name)).collect::<Vec<_>>())
            };
            let dialed = addresses::server_name(fault.attempt);
            dialed.map_or_else(
                || match family_of(fault.attempt) {
                    Some(family) => {
                        format!("The certificate is for {names}; the address was dialed by its {} address", family_name(family))
                    }
                    None => format!("The certificate is for {names}, not for the address dialed"),
                },
                |dialed| format!("The certificate is for {names}, not for {dialed}"),
            )
        }
        Cause::CertificateUntrusted { issuer: Some(issuer) } if !issuer.is_empty() => {
            format!("The certificate is signed by {}, which this machine does not trust", quoted(issuer))
        }
        Cause::CertificateUntrusted { .. } => "No authority that this machine trusts signed the certificate".into(),
        _ => capitalised(fault.cause.brief()),
    }
}

/// What the attempt met after its certificate problem.
fn beyond(fault: &Fault<'_>) -> String {
    fault.later().next().map_or_else(String::new, |later| format!("; beyond that: {}", quoted(later.cause.brief())))
}

fn of_websocket(fault: &Fault<'_>, port: &str) -> String {
    let server = fault.stage.and_then(|stage| stage.found.server.as_deref());
    let server = server.map_or_else(|| "An HTTP server".into(), quoted);
    match fault.cause {
        Cause::HttpStatus { status, location: Some(location) } => {
            format!("{server} answers HTTP {status}, a redirect to {}, instead of switching to WebSocket", quoted(location))
        }
        Cause::HttpStatus { status, location: None } => {
            format!("{server} answers HTTP {status} instead of switching to WebSocket")
        }
        Cause::NotTls { speaks } => instead(speaks.as_deref(), port, "TLS"),
        Cause::NotHttp { speaks } => instead(speaks.as_deref(), port, "HTTP"),
        Cause::TlsFailed { alert: Some(alert) } => format!("The TLS handshake fails: {}", quoted(alert)),
        Cause::TlsFailed { alert: None } => "The TLS handshake fails".into(),
        Cause::WebsocketFailed { what } => format!("The other side breaks the WebSocket protocol: {}", quoted(what)),
        _ => capitalised(fault.cause.brief()),
    }
}

fn instead(speaks: Option<&str>, port: &str, wanted: &str) -> String {
    match speaks.map(|speaks| (Speech::of(speaks), quoted(speaks))) {
        Some((Speech::Libp2p, _)) => format!("Plain libp2p answers on {port}, without {wanted} around it"),
        Some((Speech::Http, _)) => format!("Plain HTTP answers on {port}, not {wanted}"),
        Some((_, speaks)) => format!("{speaks} answers on {port}, not {wanted}"),
        None => format!("What answers on {port} does not speak {wanted}"),
    }
}
