//! A relay's signed word that it serves a peer
//! (<https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md#reservation-vouchers>).

use libp2p_core::SignedEnvelope;
use libp2p_identity::{Keypair, PeerId};
use prost::Message;

/// What the signature is for.
const DOMAIN: &str = "libp2p-relay-rsvp";
/// The multicodec code 0x0302, in the two bytes that go-libp2p and js-libp2p write.
const CODEC: [u8; 2] = [0x03, 0x02];

#[derive(Clone, PartialEq, Message)]
struct Voucher {
    #[prost(bytes = "vec", optional, tag = "1")]
    relay: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    peer: Option<Vec<u8>>,
    /// Seconds since 1970, UTC.
    #[prost(uint64, optional, tag = "3")]
    expiration: Option<u64>,
}

/// The word of the relay with this key, in a signed envelope. None where the key does not sign: a slot is good without.
pub(super) fn sign(relay: &Keypair, peer: PeerId, expires: u64) -> Option<Vec<u8>> {
    let id = relay.public().to_peer_id().to_bytes();
    let voucher = Voucher { relay: Some(id), peer: Some(peer.to_bytes()), expiration: Some(expires) };
    let envelope = SignedEnvelope::new(relay, DOMAIN.into(), CODEC.into(), voucher.encode_to_vec());
    envelope.ok().map(SignedEnvelope::into_protobuf_encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_both_and_is_signed_by_the_relay() {
        let (relay, peer) = (Keypair::generate_ed25519(), PeerId::random());
        let envelope = SignedEnvelope::from_protobuf_encoding(&sign(&relay, peer, 300).unwrap()).unwrap();
        let (payload, key) = envelope.payload_and_signing_key("libp2p-relay-rsvp".into(), &[3, 2]).unwrap();
        assert_eq!(key, &relay.public());
        let [id, peer] = [relay.public().to_peer_id(), peer].map(PeerId::to_bytes);
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
        let (first, second) = ([10, length(&id)], [18, length(&peer)]);
        assert_eq!(payload, [&first[..], &id, &second, &peer, &[24, 0xac, 2]].concat());
    }
}
