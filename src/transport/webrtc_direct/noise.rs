//! The Noise handshake on data channel 0, which proves who holds the certificates of DTLS.

use futures::{AsyncRead, AsyncWrite};
use libp2p_core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use libp2p_identity::{Keypair, PeerId};
pub use libp2p_noise::Error;
use libp2p_noise::{Config, Output};

use super::certhash::Fingerprint;
use super::prologue::prologue;

/// libp2p-noise wants a name and does nothing with it: nothing is negotiated here.
const NAME: &str = "/noise";

/// The certificates of both ends of a DTLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificates {
    /// Of the side that dialed.
    pub client: Fingerprint,
    /// Of the side that listens.
    pub server: Fingerprint,
}

/// What one handshake proves who we are with: a key of its own, signed by the identity's. It can be made ahead.
pub struct Proof(Config);

impl Proof {
    /// A fresh key, signed.
    ///
    /// # Errors
    /// Where the identity cannot sign.
    pub fn new(keypair: &Keypair) -> Result<Self, Error> {
        Config::new(keypair).map(Self)
    }
}

/// Proves who we are and learns who the other side is. The listener begins. What comes with the peer is the stream, which
/// has no further use.
pub async fn authenticate<S>(
    stream: S,
    Proof(config): Proof,
    certificates: Certificates,
    dials: bool,
) -> Result<(PeerId, Output<S>), Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let config = config.with_prologue(prologue(&certificates.client, &certificates.server));
    if dials { config.upgrade_inbound(stream, NAME).await } else { config.upgrade_outbound(stream, NAME).await }
}
