//! Version 2: the first address that may be dialed, and a number that is brought there.

use std::{cell::Cell, pin::pin, rc::Rc};

use futures::future::{Either, select};
use libp2p_core::muxing::SubstreamBox;

use super::{ADDRESSES, LONGEST, PATIENCE, dial, hear, tell};
use crate::{
    model::Cause,
    nat::{
        autonat::{
            DIAL_BACK,
            wire::{self, MAX_DIAL_BACK, MAX_V2, v2},
        },
        dialback::Refusal,
    },
    native,
    node::dialback::{Asker, Dialback},
    plan::Route,
    session::{Fault, Session},
};

pub(super) async fn serve(dialback: Rc<Dialback>, asker: Asker, mut stream: SubstreamBox) {
    let Ok(message) = hear::<v2::Message>(&mut stream, MAX_V2).await else { return };
    let response = match message.and_then(|message| message.request) {
        Some(request) => answer(&dialback, asker, &request).await,
        // The specification has a status for limits and one for addresses; this one is for all else.
        None => refused(v2::E_INTERNAL_ERROR),
    };
    tracing::debug!(peer = %asker.peer, ?response, "AutoNAT answers");
    tell(&mut stream, &v2::Message { response: Some(response), ..v2::Message::default() }).await;
}

async fn answer(dialback: &Dialback, asker: Asker, request: &v2::DialRequest) -> v2::DialResponse {
    let ways = request.addrs.iter().take(ADDRESSES).zip(0..);
    // An address of somebody else would want data first. It is refused, and so are names, relays and what is not spoken here.
    let way = ways.into_iter().find_map(|(address, place)| Some((dial::way(asker, address, true).ok()?.1, place)));
    let Some((route, address)) = way else { return refused(v2::E_DIAL_REFUSED) };
    let _place = match dialback.admit(asker.remote.ip().to_canonical(), route.port) {
        Ok(place) => place,
        Err(Refusal::TooManyPorts | Refusal::TooOften | Refusal::Busy) => return refused(v2::E_REQUEST_REJECTED),
        Err(_) => return refused(v2::E_DIAL_REFUSED),
    };
    let dial = bring(dialback, asker, route, request.nonce).await;
    v2::DialResponse { status: v2::OK, address, dial }
}

fn refused(status: u32) -> v2::DialResponse {
    v2::DialResponse { status, address: 0, dial: 0 }
}

/// Dials, and brings the number.
async fn bring(dialback: &Dialback, asker: Asker, route: Route, nonce: u64) -> u32 {
    let connected = Cell::new(false);
    let work = async |session: &Session| {
        // What comes after this is no failure of the dial.
        connected.set(true);
        let bringing = pin!(hand_over(session, nonce));
        Ok(match select(bringing, pin!(native::sleep(PATIENCE))).await {
            Either::Left((Ok(()), _)) => v2::DIAL_OK,
            _ => v2::E_DIAL_BACK_ERROR,
        })
    };
    let dialing = pin!(dial::dial(dialback, asker, route, LONGEST + PATIENCE, work));
    let dialed = match select(dialing, pin!(native::sleep(LONGEST))).await {
        Either::Left((dialed, _)) => dialed,
        Either::Right(((), dialing)) if connected.get() => dialing.await,
        Either::Right(_) => return v2::E_DIAL_ERROR,
    };
    dialed.unwrap_or(if connected.get() { v2::E_DIAL_BACK_ERROR } else { v2::E_DIAL_ERROR })
}

async fn hand_over(session: &Session, nonce: u64) -> Result<(), Fault> {
    let mut stream = session.open(DIAL_BACK).await?;
    wire::send(&mut stream, &v2::DialBack { nonce }).await?;
    match wire::receive::<v2::DialBackResponse>(&mut stream, MAX_DIAL_BACK).await {
        // go-libp2p resets the stream right after its answer, which over QUIC overtakes it.
        Ok(_) | Err(Fault { cause: Cause::Reset | Cause::Closed, .. }) => Ok(()),
        Err(fault) => Err(fault),
    }
}
