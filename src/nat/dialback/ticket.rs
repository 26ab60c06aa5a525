//! What a helper asks of its partner for somebody else, signed.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use libp2p_identity::{Keypair, PeerId, PublicKey};
use serde::{Deserialize, Serialize};

use super::TokenText;

/// How long a ticket is good: it is used at once. The clocks of two helpers may differ by as much.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// In front of what is signed, so that a signature is good for nothing else.
const DOMAIN: &[u8] = b"p2p-probe dialback ticket 1\0";

/// A request of an asker, signed by the helper that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The [`Errand`] as JSON, as it was signed.
    errand: String,
    /// The public key of who signed, protobuf in hex.
    key: String,
    /// The signature in hex.
    signature: String,
}

/// What is to be done for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Errand {
    /// The IP address of the asker, as the helper's connection shows it.
    pub(crate) asker: IpAddr,
    /// Who is to do it: no other helper takes it.
    pub(crate) partner: String,
    /// Seconds since 1970 at which it was signed.
    pub(crate) signed: u64,
    /// What.
    pub(crate) what: What,
}

/// What a partner may be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub(crate) enum What {
    Datagrams { port: u16, token: TokenText },
    Dial { layers: String, within_ms: u32 },
}

/// Why a ticket is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ticket is not good")]
pub(crate) struct TicketError;

impl Ticket {
    /// Signs an errand.
    pub(crate) fn sign(errand: &Errand, keypair: &Keypair) -> Result<Self, TicketError> {
        let errand = serde_json::to_string(errand).map_err(|_| TicketError)?;
        let signature = keypair.sign(&[DOMAIN, errand.as_bytes()].concat()).map_err(|_| TicketError)?;
        Ok(Self { errand, key: hex(&keypair.public().encode_protobuf()), signature: hex(&signature) })
    }

    /// The errand, if `helper` signed it for `us` not long before or after `now`.
    pub(crate) fn check(&self, helper: &PeerId, us: &PeerId, now: SystemTime) -> Result<Errand, TicketError> {
        let key = bytes(&self.key).and_then(|key| PublicKey::try_decode_protobuf(&key).ok()).ok_or(TicketError)?;
        let signature = bytes(&self.signature).ok_or(TicketError)?;
        if key.to_peer_id() != *helper || !key.verify(&[DOMAIN, self.errand.as_bytes()].concat(), &signature) {
            return Err(TicketError);
        }
        let errand: Errand = serde_json::from_str(&self.errand).map_err(|_| TicketError)?;
        let fresh = seconds(now).abs_diff(errand.signed) <= GOOD_FOR.as_secs();
        if fresh && errand.partner == us.to_base58() { Ok(errand) } else { Err(TicketError) }
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |span| span.as_secs())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let digits = hex.as_bytes().chunks_exact(2);
    digits.map(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_ticket_is_good_for_its_partner_from_its_helper_for_a_minute() {
        let [helper, partner, other] = [(); 3].map(|()| Keypair::generate_ed25519());
        let [helper_id, us, stranger] = [&helper, &partner, &other].map(|keypair| keypair.public().to_peer_id());
        let errand = Errand {
            asker: "11.22.33.9".parse().unwrap(),
            partner: us.to_base58(),
            signed: 1000,
            what: What::Dial { layers: "/tcp/4001".into(), within_ms: 1000 },
        };
        let ticket = Ticket::sign(&errand, &helper).unwrap();
        assert_eq!(ticket.check(&helper_id, &us, at(1000)), Ok(errand.clone()));
        assert_eq!(ticket.check(&helper_id, &us, at(1060)), Ok(errand.clone()));
        let refused = [
            ticket.check(&helper_id, &us, at(1061)),
            ticket.check(&helper_id, &us, at(939)),
            ticket.check(&stranger, &us, at(1000)),
            ticket.check(&helper_id, &stranger, at(1000)),
            Ticket::sign(&errand, &other).unwrap().check(&helper_id, &us, at(1000)),
            Ticket { errand: ticket.errand.replace("11.22.33.9", "11.22.33.8"), ..ticket.clone() }.check(
                &helper_id,
                &us,
                at(1000),
            ),
            Ticket { signature: ticket.signature.replace(|c: char| c.is_ascii_digit(), "7"), ..ticket.clone() }.check(
                &helper_id,
                &us,
                at(1000),
            ),
            Ticket { key: String::new(), ..ticket.clone() }.check(&helper_id, &us, at(1000)),
            Ticket { signature: "éé".into(), ..ticket.clone() }.check(&helper_id, &us, at(1000)),
        ];
        for (case, refused) in refused.into_iter().enumerate() {
            assert_eq!(refused, Err(TicketError), "{case}");
        }
    }
}
