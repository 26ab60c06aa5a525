//! What the first bytes of a stream say about who is at its other end.

use std::io;

use crate::{
    engine::Fault,
    model::Cause,
    transport::tap::{Speaks, TapView},
};

/// What the first bytes say that the other side speaks, when it is not libp2p.
pub(super) fn foreign(view: &TapView) -> Option<Fault> {
    let speaks = view.speaks().filter(|speaks| *speaks != Speaks::Multistream)?;
    Some(Fault::new(Cause::NotLibp2p { speaks: Some(speaks.to_string()) }, &view.banner()))
}

/// The first bytes say more than the error of the secure handshake that they led to.
pub(crate) fn explain(fault: Fault, view: &TapView) -> Fault {
    match (foreign(view), &fault.cause) {
        (Some(foreign), _) => foreign,
        (None, Cause::NotLibp2p { .. }) => Fault::new(fault.cause, &view.banner()),
        // A layer above may know only that the bytes ended.
        (None, Cause::Closed) if view.broken() == Some(io::ErrorKind::ConnectionReset) => Cause::Reset.into(),
        (None, _) => fault,
    }
}
