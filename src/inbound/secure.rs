//! From a dialer's byte stream to a multiplexed connection.

use libp2p_identity::Keypair;

use super::Established;
use crate::{
    engine::{Fault, Record},
    model::{Cause, Found, StageName},
    probe::heard,
    session::{BoxedStream, Unanswered, multiplex_inbound, secure_inbound},
    transport::tap::{Tap, TapView},
};

/// Lets a dialer secure and multiplex a stream.
pub async fn secure(identity: &Keypair, record: &Record, stream: BoxedStream) -> Result<Established, Fault> {
    record.enter(StageName::Secure);
    let tap = Tap::new(stream);
    let view = tap.view();
    let secured = secure_inbound(tap, identity).await.map_err(|unanswered| {
        record.found(proposed(&view));
        heard::explain(of_negotiation(unanswered), &view)
    })?;
    record.found(Found {
        protocol: Some(secured.protocol.into()),
        peer: Some(secured.peer.to_base58()),
        key_type: secured.key_type.map(Into::into),
        ..Found::default()
    });
    record.enter(StageName::Multiplex);
    let connection = multiplex_inbound(secured.stream).await.map_err(of_negotiation)?;
    record.found(Found { protocol: connection.protocol.map(Into::into), ..Found::default() });
    Ok(Established::new(secured.peer, connection))
}

/// A negotiation that found nothing in common: what was asked for are the dialer's words.
fn of_negotiation(unanswered: Unanswered) -> Fault {
    let Unanswered { mut fault, asked } = unanswered;
    if matches!(fault.cause, Cause::NoCommonProtocol { .. }) && !asked.is_empty() {
        fault.message = Some(asked.join(", "));
    }
    fault
}

/// What was agreed on before the handshake broke, by the first bytes: a dialer that proposed nothing never meant to secure.
fn proposed(view: &TapView) -> Found {
    let first = view.first();
    let protocol = ["/noise", "/tls/1.0.0"].into_iter().find(|protocol| {
        let line = format!("{protocol}\n");
        first.windows(line.len()).any(|bytes| bytes == line.as_bytes())
    });
    Found { protocol: protocol.map(Into::into), ..Found::default() }
}
