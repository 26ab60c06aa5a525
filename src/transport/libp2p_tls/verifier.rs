//! Certificate verification inside the TLS handshake, which remembers what it saw.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, PeerIncompatible, SignatureScheme};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::certificate::{CertError, Remote, verify};

/// What the verifier of one handshake saw. QUIC flattens a verifier's reason into a TLS alert, so it is kept here.
#[derive(Debug, Clone, Default)]
pub struct Notes(Arc<OnceLock<Result<Remote, CertError>>>);

impl Notes {
    /// The remote peer, once its certificate was verified. A proof only together with a handshake that succeeded.
    pub fn remote(&self) -> Option<Remote> {
        self.0.get()?.as_ref().ok().cloned()
    }

    /// Why its certificate was rejected.
    pub fn rejected(&self) -> Option<CertError> {
        self.0.get()?.as_ref().err().cloned()
    }
}

/// Accepts every proved peer: whether it is the one meant is for the caller to compare.
#[derive(Debug)]
pub(super) struct Verifier {
    notes: Notes,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(notes: Notes, provider: &CryptoProvider) -> Self {
        Self { notes, algorithms: provider.signature_verification_algorithms }
    }

    fn check(&self, end_entity: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> Result<(), rustls::Error> {
        let outcome = if others.is_empty() { verify(end_entity, now) } else { Err(CertError::Count(others.len() + 1)) };
        let verdict = outcome.as_ref().map(|_| ()).map_err(|e| to_rustls(e.clone()));
        // Set once: rustls verifies one certificate per handshake.
        let _ = self.notes.0.set(outcome);
        verdict
    }

    /// The certificate was verified before, so only the handshake's own signature is checked, against its bare key:
    /// web rules would not read the certificate's critical extension.
    fn check_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let (_, x509) = X509Certificate::from_der(certificate).map_err(|_| to_rustls(CertError::NotX509))?;
        let key = SubjectPublicKeyInfoDer::from(x509.public_key().raw);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
    }
}

fn to_rustls(error: CertError) -> rustls::Error {
    rustls::Error::InvalidCertificate(match error {
        CertError::NotX509 | CertError::MalformedExtension => CertificateError::BadEncoding,
        CertError::Expired { .. } => CertificateError::Expired,
        CertError::NotYetValid { .. } => CertificateError::NotValidYet,
        CertError::BadSignature(_) => CertificateError::BadSignature,
        other => CertificateError::Other(OtherError(Arc::new(other))),
    })
}

/// The configurations offer TLS 1.3 alone; should one ever not, this refuses instead of panicking.
fn no_tls12() -> rustls::Error {
    PeerIncompatible::ServerDoesNotSupportTls12Or13.into()
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity, intermediates, now).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(end_entity, intermediates, now).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
