//! Our own key.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use dimpl::crypto::{Buf, KeyProvider, SigningKey};
use dimpl::{CryptoError, CryptoOperation, HashAlgorithm, NamedGroup, SignatureAlgorithm};
use rustls::SignatureScheme;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;

#[derive(Debug)]
pub(super) struct Keys;

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
