//! What a listener's errors mean.

use crate::{
    engine::Fault,
    model::{Cause, Found},
    probe::errors,
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

/// What a TLS handshake that broke had begun as: who sent nothing never meant to shake hands.
pub(super) fn greeted(view: &TapView) -> Found {
    Found { protocol: view.speaks().filter(|speaks| *speaks == Speaks::Tls).map(|speaks| speaks.to_string()), ..Found::default() }
}
