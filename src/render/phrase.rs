//! Causes in words, with what they carry.

use crate::model::{Behaviour, Cause, Family, HolePunch, PortMapping, Relay, Stage};

/// How many names or protocols of a list are shown.
const SHOWN: usize = 3;

/// One clause, without an end.
pub(crate) fn cause(cause: &Cause) -> String {
    match cause {
        Cause::UnsupportedAddress { part } => format!("{part} cannot be dialed"),
        Cause::NameHasNoAddress { family } => match family.as_str() {
            "ipv4" => "the name has no IPv4 address".into(),
            "ipv6" => "the name has no IPv6 address".into(),
            "dnsaddr" => "the name has no dnsaddr record".into(),
            _ => "the name has no address".into(),
        },
        Cause::NameLookupFailed { rcode } => with("the look-up failed", rcode.as_deref()),
        Cause::Unreachable { what } => format!("no route to the {what}"),
        Cause::QuicFailed { alert } => {
            with("the QUIC handshake failed", alert.map(|alert| format!("TLS alert {alert}")).as_deref())
        }
        Cause::NotLibp2p { speaks } => instead(speaks.as_deref(), "libp2p"),
        Cause::NotTls { speaks } => instead(speaks.as_deref(), "TLS"),
        Cause::NotHttp { speaks } => instead(speaks.as_deref(), "HTTP"),
        Cause::WrongPeer { actual } => format!("another peer answers: {actual}"),
        Cause::UnsupportedKey { kind } => format!("the peer's key is of a type that is not supported ({kind})"),
        Cause::LocalFault { errno } => {
            with("this machine could not do it", errno.map(|errno| format!("error {errno}")).as_deref())
        }
        Cause::CertificateExpired { not_after: Some(not_after) } => format!("the certificate expired on {}", not_after.day()),
        Cause::CertificateNotYetValid { not_before: Some(not_before) } => {
            format!("the certificate is not valid before {}", not_before.day())
        }
        Cause::CertificateWrongName { names } if names.is_empty() => "the certificate names no host".into(),
        Cause::CertificateWrongName { names } => format!("the certificate is for {}", list(names)),
        Cause::CertificateUntrusted { issuer } => {
            with("the certificate is not trusted", issuer.as_ref().map(|issuer| format!("issued by {issuer}")).as_deref())
        }
        Cause::TlsFailed { alert } => with("the TLS handshake failed", alert.as_deref()),
        Cause::HttpStatus { status, location } => {
            with(&format!("HTTP {status} instead of 101"), location.as_ref().map(|to| format!("to {to}")).as_deref())
        }
        Cause::NoCommonProtocol { offered: Some(offered) } if !offered.is_empty() => {
            format!("it accepts none of {}", list(offered))
        }
        Cause::WebsocketFailed { what } | Cause::HandshakeFailed { what, .. } | Cause::ChannelFailed { what } => {
            with(cause.brief(), Some(what))
        }
        Cause::CertHashMismatch { actual } => format!("the certificate is another one: {actual}"),
        Cause::DtlsFailed { alert } => with("the DTLS handshake failed", alert.map(|alert| format!("alert {alert}")).as_deref()),
        Cause::RelayRefused { status } => format!("the relay refused with status {status}"),
        Cause::GatewayRefused { error } => format!("the gateway refused with error {error}"),
        other => other.brief().into(),
    }
}

/// The system's or the peer's own words about a failure, where they say more than its cause does.
pub(crate) fn message(stage: &Stage) -> Option<&str> {
    let of_system = |message: &&str| message.contains("(os error ");
    let one_word = matches!(stage.outcome.cause(), Some(Cause::Refused | Cause::Reset | Cause::Unreachable { .. }));
    stage.message.as_deref().filter(|message| !(one_word && of_system(message)))
}

fn with(text: &str, more: Option<&str>) -> String {
    more.map_or_else(|| text.to_owned(), |more| format!("{text} ({more})"))
}

fn instead(speaks: Option<&str>, wanted: &str) -> String {
    speaks.map_or_else(|| format!("something else than {wanted} answers"), |speaks| format!("{speaks} answers, not {wanted}"))
}

/// The first few, and how many more.
fn list(items: &[String]) -> String {
    let shown = items.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How a protocol's outside address depends on who is sent to, and whether one vantage point alone tells so.
pub(crate) fn behaviour(layer: &Behaviour) -> String {
    with(&layer.mapping.to_string(), layer.one_witness.then_some("if none of the vantage points tells a wrong port"))
}

/// What a gateway did, but for the end of it.
pub(crate) fn mapping(mapping: &PortMapping) -> String {
    let mut words = Vec::new();
    words.extend(mapping.gateway.as_ref().map(|gateway| format!("gateway {gateway}")));
    let opened = mapping.family == Family::Ipv6;
    // Nothing is translated there.
    let external = mapping.external.as_ref().filter(|_| !opened);
    words.extend(external.map(|external| format!("outside address {external}")));
    if !mapping.mapped.is_empty() {
        let did = if opened { "opened" } else { "mapped" };
        words.push(format!("{did} {}", mapping.mapped.join(" and ")));
    }
    words.extend(mapping.verified.map(|came| if came { "dialed through it" } else { "no dial came through it" }.into()));
    if mapping.verified == Some(true) && !mapping.blocked.is_empty() {
        words.push(format!("none through {}", mapping.blocked.join(" and ")));
    }
    words.extend(mapping.message.clone());
    if words.is_empty() { String::new() } else { format!("{}:", words.join(", ")) }
}

/// What a relay gave, as far as it tells: until when, and for how long and how much at a time.
pub(crate) fn slot(relay: &Relay) -> String {
    let mut words = Vec::new();
    words.extend(relay.expires.as_ref().map(|expires| format!("until {expires}")));
    words.extend(relay.limit_ms.map(|time| format!("{} s", time / 1000)));
    words.extend(relay.limit_bytes.map(|bytes| format!("{bytes} bytes each way")));
    words.join(", ")
}

/// What a mapping is worth that a gateway has granted; none where it has not.
pub(crate) fn worth(mapping: &PortMapping) -> Option<&'static str> {
    mapping.outcome.passed().then_some(match mapping.verified {
        Some(true) => "works",
        Some(false) => "granted, and lets nobody in",
        None => "granted",
    })
}

/// How a hole punch went, but for the end of it.
pub(crate) fn punch(punch: &HolePunch) -> String {
    let mut words = vec![format!("by {}", punch.via)];
    words.extend(punch.transport.map(|transport| format!("over {transport}")));
    words.extend(punch.rounds.filter(|rounds| *rounds > 1).map(|rounds| format!("in {rounds} rounds")));
    if punch.from_listen_port == Some(false) {
        words.push("not from the listen port".into());
    }
    if punch.from_told_port == Some(false) {
        words.push("the peer came from another port than it told".into());
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Gateway, Outcome, Transport};

    #[test]
    fn what_a_gateway_did_is_told_in_order() {
        let none = PortMapping::new(Gateway::Upnp, Outcome::failed(Cause::NoGateway));
        assert_eq!(mapping(&none), "");
        let all = PortMapping {
            gateway: Some("192.168.7.1".into()),
            external: Some("203.0.113.3".into()),
            mapped: vec!["/ip4/203.0.113.3/tcp/20001".into()],
            verified: Some(false),
            message: Some("odd".into()),
            ..none
        };
        let told =
            "gateway 192.168.7.1, outside address 203.0.113.3, mapped /ip4/203.0.113.3/tcp/20001, no dial came through it, odd:";
        assert_eq!(mapping(&all), told);
    }

    #[test]
    fn a_punch_from_another_port_is_named() {
        let told = |from_listen_port, from_told_port| {
            punch(&HolePunch {
                via: "R".into(),
                transport: Some(Transport::Quic),
                outcome: Outcome::Passed,
                attempt: None,
                peer: None,
                rounds: Some(2),
                rtt_ms: None,
                elapsed_ms: None,
                from_listen_port,
                from_told_port,
            })
        };
        assert_eq!(told(Some(true), None), "by R, over quic, in 2 rounds");
        let other = "by R, over quic, in 2 rounds, not from the listen port, the peer came from another port than it told";
        assert_eq!(told(Some(false), Some(false)), other);
    }
}
