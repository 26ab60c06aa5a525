//! Version 1: all addresses that may be dialed, and the first that answers.

use std::rc::Rc;

use futures::{StreamExt as _, stream::FuturesUnordered};
use libp2p_core::muxing::SubstreamBox;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::{ADDRESSES, LONGEST, dial, hear, tell};
use crate::{
    nat::{
        autonat::wire::{MAX_V1, v1},
        dialback::Refusal,
    },
    node::dialback::{Asker, Dialback},
};

pub(super) async fn serve(dialback: Rc<Dialback>, asker: Asker, mut stream: SubstreamBox) {
    let Ok(request) = hear::<v1::Message>(&mut stream, MAX_V1).await else { return };
    let response = match request {
        Some(v1::Message { kind: Some(v1::DIAL), dial: Some(v1::Dial { peer: Some(peer) }), .. }) => {
            answer(&dialback, asker, peer).await
        }
        _ => status(v1::E_BAD_REQUEST, "the request cannot be read"),
    };
    tracing::debug!(peer = %asker.peer, ?response, "AutoNAT answers");
    tell(&mut stream, &v1::Message { kind: Some(v1::DIAL_RESPONSE), dial: None, response: Some(response) }).await;
}

async fn answer(dialback: &Dialback, asker: Asker, peer: v1::PeerInfo) -> v1::Response {
    if peer.id.is_some_and(|id| PeerId::from_bytes(&id).ok() != Some(asker.peer)) {
        return status(v1::E_BAD_REQUEST, "another peer than the one that asks");
    }
    let mut refused = Refusal::Malformed;
    let mut known: Vec<Multiaddr> = Vec::new();
    let mut dials = FuturesUnordered::new();
    for address in peer.addrs.iter().take(ADDRESSES) {
        let way = dial::way(asker, address, false).ok().filter(|(remote, _)| !known.contains(remote));
        let Some((remote, route)) = way else { continue };
        known.push(remote.clone());
        match dialback.admit(asker.remote.ip().to_canonical(), route.port) {
            Ok(place) => dials.push(async move {
                let _place = place;
                let connected = dial::dial(dialback, asker, route, LONGEST, async |_| Ok(())).await;
                connected.map(|()| remote.clone()).map_err(|fault| format!("{remote}: {}", fault.cause.brief()))
            }),
            Err(why) => refused = why,
        }
    }
    if dials.is_empty() {
        return status(v1::E_DIAL_REFUSED, &words(refused));
    }
    let mut failures = Vec::new();
    while let Some(done) = dials.next().await {
        match done {
            Ok(remote) => return v1::Response { status: Some(v1::OK), text: None, addr: Some(remote.to_vec()) },
            Err(words) => failures.push(words),
        }
    }
    status(v1::E_DIAL_ERROR, &failures.join(", "))
}

/// Why nothing is dialed.
fn words(refused: Refusal) -> String {
    match refused {
        Refusal::Malformed => "no address that can be dialed".into(),
        why => why.to_string(),
    }
}

fn status(status: u32, text: &str) -> v1::Response {
    v1::Response { status: Some(status), text: Some(text.to_owned()), addr: None }
}
