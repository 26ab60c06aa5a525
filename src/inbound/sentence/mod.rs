//! What a listener can say of a dialer, in one sentence. Pure.

mod slot;
#[cfg(test)]
mod tests;
mod webrtc;

use crate::{
    model::{Attempt, Cause, Direction, Outcome, Peer, Stage, StageName, Transport},
    render::{Style, Tone, clean},
};

/// How much is shown of what a dialer says of itself, in characters.
const SHOWN: usize = 100;

/// TLS alerts by which a dialer refuses the certificate it was shown (RFC 8446, section 6.2): bad, unsupported, revoked,
/// expired, unknown; unknown authority, access denied, decrypt error. Ours is always in order, so that it is who we are that
/// was refused.
const CERTIFICATE_REFUSED: [u8; 8] = [42, 43, 44, 45, 46, 48, 49, 51];
/// The alert when no application protocol is shared (RFC 7301).
const NO_APPLICATION_PROTOCOL: u8 = 120;
/// The alert to a dialer without a certificate.
const CERTIFICATE_REQUIRED: u8 = 116;

const REFUSED: &str = "refused who we are, by a TLS alert: it expected another peer ID";
const OTHER_PEER: &str = "the usual sign of a dialer that expected another peer ID";

/// How far a dialer came, and why it came no further, in terms of what a server can know. `peer` is what it told of itself.
/// One line, harmless on a terminal.
#[must_use]
pub fn sentence(attempt: &Attempt, peer: Option<&Peer>) -> String {
    if attempt.direction == Direction::Outbound {
        return slot::sentence(attempt);
    }
    match &attempt.outcome {
        Outcome::Passed => connected(attempt, peer),
        Outcome::Failed { cause } => {
            let failed = attempt.stages.iter().find(|stage| stage.outcome.cause().is_some());
            failed.map_or_else(|| cause.brief().to_owned(), |stage| why(attempt, stage, cause))
        }
        Outcome::Skipped { .. } => "turned away: as many connections as are served at once".into(),
        Outcome::Unknown { .. } => match attempt.stages.last() {
            Some(stage) => format!("still at {} when this ended", stage.stage),
            None => "still there when this ended".into(),
        },
    }
}

/// One dialer: how it went, over what, from where, how long it took.
#[must_use]
pub fn dialer_line(attempt: &Attempt, peer: Option<&Peer>, style: Style) -> String {
    let mark = match &attempt.outcome {
        Outcome::Passed => style.paint(Tone::Good, "✔"),
        Outcome::Failed { .. } => style.paint(Tone::Bad, "✘"),
        Outcome::Skipped { .. } | Outcome::Unknown { .. } => style.paint(Tone::Warn, "–"),
    };
    let transport = attempt.transport.map_or("", Into::into);
    let remote = clean(attempt.remote.as_deref().unwrap_or(&attempt.address));
    let took = attempt.elapsed_ms.map_or_else(String::new, |took| format!("  {took} ms"));
    let took = style.paint(Tone::Dim, &took);
    format!("{mark} {transport:<4} {remote}  {}{took}\n", sentence(attempt, peer))
}

/// Somebody who proved who they are.
fn connected(attempt: &Attempt, peer: Option<&Peer>) -> String {
    let id = attempt.peer().unwrap_or("a peer");
    let identify = attempt.stage(StageName::Identify);
    let Some(identify) = identify.filter(|stage| !stage.outcome.passed()) else {
        let agent = peer.and_then(|peer| peer.agent.as_deref()).map_or_else(|| "without an agent version".into(), shown);
        let sees = identify.and_then(|stage| stage.found.observed.as_deref());
        return format!("{id}, {agent}{}", sees.map_or_else(String::new, |us| format!(", sees us at {}", shown(us))));
    };
    match identify.outcome.cause() {
        Some(Cause::Closed | Cause::Reset) if identify.found.received.is_some() => {
            format!("{id}, pinged and left before it told its agent")
        }
        Some(Cause::Closed | Cause::Reset) => {
            format!("{id}, left before it told its agent: some find only now that they expected another peer ID")
        }
        Some(Cause::TimedOut) => format!("{id}, connected, and did not answer identify"),
        Some(Cause::ProtocolNotSupported) => format!("{id}, connected, does not offer identify"),
        Some(cause) => format!("{id}, connected, identify failed: {}", cause.brief()),
        None => format!("{id}, connected, and was about to tell its agent when this ended"),
    }
}

/// Why a connection did not come about.
fn why(attempt: &Attempt, failed: &Stage, cause: &Cause) -> String {
    let over_webrtc = attempt.transport == Some(Transport::WebrtcDirect);
    if let Some(why) = over_webrtc.then(|| webrtc::why(failed, cause)).flatten() {
        return why;
    }
    let stage = failed.stage;
    match cause {
        Cause::NotLibp2p { speaks } => spoke(speaks.as_deref(), failed, "libp2p", attempt.transport),
        Cause::NotTls { speaks } => spoke(speaks.as_deref(), failed, "TLS", attempt.transport),
        Cause::NotHttp { speaks } => spoke(speaks.as_deref(), failed, "a WebSocket", attempt.transport),
        Cause::HttpStatus { status, .. } => format!("spoke HTTP and did not ask for a WebSocket (answered {status})"),
        Cause::Closed | Cause::Reset => gone(failed, cause),
        Cause::TimedOut => format!("silent at {stage} until its time was over"),
        Cause::QuicFailed { alert: Some(alert) } => of_alert(*alert),
        Cause::QuicFailed { alert: None } => with("failed in the QUIC handshake", failed),
        Cause::TlsFailed { alert: Some(alert) } => {
            format!("failed at tls with the alert {}: most often it does not trust the certificate", shown(alert))
        }
        Cause::NoCommonProtocol { offered } => {
            let ours = offered.as_ref().map_or_else(String::new, |offered| format!(" (served: {})", offered.join(", ")));
            let asked = failed.message.as_deref().map_or_else(|| "nothing that is served".into(), shown);
            format!("asked at {stage} for {asked}{ours}")
        }
        Cause::UnsupportedKey { kind } => format!("its key is of a type that is not supported ({})", shown(kind)),
        Cause::HandshakeFailed { alert: Some(alert), .. } if CERTIFICATE_REFUSED.contains(alert) => REFUSED.into(),
        Cause::HandshakeFailed { what, .. } | Cause::WebsocketFailed { what } => format!("failed at {stage}: {}", shown(what)),
        other => with(&format!("failed at {stage}: {}", other.brief()), failed),
    }
}

/// Another protocol than the port's.
fn spoke(speaks: Option<&str>, failed: &Stage, instead_of: &str, transport: Option<Transport>) -> String {
    match (speaks, transport) {
        (Some("multistream-select"), Some(Transport::Ws | Transport::Wss)) => {
            format!("spoke libp2p over bare TCP, not {instead_of}: the address it dialed lacks its WebSocket part")
        }
        (Some("HTTP"), Some(Transport::Tcp)) => "spoke HTTP, not libp2p: WebSocket has a port of its own".into(),
        (Some(speaks), _) => format!("spoke {speaks}, not {instead_of}"),
        (None, _) => with(&format!("spoke something else than {instead_of}"), failed),
    }
}

/// Somebody who hung up. Before TLS tells more, why can only be guessed.
fn gone(failed: &Stage, cause: &Cause) -> String {
    let how = if *cause == Cause::Reset { "reset" } else { "closed" };
    match failed.stage {
        StageName::Secure if failed.found.protocol.is_some() => format!("{how} at secure: {OTHER_PEER}"),
        StageName::Multiplex => format!("{how} at multiplex, after it had seen who we are: {OTHER_PEER}"),
        StageName::Secure => format!("{how} at secure, before it proposed anything: a port scan or a health check"),
        StageName::Tls if failed.found.protocol.is_some() => {
            format!("{how} at tls: most often it does not trust the certificate")
        }
        StageName::Tls => format!("{how} at tls, before it said anything: a port scan or a health check"),
        stage => format!("{how} at {stage}"),
    }
}

fn of_alert(alert: u8) -> String {
    match alert {
        alert if CERTIFICATE_REFUSED.contains(&alert) => REFUSED.into(),
        NO_APPLICATION_PROTOCOL => "speaks QUIC, but not libp2p (no common ALPN)".into(),
        CERTIFICATE_REQUIRED => "speaks QUIC, but shows no certificate, as libp2p peers do".into(),
        alert => format!("failed in the QUIC handshake (TLS alert {alert})"),
    }
}

/// With the words that came with it.
fn with(text: &str, stage: &Stage) -> String {
    match stage.message.as_deref() {
        Some(message) if !message.is_empty() => format!("{text} ({})", shown(message)),
        _ => text.to_owned(),
    }
}

/// A dialer's words, cut and cleaned.
fn shown(words: &str) -> String {
    match words.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", clean(&words[..end])),
        None => clean(words).into_owned(),
    }
}
