//! No libp2p TLS where there is no operating system: a page has Noise alone.

use libp2p_identity::Keypair;

use super::{BoxedStream, Fault, Secured};
use crate::model::Cause;

/// What a listener offers.
pub(super) const OFFERS: &[&str] = &[super::upgrade::NOISE];

/// Cannot be done here.
#[expect(clippy::unused_async, reason = "stands in for what does wait")]
pub(super) async fn outbound(_: BoxedStream, _: &Keypair) -> Result<Secured, Fault> {
    Err(Cause::NoCommonProtocol { offered: None }.into())
}

/// Cannot be done here.
#[expect(clippy::unused_async, reason = "stands in for what does wait")]
pub(super) async fn inbound(_: BoxedStream, _: &Keypair) -> Result<Secured, Fault> {
    Err(Cause::NoCommonProtocol { offered: None }.into())
}
