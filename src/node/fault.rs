//! What a listener's errors mean.

use crate::{
    engine::Fault,
    model::{Cause, Found},
    probe::errors,
    session::Unanswered,
    transport::{
        quic,
        tap::{Speaks, TapView},
        websocket,
    },
};

/// A QUIC handshake that failed.
pub(super) fn of_quic(error: &quic::AcceptError) -> Fault {
    use quic::AcceptError as E;
    let cause = match error {
        E::TimedOut => Cause::TimedOut,
        E::Setup(_) => Cause::LocalFault { errno: None },
        E::BadCertificate(rejected) => errors::of_certificate(rejected),
        E::Ended(ended) => errors::of_quic(ended),
    };
    Fault::new(cause, error)
}

/// A request that became no WebSocket.
pub(super) fn of_upgrade(error: websocket::AcceptError) -> Fault {
    use websocket::AcceptError as E;
    let message = error.to_string();
    match error {
        E::NotUpgrade { answered, .. } => Fault::new(Cause::HttpStatus { status: answered, location: None }, &message),
        E::NotHttp { speaks, banner } => Fault::new(Cause::NotHttp { speaks: speaks.map(|speaks| speaks.to_string()) }, &banner),
        E::Failed { what } => Fault::new(Cause::WebsocketFailed { what: what.into() }, &message),
        E::Io(error) => errors::of_stream(&error),
    }
}

/// A negotiation that found nothing in common: what was asked for are the dialer's words.
pub(super) fn of_negotiation(unanswered: Unanswered) -> Fault {
    let Unanswered { mut fault, asked } = unanswered;
    if matches!(fault.cause, Cause::NoCommonProtocol { .. }) && !asked.is_empty() {
        fault.message = Some(asked.join(", "));
    }
    fault
}

/// What was agreed on before the handshake broke, by the first bytes: a dialer that proposed nothing never meant to secure.
pub(super) fn proposed(view: &TapView) -> Found {
    let first = view.first();
    let protocol = ["/noise", "/tls/1.0.0"].into_iter().find(|protocol| {
        let line = format!("{protocol}\n");
        first.windows(line.len()).any(|bytes| bytes == line.as_bytes())
    });
    Found { protocol: protocol.map(Into::into), ..Found::default() }
}

/// What a TLS handshake that broke had begun as: who sent nothing never meant to shake hands.
pub(super) fn greeted(view: &TapView) -> Found {
    Found { protocol: view.speaks().filter(|speaks| *speaks == Speaks::Tls).map(|speaks| speaks.to_string()), ..Found::default() }
}
