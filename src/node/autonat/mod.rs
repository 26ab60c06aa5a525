//! The server's side of [`nat::autonat`](crate::nat::autonat), versions 1 and 2: a dialer is dialed at its own IP address.
//!
//! It is no weapon, by the rules of the dial-back that it shares its allowance with ([`Dialback::admit`]): nobody but the asker,
//! at the address that its connection shows, on a handful of ports in a minute. Version 2 has a server ask for data before it
//! dials another address than it sees; here such an address is refused. What is refused is told in the words of the protocol,
//! and in version 1, which has a text for it, with the reason.

mod dial;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use std::{pin::pin, rc::Rc, time::Duration};

use futures::{
    AsyncWriteExt as _,
    future::{Either, select},
};
use libp2p_core::muxing::SubstreamBox;

use super::dialback::{Asker, Dialback};
use crate::{
    model::Cause,
    nat::autonat::{DIAL_REQUEST, V1, wire},
    native,
    session::{Fault, Service},
};

/// How long an asker may take to say what it wants, and to hear the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The time for all dials of one request.
const LONGEST: Duration = Duration::from_secs(5);
/// Addresses of a request that are looked at. The ports dialed are fewer.
const ADDRESSES: usize = 16;

/// Both versions, as they are served to one dialer.
pub(super) fn services(dialback: &Rc<Dialback>, asker: Asker) -> Vec<Service> {
    let [first, second] = [(); 2].map(|()| Rc::clone(dialback));
    vec![
        Service::new(V1, move |stream| v1::serve(Rc::clone(&first), asker, stream)),
        Service::new(DIAL_REQUEST, move |stream| v2::serve(Rc::clone(&second), asker, stream)),
    ]
}

/// The request, if it comes in time; none where it cannot be read. The error is that nobody is there to be answered.
async fn hear<M: prost::Message + Default>(stream: &mut SubstreamBox, limit: usize) -> Result<Option<M>, ()> {
    match select(pin!(wire::receive(stream, limit)), pin!(native::sleep(PATIENCE))).await {
        Either::Left((Ok(message), _)) => Ok(Some(message)),
        Either::Left((Err(Fault { cause: Cause::Malformed | Cause::TooLarge, .. }), _)) => Ok(None),
        _ => Err(()),
    }
}

/// Answers. Whether it is heard is the asker's business.
async fn tell(stream: &mut SubstreamBox, message: &impl prost::Message) {
    let told = async {
        if wire::send(stream, message).await.is_ok() {
            let _ = stream.close().await;
        }
    };
    select(pin!(told), pin!(native::sleep(PATIENCE))).await;
}
