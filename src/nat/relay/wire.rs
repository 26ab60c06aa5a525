//! The messages of HOP and STOP, and what their status codes mean.

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use libp2p_identity::PeerId;
use prost::Message;

use crate::{
    model::Cause,
    session::{Fault, frame},
};

/// What a dialer, or a peer that wants to be reached, speaks with a relay.
pub const HOP: &str = "/libp2p/circuit/relay/0.2.0/hop";

/// What a relay speaks with the peer that a dialer wants to reach.
pub const STOP: &str = "/libp2p/circuit/relay/0.2.0/stop";

/// The specification bounds a message by 4,096 bytes.
pub(super) const MAX_MESSAGE: usize = 4096;

/// The kinds of a HOP message.
pub(super) mod hop {
    pub(in super::super) const RESERVE: u32 = 0;
    pub(in super::super) const CONNECT: u32 = 1;
    pub(in super::super) const STATUS: u32 = 2;
}

/// The kinds of a STOP message.
pub(super) mod stop {
    pub(in super::super) const CONNECT: u32 = 0;
    pub(in super::super) const STATUS: u32 = 1;
}

/// The status codes of circuit relay v2.
pub(super) mod status {
    pub(in super::super) const OK: u32 = 100;
    pub(in super::super) const RESERVATION_REFUSED: u32 = 200;
    pub(in super::super) const RESOURCE_LIMIT_EXCEEDED: u32 = 201;
    pub(in super::super) const PERMISSION_DENIED: u32 = 202;
    pub(in super::super) const CONNECTION_FAILED: u32 = 203;
    pub(in super::super) const NO_RESERVATION: u32 = 204;
    pub(in super::super) const MALFORMED_MESSAGE: u32 = 400;
    pub(in super::super) const UNEXPECTED_MESSAGE: u32 = 401;
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct HopMessage {
    #[prost(uint32, optional, tag = "1")]
    pub(super) kind: Option<u32>,
    #[prost(message, optional, tag = "2")]
    pub(super) peer: Option<PeerInfo>,
    #[prost(message, optional, tag = "3")]
    pub(super) reservation: Option<Slot>,
    #[prost(message, optional, tag = "4")]
    pub(super) limit: Option<Limit>,
    #[prost(uint32, optional, tag = "5")]
    pub(super) status: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StopMessage {
    #[prost(uint32, optional, tag = "1")]
    pub(super) kind: Option<u32>,
    #[prost(message, optional, tag = "2")]
    pub(super) peer: Option<PeerInfo>,
    #[prost(message, optional, tag = "3")]
    pub(super) limit: Option<Limit>,
    #[prost(uint32, optional, tag = "4")]
    pub(super) status: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PeerInfo {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) id: Option<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(super) addrs: Vec<Vec<u8>>,
}

impl From<PeerId> for PeerInfo {
    fn from(peer: PeerId) -> Self {
        Self { id: Some(peer.to_bytes()), addrs: Vec::new() }
    }
}

impl PeerInfo {
    /// Who it is; none where that cannot be read.
    pub(super) fn peer(&self) -> Option<PeerId> {
        PeerId::from_bytes(self.id.as_deref()?).ok()
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Slot {
    /// Seconds since 1970, UTC.
    #[prost(uint64, optional, tag = "1")]
    pub(super) expire: Option<u64>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(super) addrs: Vec<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(super) voucher: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Limit {
    /// Seconds; none or 0 for no limit.
    #[prost(uint32, optional, tag = "1")]
    pub(super) duration: Option<u32>,
    /// Bytes; none or 0 for no limit.
    #[prost(uint64, optional, tag = "2")]
    pub(super) data: Option<u64>,
}

/// Sends one message.
pub(in crate::nat) async fn send(stream: &mut (impl AsyncWrite + Unpin), message: &impl Message) -> Result<(), Fault> {
    let mut bytes = Vec::new();
    frame::put(&mut bytes, &message.encode_to_vec());
    let lost = |error| Fault::from_io(&error, Cause::Closed);
    stream.write_all(&bytes).await.map_err(lost)?;
    stream.flush().await.map_err(lost)
}

/// Reads one message, and not a byte of what follows it.
pub(in crate::nat) async fn receive<M: Message + Default>(stream: &mut (impl AsyncRead + Unpin)) -> Result<M, Fault> {
    let bytes = frame::read(stream, MAX_MESSAGE).await?.ok_or(Cause::Closed)?;
    M::decode(bytes.as_slice()).map_err(|error| Fault::new(Cause::Malformed, &error))
}

/// Why a relay refused, by its status.
pub(super) fn refusal(status: u32) -> Cause {
    match status {
        status::RESOURCE_LIMIT_EXCEEDED => Cause::RelayLimit,
        status::PERMISSION_DENIED => Cause::RelayDenied,
        status::CONNECTION_FAILED => Cause::RelayTargetFailed,
        status::NO_RESERVATION => Cause::RelayNoReservation,
        status => Cause::RelayRefused { status },
    }
}
