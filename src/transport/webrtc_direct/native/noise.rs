//! The Noise handshake on data channel 0, which proves who holds the certificates of DTLS.

use std::io;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use libp2p_core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use libp2p_identity::{Keypair, PeerId};
use libp2p_noise::{Config, Error};

use super::super::prologue::prologue;
use super::channels::HANDSHAKE;
use super::driver::Driver;
use super::stream::Stream;

/// libp2p-noise wants a name and does nothing with it: nothing is negotiated here.
const NAME: &str = "/noise";

/// Proves who we are and learns who the other side is. The listener begins.
pub(super) fn handshake(driver: &Driver, keypair: &Keypair, dials: bool) -> BoxFuture<'static, Result<PeerId, Error>> {
    let shared = Arc::clone(&driver.shared);
    let config = Config::new(keypair);
    async move {
        let (client, server) =
            shared.machine().fingerprints().ok_or_else(|| Error::from(io::Error::from(io::ErrorKind::NotConnected)))?;
        let config = config?.with_prologue(prologue(&client, &server));
        let stream = Stream::new(Arc::clone(&shared), HANDSHAKE);
        let (peer, output) =
            if dials { config.upgrade_inbound(stream, NAME).await? } else { config.upgrade_outbound(stream, NAME).await? };
        shared.machine().channels.forget_handshake();
        drop(output);
        Ok(peer)
    }
    .boxed()
}
