//! Peer IDs as people and names write them: base58, or a CID of version 1 (libp2p specs, peer-ids).

use libp2p_identity::PeerId;
use multiaddr::multihash::Multihash;

/// The shortest text that is taken for a peer ID: below it, words that happen to be base58 would be.
const SHORTEST: usize = 40;
/// The longest: an RSA key's hash, or an inlined secp256k1 key, in base16, with room to spare.
const LONGEST: usize = 128;
/// CID version 1 and the multicodec `libp2p-key`.
const CID_PREFIX: [u8; 2] = [0x01, 0x72];

/// How a peer ID is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `12D3KooW…`, `Qm…`.
    Base58,
    /// `bafz…`, `k51…`: a CID of version 1 in this base.
    Cid(multibase::Base),
}

impl Form {
    /// Writes a peer ID in this form.
    #[must_use]
    pub fn write(self, peer: &PeerId) -> String {
        match self {
            Self::Base58 => peer.to_base58(),
            Self::Cid(base) => multibase::encode(base, [&CID_PREFIX[..], &peer.to_bytes()].concat()),
        }
    }
}

/// Reads a peer ID in any of its forms.
#[must_use]
pub fn parse(text: &str) -> Option<(PeerId, Form)> {
    if !(SHORTEST..=LONGEST).contains(&text.len()) {
        return None;
    }
    if let Ok(peer) = text.parse() {
        return Some((peer, Form::Base58));
    }
    let (base, bytes) = multibase::decode(text).ok()?;
    let peer = PeerId::from_bytes(bytes.strip_prefix(&CID_PREFIX)?).ok()?;
    Some((peer, Form::Cid(base)))
}

/// A peer ID that no key has: the hash is a number. For reports whose real ones are replaced.
#[must_use]
pub fn numbered(number: u32) -> Option<PeerId> {
    /// The multicodec of SHA2-256.
    const SHA2_256: u64 = 0x12;
    let mut digest = [0; 32];
    // In front, so that the first letters after `Qm` already tell one from another.
    digest[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_be_bytes());
    digest[28..].copy_from_slice(&number.to_be_bytes());
    PeerId::from_multihash(Multihash::wrap(SHA2_256, &digest).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";

    #[test]
    fn every_form_reads_back() {
        let (peer, form) = parse(PEER).unwrap();
        assert_eq!(form, Form::Base58);
        for base in [multibase::Base::Base36Lower, multibase::Base::Base32Lower, multibase::Base::Base58Btc] {
            let written = Form::Cid(base).write(&peer);
            assert_eq!(parse(&written), Some((peer, Form::Cid(base))), "{written}");
        }
        assert!(Form::Cid(multibase::Base::Base36Lower).write(&peer).starts_with("k51"));
        assert!(Form::Cid(multibase::Base::Base32Lower).write(&peer).starts_with("bafz"));
        // A CIDv0-like id and words.
        assert!(parse("QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ").is_some());
        assert_eq!(parse("libp2p"), None);
        assert_eq!(parse(&"1".repeat(60)), None);
    }

    #[test]
    fn numbered_peers_differ_and_look_like_peers() {
        let (one, two) = (numbered(1).unwrap().to_base58(), numbered(2).unwrap().to_base58());
        assert!(one.starts_with("Qm") && two.starts_with("Qm") && one.len() == 46);
        assert_ne!(one[..8], two[..8]);
    }
}
