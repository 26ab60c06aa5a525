//! `/tls/1.0.0` over a byte stream: <https://github.com/libp2p/specs/blob/master/tls/tls.md>.

use std::net::Ipv4Addr;

use futures::io::BufWriter;
use futures_rustls::{TlsAcceptor, TlsConnector};
use libp2p_identity::Keypair;
use rustls::pki_types::ServerName;

use super::{
    BoxedStream, ByteStream, Fault, Secured, chain, propose, upgrade,
    upgrade::{broken, key_name},
};
use crate::{
    model::Cause,
    transport::libp2p_tls::{self, CertError, Notes, SetupError},
};

/// The protocol.
const TLS: &str = "/tls/1.0.0";
/// What a listener offers.
pub(super) const OFFERS: &[&str] = &[upgrade::NOISE, TLS];

/// Dials: the proposal and the `ClientHello` leave in one flight.
pub(super) async fn outbound(stream: BoxedStream, keypair: &Keypair) -> Result<Secured, Fault> {
    let (config, notes) = libp2p_tls::client_config(keypair).map_err(|error| ours(&error))?;
    let stream = propose(BufWriter::with_capacity(upgrade::FLIGHT, stream), TLS);
    // The name is not sent.
    let name = ServerName::from(Ipv4Addr::UNSPECIFIED);
    let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| fault_of(&error, &notes))?;
    secured(stream, &notes)
}

/// Accepts, after the protocol was agreed on.
pub(super) async fn inbound(stream: BoxedStream, keypair: &Keypair) -> Result<Secured, Fault> {
    let (config, notes) = libp2p_tls::server_config(keypair).map_err(|error| ours(&error))?;
    let stream = TlsAcceptor::from(config).accept(stream).await.map_err(|error| fault_of(&error, &notes))?;
    secured(stream, &notes)
}

fn secured(stream: impl ByteStream + 'static, notes: &Notes) -> Result<Secured, Fault> {
    let remote = notes.remote().ok_or_else(|| broken("the peer showed no certificate"))?;
    Ok(Secured { peer: remote.peer, key_type: Some(key_name(&remote.key_type())), protocol: TLS, stream: Box::new(stream) })
}

fn ours(error: &SetupError) -> Fault {
    Fault::from(Cause::LocalFault { errno: None }).say(error)
}

/// What a failed TLS handshake means: the certificate's fault, else an alert, else what the stream says.
fn fault_of(error: &std::io::Error, notes: &Notes) -> Fault {
    if let Some(rejected) = notes.rejected() {
        return match rejected {
            CertError::UnsupportedKey { kind } => Fault::from(Cause::UnsupportedKey { kind: kind.to_string() }).say(&rejected),
            _ => broken(&rejected.to_string()),
        };
    }
    let (what, alert) = match chain(error).find_map(|error| error.downcast_ref::<rustls::Error>()) {
        // RFC 8446, section 6.
        Some(rustls::Error::AlertReceived(alert)) => {
            let alert = u8::from(*alert);
            (format!("the peer sent the TLS alert {alert}"), Some(alert))
        }
        Some(_) => ("the TLS handshake broke".to_owned(), None),
        None => ("bytes that are not TLS".to_owned(), None),
    };
    Fault::from_io(error, Cause::HandshakeFailed { what, alert })
}
