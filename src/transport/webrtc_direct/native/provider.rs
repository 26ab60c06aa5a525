//! The cryptography of the DTLS handshake by `ring`, as rustls has it: many times faster on P-256 than what `dimpl` brings, which
//! takes longer over it than the rest of a dial on loopback.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};

use dimpl::crypto::{
    ActiveKeyExchange, Buf, CryptoProvider, KeyProvider, SignatureVerifier, SigningKey, SupportedDtls12CipherSuite,
    SupportedKxGroup, rust_crypto,
};
use dimpl::{CryptoError, CryptoOperation, HashAlgorithm, NamedGroup, SignatureAlgorithm};
use rustls::SignatureScheme;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use x509_parser::oid_registry::OID_EC_P256;

/// Without P-384 and the suite that goes with it: nobody needs them who has P-256 as WebRTC demands (RFC 8827), and dimpl tries
/// out each that it has when it starts.
pub(super) fn provider() -> CryptoProvider {
    static SUITES: LazyLock<Vec<&'static dyn SupportedDtls12CipherSuite>> = LazyLock::new(|| {
        let all = rust_crypto::default_provider().cipher_suites;
        all.iter().copied().filter(|suite| suite.suite().hash_algorithm() != HashAlgorithm::SHA384).collect()
    });
    CryptoProvider {
        kx_groups: &[&Group::X25519, &Group::P256],
        cipher_suites: &SUITES,
        signature_verification: &Verifier,
        key_provider: &Keys,
        ..rust_crypto::default_provider()
    }
}

#[derive(Debug, Clone, Copy)]
enum Group {
    X25519,
    P256,
}

impl SupportedKxGroup for Group {
    fn name(&self) -> NamedGroup {
        match self {
            Self::X25519 => NamedGroup::X25519,
            Self::P256 => NamedGroup::Secp256r1,
        }
    }

    fn start_exchange(&self, _: Buf) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        let group = match self {
            Self::X25519 => ring::kx_group::X25519,
            Self::P256 => ring::kx_group::SECP256R1,
        };
        let failed = |_| CryptoError::OperationFailed(CryptoOperation::StartKeyExchange);
        Ok(Box::new(Exchange { group: self.name(), inner: AssertUnwindSafe(group.start().map_err(failed)?) }))
    }
}

struct Exchange {
    group: NamedGroup,
    /// It is used up by its one use, so that no panic leaves it half-done.
    inner: AssertUnwindSafe<Box<dyn rustls::crypto::ActiveKeyExchange>>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("group", &self.group).finish_non_exhaustive()
    }
}

impl ActiveKeyExchange for Exchange {
    fn pub_key(&self) -> &[u8] {
        self.inner.pub_key()
    }

    fn complete(self: Box<Self>, theirs: &[u8], out: &mut Buf) -> Result<(), CryptoError> {
        let Self { group, inner: AssertUnwindSafe(inner) } = *self;
        let secret = inner.complete(theirs).map_err(|_| CryptoError::InvalidPublicKey(group))?;
        out.clear();
        out.extend_from_slice(secret.secret_bytes());
        Ok(())
    }

    fn group(&self) -> NamedGroup {
        self.group
    }
}

#[derive(Debug)]
struct Keys;

impl KeyProvider for Keys {
    fn load_private_key(&self, der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        let der = PrivateKeyDer::try_from(der).map_err(|_| CryptoError::InvalidPrivateKey)?;
        let key = ring::sign::any_ecdsa_type(&der).map_err(|_| CryptoError::InvalidPrivateKey)?;
        Ok(Box::new(Key(AssertUnwindSafe(key))))
    }
}

/// A key of ours: P-256, as all that we make.
#[derive(Debug)]
struct Key(AssertUnwindSafe<Arc<dyn rustls::sign::SigningKey>>);

impl SigningKey for Key {
    fn sign(&mut self, data: &[u8], hash: HashAlgorithm, out: &mut Buf) -> Result<(), CryptoError> {
        let group = NamedGroup::Secp256r1;
        let unsupported = CryptoError::SigningKeyUnsupportedHash { group, hash };
        let scheme = Some(SignatureScheme::ECDSA_NISTP256_SHA256).filter(|_| hash == HashAlgorithm::SHA256);
        let signer = scheme.and_then(|scheme| self.0.choose_scheme(&[scheme])).ok_or(unsupported)?;
        let signature = signer.sign(data).map_err(|_| CryptoError::OperationFailed(CryptoOperation::Sign))?;
        out.clear();
        out.extend_from_slice(&signature);
        Ok(())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }

    fn supported_hash_algorithms(&self) -> &[HashAlgorithm] {
        &[HashAlgorithm::SHA256]
    }
}

#[derive(Debug)]
struct Verifier;

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

#[cfg(test)]
mod tests {
    use super::super::certificate::Certificate;
    use super::*;

    #[test]
    fn what_is_signed_is_verified_and_nothing_else() {
        let certificate = Certificate::generate().unwrap().dtls();
        let mut key = Keys.load_private_key(&certificate.private_key).unwrap();
        let mut signature = Buf::new();
        key.sign(b"data", HashAlgorithm::SHA256, &mut signature).unwrap();
        let verify = |data: &[u8], signature: &[u8]| {
            Verifier.verify_signature(&certificate.certificate, data, signature, HashAlgorithm::SHA256, SignatureAlgorithm::ECDSA)
        };
        assert_eq!(verify(b"data", &signature), Ok(()));
        let failed = CryptoError::SignatureVerificationFailed {
            signature: SignatureAlgorithm::ECDSA,
            hash: HashAlgorithm::SHA256,
            group: NamedGroup::Secp256r1,
        };
        assert_eq!(verify(b"other", &signature), Err(failed));
        // dimpl's own takes it as well.
        let slow = rust_crypto::default_provider().signature_verification;
        let verified = slow.verify_signature(
            &certificate.certificate,
            b"data",
            &signature,
            HashAlgorithm::SHA256,
            SignatureAlgorithm::ECDSA,
        );
        assert_eq!(verified, Ok(()));
    }

    #[test]
    fn both_sides_have_the_same_secret_with_either_implementation() {
        for (fast, slow) in provider().kx_groups.iter().zip(rust_crypto::default_provider().kx_groups) {
            assert_eq!(fast.name(), slow.name());
            let (ours, theirs) = (fast.start_exchange(Buf::new()).unwrap(), slow.start_exchange(Buf::new()).unwrap());
            let (our_key, their_key) = (ours.pub_key().to_vec(), theirs.pub_key().to_vec());
            let (mut first, mut second) = (Buf::new(), Buf::new());
            ours.complete(&their_key, &mut first).unwrap();
            theirs.complete(&our_key, &mut second).unwrap();
            assert_eq!(first.as_ref(), second.as_ref());
        }
    }
}
