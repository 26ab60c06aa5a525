//! The responder's side of noise and of libp2p's TLS, with rustls of its own for the latter.

use super::stack::{Bytes, Node};
use futures::{AsyncReadExt, AsyncWriteExt};
use futures_rustls::TlsAcceptor;
use libp2p_core::upgrade::InboundConnectionUpgrade;
use libp2p_identity::Keypair;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring::sign::any_ecdsa_type;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::io;
use std::sync::Arc;

/// Secures the stream by the protocol that the dialer chose.
pub async fn accept(node: &Node, name: &str, mut bytes: Bytes) -> io::Result<Bytes> {
    if name == "/tls/1.0.0" {
        let config = tls_config(&node.key, "libp2p");
        return Ok(Box::new(TlsAcceptor::from(Arc::new(config)).accept(bytes).await?));
    }
    if node.script.noise_garbage {
        let mut heard = [0; 256];
        let _ = bytes.read(&mut heard).await?;
        bytes.write_all(&[&[0, 96][..], &[0x5A; 96]].concat()).await?;
        bytes.flush().await?;
        while matches!(bytes.read(&mut heard).await, Ok(1..)) {}
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let noise = libp2p_noise::Config::new(&node.key).map_err(io::Error::other)?;
    let (_, bytes) = noise.upgrade_inbound(bytes, "/noise").await.map_err(io::Error::other)?;
    Ok(Box::new(bytes))
}

/// A server that proves `key` and wants the dialer to prove its own.
pub fn tls_config(key: &Keypair, alpn: &str) -> rustls::ServerConfig {
    let (certificate, private) = libp2p_tls::certificate::generate(key).expect("a certificate");
    let signer = any_ecdsa_type(&private).expect("libp2p's certificates have an ECDSA key");
    // A resolver, because rustls rejects the critical extension in a certificate that it is given directly.
    let certified = CertifiedKey::new(vec![certificate], signer);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring knows TLS 1.3")
        .with_client_cert_verifier(Arc::new(Dialers))
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![alpn.into()];
    config
}

/// Accepts every dialer whose certificate is one that libp2p asks for.
#[derive(Debug)]
struct Dialers;

impl ClientCertVerifier for Dialers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        libp2p_tls::certificate::parse(certificate)?;
        if !others.is_empty() {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("libp2p asks for TLS 1.3".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = libp2p_tls::certificate::parse(certificate)?;
        certificate.verify_signature(signed.scheme, message, signed.signature())?;
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
