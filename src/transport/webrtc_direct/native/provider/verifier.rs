//! The other side's signature.

use std::sync::LazyLock;

use dimpl::crypto::{SignatureVerifier, rust_crypto};
use dimpl::{CryptoError, HashAlgorithm, NamedGroup, SignatureAlgorithm};
use rustls::SignatureScheme;
use rustls::crypto::ring;
use x509_parser::oid_registry::OID_EC_P256;

#[derive(Debug)]
pub(super) struct Verifier;

impl SignatureVerifier for Verifier {
    fn verify_signature(
        &self,
        certificate: &[u8],
        data: &[u8],
        signature: &[u8],
        hash: HashAlgorithm,
        algorithm: SignatureAlgorithm,
    ) -> Result<(), CryptoError> {
        let key = p256_key(certificate).filter(|_| (hash, algorithm) == (HashAlgorithm::SHA256, SignatureAlgorithm::ECDSA));
        let (Some(key), Some(ring)) = (key, verification()) else {
            // Others are rare.
            let slow = rust_crypto::default_provider().signature_verification;
            return slow.verify_signature(certificate, data, signature, hash, algorithm);
        };
        let group = NamedGroup::Secp256r1;
        let failed = CryptoError::SignatureVerificationFailed { signature: algorithm, hash, group };
        ring.verify_signature(&key, data, signature).map_err(|_| failed)
    }
}

/// The public key of a certificate, if it is one on P-256.
fn p256_key(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let key = certificate.public_key();
    let curve = key.algorithm.parameters.as_ref()?.as_oid().ok()?;
    (curve == OID_EC_P256).then(|| key.subject_public_key.data.to_vec())
}

/// What verifies ECDSA with SHA-256 on P-256.
fn verification() -> Option<&'static dyn rustls::pki_types::SignatureVerificationAlgorithm> {
    static FOUND: LazyLock<Option<&'static dyn rustls::pki_types::SignatureVerificationAlgorithm>> = LazyLock::new(|| {
        let all = ring::default_provider().signature_verification_algorithms.mapping;
        let (_, found) = all.iter().find(|(scheme, _)| *scheme == SignatureScheme::ECDSA_NISTP256_SHA256)?;
        found.first().copied()
    });
    *FOUND
}
