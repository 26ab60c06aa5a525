//! Our DTLS certificate.

use std::fmt;
use std::sync::Arc;

use dimpl::DtlsCertificate;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;

use super::super::certhash::Fingerprint;

/// A certificate with its key. A listener's is kept, so that its address stays; a dialer makes one for every dial.
#[derive(Clone)]
pub struct Certificate {
    inner: Arc<DtlsCertificate>,
    fingerprint: Fingerprint,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// None could be made.
    #[error("no certificate could be made")]
    Make(#[from] rcgen::Error),
    /// What was kept is none.
    #[error("not a certificate with its key")]
    Malformed,
}

impl Certificate {
    /// A new one: ECDSA on P-256, self-signed, valid as long as rcgen makes them, since nobody looks at that.
    pub fn generate() -> Result<Self, CertificateError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        // Firefox takes two certificates with one serial number for the same.
        params.serial_number = Some(rand::random::<[u8; 16]>().to_vec().into());
        let certificate = params.self_signed(&key)?;
        Ok(Self::new(certificate.der().to_vec(), key.serialize_der()))
    }

    /// One that was kept, as [`Certificate::to_bytes`] gave it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CertificateError> {
        let (key, parsed) = x509_parser::parse_x509_certificate(bytes).map_err(|_| CertificateError::Malformed)?;
        let known = KeyPair::try_from(key).map_err(|_| CertificateError::Malformed)?;
        let fits = parsed.public_key().subject_public_key.data.as_ref() == known.public_key_raw();
        if !fits || !known.is_compatible(&PKCS_ECDSA_P256_SHA256) {
            return Err(CertificateError::Malformed);
        }
        Ok(Self::new(bytes[..bytes.len() - key.len()].to_vec(), key.to_vec()))
    }

    fn new(certificate: Vec<u8>, key: Vec<u8>) -> Self {
        let fingerprint = fingerprint(&certificate);
        Self { inner: Arc::new(DtlsCertificate { certificate, private_key: key }), fingerprint }
    }

    /// The certificate's DER and then its key's PKCS#8 DER, to be kept as a secret.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.inner.certificate.as_slice(), &self.inner.private_key].concat()
    }

    /// What an address names it by.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(super) fn dtls(&self) -> DtlsCertificate {
        self.inner.as_ref().clone()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// A certificate that the other side has shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown {
    /// What an address names it by.
    pub fingerprint: Fingerprint,
    /// Its DER form, unchecked: nothing in it is relied on.
    pub der: Vec<u8>,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Shown {
    pub(super) fn new(der: Vec<u8>) -> Self {
        Self { fingerprint: fingerprint(&der), der }
    }
}

/// The fingerprint of a certificate's DER form.
fn fingerprint(der: &[u8]) -> Fingerprint {
    // The suite's own hash: rustls names the function nowhere else, and another crate for one digest is not worth it.
    let digest = TLS13_AES_128_GCM_SHA256.tls13().map(|suite| suite.common.hash_provider.hash(der));
    Fingerprint::new(digest.and_then(|digest| digest.as_ref().try_into().ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_was_kept_is_the_same() {
        let made = Certificate::generate().unwrap();
        let kept = Certificate::from_bytes(&made.to_bytes()).unwrap();
        assert_eq!((kept.fingerprint(), kept.to_bytes()), (made.fingerprint(), made.to_bytes()));
        assert_ne!(Certificate::generate().unwrap().fingerprint(), made.fingerprint());
    }

    #[test]
    fn what_does_not_fit_together_is_none() {
        let (one, other) = (Certificate::generate().unwrap(), Certificate::generate().unwrap());
        let mixed = [one.inner.certificate.as_slice(), &other.inner.private_key].concat();
        let whole = one.to_bytes();
        for bytes in [&mixed[..], &one.inner.certificate, &one.inner.private_key, &whole[..whole.len() - 1], &[]] {
            assert!(Certificate::from_bytes(bytes).is_err());
        }
    }
}
