//! The fingerprint of a certificate, and how addresses carry it: `/certhash/<multibase of multihash>`.

use std::fmt;

use multiaddr::multihash::Multihash;
use multibase::Base;

/// The multihash code of SHA-256, the one that every implementation has.
const SHA2_256: u64 = 0x12;

/// The SHA-256 of a certificate's DER form. Displayed as in an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// From the digest.
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// From a multihash of an address; none if it is another hash.
    pub fn of_certhash(certhash: &Multihash<64>) -> Option<Self> {
        (certhash.code() == SHA2_256).then(|| certhash.digest().try_into().ok().map(Self)).flatten()
    }

    /// The digest.
    pub fn digest(&self) -> &[u8; 32] {
        &self.0
    }

    /// As a multihash.
    pub fn multihash(&self) -> Multihash<64> {
        // 32 bytes always fit into 64.
        Multihash::wrap(SHA2_256, &self.0).unwrap_or_default()
    }

    /// As reports carry it: `sha256:` and hexadecimal digits.
    pub fn hexadecimal(&self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::from("sha256:"), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&multibase::encode(Base::Base64Url, self.multihash().to_bytes()))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hexadecimal())
    }
}

#[cfg(test)]
mod tests {
    use multiaddr::{Multiaddr, Protocol};

    use super::*;

    #[test]
    fn an_address_carries_it_both_ways() {
        let fingerprint = Fingerprint::new([9; 32]);
        let address: Multiaddr = format!("/webrtc-direct/certhash/{fingerprint}").parse().unwrap();
        let certhash = address.iter().find_map(|part| if let Protocol::Certhash(hash) = part { Some(hash) } else { None });
        assert_eq!(Fingerprint::of_certhash(&certhash.unwrap()), Some(fingerprint));
        assert!(fingerprint.to_string().starts_with("uEi"));
    }

    #[test]
    fn another_hash_is_none() {
        assert_eq!(Fingerprint::of_certhash(&Multihash::wrap(0x13, &[0; 64]).unwrap()), None);
        assert_eq!(Fingerprint::of_certhash(&Multihash::wrap(SHA2_256, &[0; 31]).unwrap()), None);
    }
}
