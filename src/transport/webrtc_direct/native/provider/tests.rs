//! What `ring` does is what `dimpl`'s own cryptography does.

use dimpl::crypto::{Buf, KeyProvider as _, SignatureVerifier as _, rust_crypto};
use dimpl::{CryptoError, HashAlgorithm, NamedGroup, SignatureAlgorithm};

use super::super::certificate::Certificate;
use super::keys::Keys;
use super::provider;
use super::verifier::Verifier;

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
    let verified =
        slow.verify_signature(&certificate.certificate, b"data", &signature, HashAlgorithm::SHA256, SignatureAlgorithm::ECDSA);
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
