//! Client TLS below a WebSocket, which tells what is wrong with a certificate and goes on: a user whose certificate
//! expired also wants to know whether the rest would work. Nothing that needs secrecy passes here: libp2p secures the
//! connection again above.

mod certificate;
mod error;
mod roots;
#[cfg(test)]
mod tests;
mod verifier;

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{AsyncRead, AsyncWrite};
use futures_rustls::{TlsConnector, client::TlsStream};
use rustls::{ClientConfig, RootCertStore, client::Resumption, crypto::ring, pki_types::ServerName};

pub use certificate::Certificate;
pub use error::{TlsError, TlsFault};
pub use roots::prepare;
pub use verifier::CertificateProblem;

use crate::transport::tap::{Tap, printable};
use verifier::Recorder;

/// What is offered by ALPN: a WebSocket begins as HTTP/1.1.
const ALPN: &[u8] = b"http/1.1";

/// The longest ALPN protocol that is kept, in characters.
const MAX_ALPN: usize = 64;

/// What a handshake showed, as far as it came.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Observed {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: Option<&'static str>,
    /// The cipher suite by its IANA name.
    pub suite: Option<Cow<'static, str>>,
    /// What the server chose by ALPN.
    pub alpn: Option<String>,
    /// The server's certificate.
    pub certificate: Option<Certificate>,
    /// All that is wrong with the certificate: dates first, then the name, then whether it is trusted.
    pub problems: Vec<CertificateProblem>,
}

impl Observed {
    /// The problem to name: the first.
    pub fn problem(&self) -> Option<&CertificateProblem> {
        self.problems.first()
    }
}

/// A stream after its handshake.
#[derive(Debug)]
pub struct Secured<S> {
    /// The stream.
    pub stream: TlsStream<Tap<S>>,
    /// What the handshake showed, a problem of the certificate among it.
    pub observed: Observed,
}

/// Shakes hands with the server behind `stream`, which is to be `name`. Without `send_sni` the server is not told the
/// name; an IP address is never told. The system's roots are loaded once per process, see [`prepare`].
pub async fn connect<S>(stream: Tap<S>, name: ServerName<'static>, send_sni: bool) -> Result<Secured<S>, TlsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    connect_trusting(stream, name, send_sni, roots::system()).await
}

/// The same with roots of the caller's.
pub(crate) async fn connect_trusting<S>(
    stream: Tap<S>,
    name: ServerName<'static>,
    send_sni: bool,
    roots: Arc<RootCertStore>,
) -> Result<Secured<S>, TlsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let view = stream.view();
    let seen = Arc::new(Mutex::new(Observed::default()));
    let failed = |fault| TlsError { fault, observed: Box::new(observed(&seen)) };
    let config = config(roots, Arc::clone(&seen), send_sni).map_err(|error| failed(TlsFault::Other(error)))?;
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(stream) => {
            let mut observed = observed(&seen);
            let session = stream.get_ref().1;
            observed.version = session.protocol_version().and_then(version);
            observed.suite = session.negotiated_cipher_suite().map(|suite| suite_name(suite.suite()));
            observed.alpn = session.alpn_protocol().map(|alpn| printable(alpn, MAX_ALPN));
            Ok(Secured { stream, observed })
        }
        Err(error) => Err(failed(TlsFault::of(error, &view))),
    }
}

/// A configuration for one dial: nothing is resumed, since a resumed session shows no certificate.
fn config(roots: Arc<RootCertStore>, seen: Arc<Mutex<Observed>>, send_sni: bool) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let recorder = Recorder::new(roots, provider.signature_verification_algorithms, seen);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(recorder))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.enable_sni = send_sni;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

fn observed(seen: &Mutex<Observed>) -> Observed {
    seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn version(version: rustls::ProtocolVersion) -> Option<&'static str> {
    match version {
        rustls::ProtocolVersion::TLSv1_3 => Some(verifier::TLS13),
        rustls::ProtocolVersion::TLSv1_2 => Some(verifier::TLS12),
        _ => None,
    }
}

/// The library marks TLS 1.3 suites where IANA does not.
fn suite_name(suite: rustls::CipherSuite) -> Cow<'static, str> {
    match suite.as_str() {
        Some(name) => name.strip_prefix("TLS13_").map_or(Cow::Borrowed(name), |rest| format!("TLS_{rest}").into()),
        None => format!("{:#06x}", u16::from(suite)).into(),
    }
}
