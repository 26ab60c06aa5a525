//! What a listener's errors mean.

use std::io;

use crate::{
    engine::Fault,
    model::{Cause, Found},
    probe,
    session::Unanswered,
    transport::{
        quic,
        tap::{Speaks, TapView},
        tls::TlsFault,
        websocket,
    },
};

/// A QUIC handshake that failed.
pub(super) fn of_quic(error: &quic::AcceptError) -> Fault {
    use quic::AcceptError as E;
    let cause = match error {
        E::TimedOut => Cause::TimedOut,
        E::Setup(_) => Cause::LocalFault { errno: None },
        E::BadCertificate(rejected) => probe::quic::certificate(rejected),
        E::Ended(ended) => probe::quic::cause(ended),
    };
    Fault::new(cause, error)
}

/// A TLS handshake below a WebSocket that failed.
pub(super) fn of_tls(error: io::Error, view: &TapView) -> Fault {
    match TlsFault::of(error, view) {
        TlsFault::NotTls { speaks, banner } => {
            Fault::new(Cause::NotTls { speaks: speaks.map(|speaks| speaks.to_string()) }, &banner)
        }
        TlsFault::Alert { name, .. } => Cause::TlsFailed { alert: Some(name.into()) }.into(),
        TlsFault::Io(error) => of_stream(&error),
        TlsFault::Other(error) => Fault::new(Cause::TlsFailed { alert: None }, &error),
    }
}

/// A request that became no WebSocket.
pub(super) fn of_upgrade(error: websocket::AcceptError) -> Fault {
    use websocket::AcceptError as E;
    let message = error.to_string();
    match error {
        E::NotUpgrade { answered, .. } => Fault::new(Cause::HttpStatus { status: answered, location: None }, &message),
        E::NotHttp { speaks, banner } => Fault::new(Cause::NotHttp { speaks: speaks.map(|speaks| speaks.to_string()) }, &banner),
        E::Failed { what } => Fault::new(Cause::WebsocketFailed { what: what.into() }, &message),
        E::Io(error) => of_stream(&error),
    }
}

/// An open stream that broke.
pub(super) fn of_stream(error: &io::Error) -> Fault {
    Fault::from_io(error, Cause::Closed)
}

/// A negotiation that found nothing in common: what was asked for are the dialer's words.
pub(super) fn of_negotiation(unanswered: Unanswered) -> Fault {
    let Unanswered { mut fault, asked } = unanswered;
    if matches!(fault.cause, Cause::NoCommonProtocol { .. }) && !asked.is_empty() {
        fault.message = Some(asked.join(", "));
    }
    fault
}

/// The first bytes say more than the error that they led to.
pub(super) fn explained(fault: Fault, view: &TapView) -> Fault {
    if let Some(foreign) = foreign(view) {
        return Fault::new(Cause::NotLibp2p { speaks: Some(foreign.to_string()) }, &view.banner());
    }
    match fault.cause {
        Cause::NotLibp2p { .. } => Fault::new(fault.cause, &view.banner()),
        // A muxer knows only that the bytes ended.
        Cause::Closed if view.broken() == Some(io::ErrorKind::ConnectionReset) => Cause::Reset.into(),
        _ => fault,
    }
}

/// What a dialer speaks instead of libp2p, where its first bytes tell.
pub(super) fn foreign(view: &TapView) -> Option<Speaks> {
    view.speaks().filter(|speaks| *speaks != Speaks::Multistream)
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
