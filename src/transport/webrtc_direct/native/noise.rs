//! The Noise handshake of a connection.

use std::io;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use libp2p_identity::PeerId;
use libp2p_noise::Error;

pub(super) use super::super::noise::Proof;
use super::super::noise::{Certificates, authenticate};
use super::channels::HANDSHAKE;
use super::driver::Driver;
use super::stream::Stream;

/// Proves who we are and learns who the other side is. The listener begins.
pub(super) fn handshake(driver: &Driver, proof: Proof, dials: bool) -> BoxFuture<'static, Result<PeerId, Error>> {
    let shared = Arc::clone(&driver.shared);
    async move {
        let (client, server) =
            shared.machine().fingerprints().ok_or_else(|| Error::from(io::Error::from(io::ErrorKind::NotConnected)))?;
        let stream = Stream::new(Arc::clone(&shared), HANDSHAKE);
        let (peer, output) = authenticate(stream, proof, Certificates { client, server }, dials).await?;
        shared.machine().channels.forget_handshake();
        drop(output);
        Ok(peer)
    }
    .boxed()
}
