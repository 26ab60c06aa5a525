//! Asking the other helper.

use libp2p_identity::Keypair;
use multiaddr::Multiaddr;

use crate::{
    nat::dialback::{self, Answer, Refusal, Request},
    native::Native,
    probe, target,
};

/// Whether an address can be a partner's: it says who is to be there.
pub(in crate::node) fn names_a_peer(address: &Multiaddr) -> bool {
    target::named_peer(address).is_some()
}

/// Asks on a connection of its own. The caller bounds the time.
pub(super) async fn ask(native: &Native, identity: &Keypair, partner: &Multiaddr, request: &Request) -> Result<Answer, Refusal> {
    let asked = probe::lend_once(native, identity, partner, async |session, _| dialback::ask(&session.opener(), request).await);
    asked.await.map_err(|fault| {
        tracing::info!(%fault, %partner, "the partner could not be asked");
        Refusal::PartnerSilent
    })
}
