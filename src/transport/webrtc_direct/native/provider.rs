//! The cryptography of the DTLS handshake by `ring`, as rustls has it: many times faster on P-256 than what `dimpl` brings, which
//! takes longer over it than the rest of a dial on loopback.

mod exchange;
mod keys;
mod verifier;

use std::sync::LazyLock;

use dimpl::HashAlgorithm;
use dimpl::crypto::{CryptoProvider, SupportedDtls12CipherSuite, rust_crypto};

use self::exchange::Group;
use self::keys::Keys;
use self::verifier::Verifier;

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

#[cfg(test)]
mod tests;
