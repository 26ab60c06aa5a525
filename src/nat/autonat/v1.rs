//! Asking in version 1.

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::{
    V1,
    answer::{Answer, said},
    wire::{self, MAX_V1, v1},
};
use crate::{
    model::{Cause, WhyCode},
    session::{Fault, Opener},
};

/// Asks a server to dial `us`, who asks, at an address. The caller bounds the time; go-libp2p takes 15 s to say that it did not
/// come through, by design.
pub async fn ask(server: &Opener, us: PeerId, address: &Multiaddr) -> Result<Answer, Fault> {
    exchange(server, us, address).await.map_err(|fault| server.explain(fault))
}

async fn exchange(server: &Opener, us: PeerId, address: &Multiaddr) -> Result<Answer, Fault> {
    let mut stream = server.open(V1).await?;
    let peer = v1::PeerInfo { id: Some(us.to_bytes()), addrs: vec![address.to_vec()] };
    let dial = Some(v1::Dial { peer: Some(peer) });
    wire::send(&mut stream, &v1::Message { kind: Some(v1::DIAL), dial, response: None }).await?;
    let told: v1::Message = wire::receive(&mut stream, MAX_V1).await?;
    match (told.kind, told.response) {
        (Some(v1::DIAL_RESPONSE), Some(response)) => Ok(read(response)),
        _ => Err(Fault::from(Cause::Malformed).say("not a response")),
    }
}

pub(super) fn read(response: v1::Response) -> Answer {
    let text = response.text.unwrap_or_default();
    let refused = |status| Answer::not_tested(WhyCode::VantageRefuses, said(status, &text));
    match response.status {
        Some(v1::OK) => {
            let over = response.addr.and_then(|bytes| Multiaddr::try_from(bytes).ok());
            Answer::Connected { over, words: None }
        }
        Some(v1::E_DIAL_ERROR) => Answer::Failed { words: said("E_DIAL_ERROR", &text) },
        Some(v1::E_DIAL_REFUSED) => refused("E_DIAL_REFUSED"),
        Some(v1::E_BAD_REQUEST) => refused("E_BAD_REQUEST"),
        Some(v1::E_INTERNAL_ERROR) => refused("E_INTERNAL_ERROR"),
        Some(other) => refused(&format!("status {other}")),
        None => refused("no status"),
    }
}
