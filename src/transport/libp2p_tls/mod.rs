//! The libp2p TLS 1.3 handshake: self-signed certificates that carry the peer's public key
//! (<https://github.com/libp2p/specs/blob/master/tls/tls.md>), for QUIC and for `/tls/1.0.0` over TCP.
//!
//! `libp2p-tls` offers ready configurations, but they are tied to aws-lc-rs, whose first use of its random generator
//! costs tens of milliseconds. These use ring, and ask the verifier for no particular peer: who answered is read
//! afterwards from [`Notes`], so that a wrong peer can be named instead of being lost in a TLS alert.

mod certificate;
mod verifier;

use std::sync::{Arc, LazyLock};

use libp2p_identity::Keypair;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::sign::any_ecdsa_type;
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{ClientConfig, ServerConfig};

pub use certificate::{CertError, Remote};
pub use verifier::Notes;
use verifier::Verifier;

/// The protocol name in ALPN, for QUIC v1 and for TLS over TCP.
pub const ALPN: &[u8] = b"libp2p";

/// The one provider of every libp2p handshake. Named everywhere, since a process may link several and rustls would
/// then refuse to choose.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

/// Why no TLS configuration could be made from a key pair. Always a local fault.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The certificate could not be made or signed.
    #[error("the certificate could not be made")]
    Certificate(#[from] libp2p_tls::certificate::GenError),
    /// The TLS library refused the key or the protocol version.
    #[error("the TLS configuration was refused")]
    Tls(#[from] rustls::Error),
}

/// A fresh certificate bound to a host key, good for any number of connections, as dialer and as listener.
#[derive(Debug, Clone)]
pub struct Credentials(Arc<SingleCertAndKey>);

impl Credentials {
    /// Makes a P-256 key and the certificate in which `keypair` vouches for it: a quarter of a millisecond.
    pub fn generate(keypair: &Keypair) -> Result<Self, SetupError> {
        let (certificate, key) = libp2p_tls::certificate::generate(keypair)?;
        let certified = CertifiedKey::new(vec![certificate], any_ecdsa_type(&key)?);
        Ok(Self(Arc::new(SingleCertAndKey::from(certified))))
    }

    /// Configuration of one dialed connection, and where to read who answered. Resumption is off: a resumed handshake
    /// shows no certificate.
    pub fn client(&self) -> Result<(ClientConfig, Notes), SetupError> {
        let notes = Notes::default();
        let verifier = Verifier::new(notes.clone(), &PROVIDER);
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            // `with_client_auth_cert` would parse the certificate by web rules and reject its critical extension.
            .with_client_cert_resolver(Arc::clone(&self.0) as _);
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Ok((config, notes))
    }

    /// Configuration of one accepted connection, and where to read who dialed. To be made anew for each connection:
    /// [`Notes`] belong to one handshake.
    pub fn server(&self) -> Result<(ServerConfig, Notes), SetupError> {
        let notes = Notes::default();
        let verifier = Verifier::new(notes.clone(), &PROVIDER);
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::clone(&self.0) as _);
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok((config, notes))
    }
}

/// [`Credentials::client`] with a certificate of its own. A `ServerName` for it can be any: SNI is not sent.
pub fn client_config(keypair: &Keypair) -> Result<(Arc<ClientConfig>, Notes), SetupError> {
    let (config, notes) = Credentials::generate(keypair)?.client()?;
    Ok((Arc::new(config), notes))
}

/// [`Credentials::server`] with a certificate of its own. Who accepts many keeps [`Credentials`] instead.
pub fn server_config(keypair: &Keypair) -> Result<(Arc<ServerConfig>, Notes), SetupError> {
    let (config, notes) = Credentials::generate(keypair)?.server()?;
    Ok((Arc::new(config), notes))
}

#[cfg(test)]
mod tests;
