//! From a byte stream to a secured one, and from there to a multiplexed one.

use std::{error::Error as _, fmt};

use futures::{AsyncRead, AsyncWrite, io::BufWriter};
use libp2p_core::{
    muxing::StreamMuxerBox,
    upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade},
};
use libp2p_identity::{KeyType, Keypair, PeerId, PublicKey};
use multiaddr::multihash::Multihash;

use super::{Confirmation, Fault, Unanswered, answer, propose, tls};
use crate::model::{Cause, Security};

/// Noise: <https://github.com/libp2p/specs/blob/master/noise/README.md>.
pub(super) const NOISE: &str = "/noise";
/// yamux: <https://github.com/libp2p/specs/blob/master/yamux/README.md>.
pub(super) const YAMUX: &str = "/yamux/1.0.0";
/// Streams on one connection: the most that a session serves, and as many that it opens or lets go.
const MAX_STREAMS: usize = 128;
/// Holds the longest flight of a handshake, so that it leaves in one packet.
pub(super) const FLIGHT: usize = 2048;

/// Bytes both ways.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for S {}

/// Bytes both ways, of whatever kind.
pub type BoxedStream = Box<dyn ByteStream>;

/// A stream whose other end has proved who it is. Whether that is the peer meant is for the caller to compare.
pub struct Secured {
    /// Who is at the other end.
    pub peer: PeerId,
    /// The type of its key. `None` where the handshake keeps it to itself and the peer ID is a hash of the key: then it
    /// is `rsa` or `ecdsa`, and identify tells.
    pub key_type: Option<&'static str>,
    /// The protocol agreed on.
    pub protocol: &'static str,
    /// What goes on above.
    pub stream: BoxedStream,
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secured").field("peer", &self.peer).field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

/// Secures a dialed stream, offering one protocol alone, in one round trip (TLS takes its own on top). A refusal is
/// [`Cause::NoCommonProtocol`]; the caller may then offer another one on a new connection.
pub async fn secure_outbound(stream: impl ByteStream + 'static, keypair: &Keypair, security: Security) -> Result<Secured, Fault> {
    match security {
        Security::Noise => {
            let stream = propose(BufWriter::with_capacity(FLIGHT, stream), NOISE);
            secured(noise(keypair)?.upgrade_outbound(boxed(stream), NOISE).await)
        }
        Security::Tls => tls::outbound(Box::new(stream), keypair).await,
    }
}

/// Secures the first stream of a WebTransport session that we opened (libp2p specs, webtransport/README.md): nothing is
/// negotiated, and the peer vouches for every certificate that its address names.
pub async fn secure_webtransport(
    stream: impl ByteStream + 'static,
    keypair: &Keypair,
    certhashes: &[Multihash<64>],
) -> Result<Secured, Fault> {
    let noise = noise(keypair)?.with_webtransport_certhashes(certhashes.iter().copied().collect());
    secured(noise.upgrade_outbound(boxed(BufWriter::with_capacity(FLIGHT, stream)), NOISE).await)
}

/// Secures an accepted stream by what the dialer chooses of what is offered.
pub async fn secure_inbound(stream: impl ByteStream + 'static, keypair: &Keypair) -> Result<Secured, Unanswered> {
    let (protocol, stream) = answer(BufWriter::with_capacity(FLIGHT, stream), tls::OFFERS).await?;
    let secured = match protocol {
        NOISE => match noise(keypair) {
            Ok(noise) => secured(noise.upgrade_inbound(boxed(stream), NOISE).await),
            Err(fault) => Err(fault),
        },
        _ => tls::inbound(Box::new(stream), keypair).await,
    };
    secured.map_err(Unanswered::from)
}

fn noise(keypair: &Keypair) -> Result<libp2p_noise::Config, Fault> {
    libp2p_noise::Config::new(keypair).map_err(|error| Fault::from(Cause::LocalFault { errno: None }).say(&error))
}

/// One type for every stream: the code of a handshake and of a multiplexer is there once, in a page that has to fetch it.
fn boxed(stream: impl ByteStream + 'static) -> BoxedStream {
    Box::new(stream)
}

fn secured(upgraded: Result<(PeerId, libp2p_noise::Output<BoxedStream>), libp2p_noise::Error>) -> Result<Secured, Fault> {
    let (peer, stream) = upgraded.map_err(|error| fault_of(&error))?;
    Ok(Secured { peer, key_type: key_type(&peer), protocol: NOISE, stream: Box::new(stream) })
}

/// What a failed noise handshake means.
#[must_use]
pub fn fault_of(error: &libp2p_noise::Error) -> Fault {
    use libp2p_noise::Error;
    let what = match error {
        Error::Io(error) => {
            return Fault::from_io(error, Cause::HandshakeFailed { what: Cause::UNREADABLE.to_owned(), alert: None });
        }
        // A key that is understood but broken has a source; an unknown type or one that was left out has none.
        Error::InvalidKey(error) if error.source().is_none() => {
            return Fault::from(Cause::UnsupportedKey { kind: "unknown".to_owned() }).say(error);
        }
        Error::InvalidKey(_) => "the peer's key cannot be read",
        Error::BadSignature => "the peer's signature is wrong",
        Error::UnknownWebTransportCerthashes(..) => "the peer does not vouch for the certificates of its address",
        Error::AuthenticationFailed | Error::UnexpectedKey => "the peer did not prove its key",
        _ => "the noise handshake broke",
    };
    broken(what).say(error)
}

/// A secure handshake that broke.
pub(super) fn broken(what: &str) -> Fault {
    Cause::HandshakeFailed { what: what.to_owned(), alert: None }.into()
}

/// The type of a peer's key, where its ID tells: an ID that is a hash does not.
#[must_use]
pub fn key_type(peer: &PeerId) -> Option<&'static str> {
    inlined_key(peer).map(|key| key_name(&key.key_type()))
}

/// A peer ID of at most 42 bytes of key is the key itself.
fn inlined_key(peer: &PeerId) -> Option<PublicKey> {
    const IDENTITY: u64 = 0;
    let hash = peer.as_ref();
    (hash.code() == IDENTITY).then(|| PublicKey::try_decode_protobuf(hash.digest()).ok()).flatten()
}

/// The name of a key's type as reports carry it.
pub(crate) fn key_name(kind: &KeyType) -> &'static str {
    match kind {
        KeyType::Ed25519 => "ed25519",
        KeyType::RSA => "rsa",
        KeyType::Secp256k1 => "secp256k1",
        KeyType::Ecdsa => "ecdsa",
    }
}

/// A multiplexed connection, of whatever kind.
pub struct Multiplexed {
    /// Its streams.
    pub muxer: StreamMuxerBox,
    /// The protocol agreed on, or proposed; `None` where the transport multiplexes by itself.
    pub protocol: Option<&'static str>,
    /// What the other side has yet to agree to.
    pub(super) confirmation: Option<Confirmation>,
}

impl fmt::Debug for Multiplexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multiplexed").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl From<StreamMuxerBox> for Multiplexed {
    /// A transport that multiplexes by itself: QUIC, webrtc-direct, WebTransport.
    fn from(muxer: StreamMuxerBox) -> Self {
        Self { muxer, protocol: None, confirmation: None }
    }
}

/// Multiplexes a dialed stream. Nothing is waited for: the proposal leaves with the first request, and
/// [`Session::established`](super::Session::established) tells when it was agreed to.
pub async fn multiplex_outbound(stream: BoxedStream) -> Result<Multiplexed, Fault> {
    let stream = propose(stream, YAMUX);
    let confirmation = Some(stream.confirmation());
    let muxer = yamux().upgrade_outbound(boxed(stream), YAMUX).await.map_err(|error| Fault::from_io(&error, Cause::Closed))?;
    Ok(Multiplexed { muxer: StreamMuxerBox::new(muxer), protocol: Some(YAMUX), confirmation })
}

/// Multiplexes an accepted stream.
pub async fn multiplex_inbound(stream: BoxedStream) -> Result<Multiplexed, Unanswered> {
    let (protocol, stream) = answer(stream, &[YAMUX]).await?;
    let muxer = yamux().upgrade_inbound(stream, protocol).await.map_err(|error| Fault::from_io(&error, Cause::Closed))?;
    Ok(Multiplexed { muxer: StreamMuxerBox::new(muxer), protocol: Some(protocol), confirmation: None })
}

fn yamux() -> libp2p_yamux::Config {
    let mut config = libp2p_yamux::Config::default();
    config.set_max_num_streams(MAX_STREAMS);
    config
}
