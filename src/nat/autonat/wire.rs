//! The messages of both versions, and their status codes.

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use prost::Message;

use crate::{
    model::Cause,
    session::{Fault, frame},
};

/// The longest message of version 1: sixteen addresses and more fit.
pub(crate) const MAX_V1: usize = 4096;
/// The longest message of version 2, as go-libp2p has it: 50 addresses fit.
pub(crate) const MAX_V2: usize = 8192;
/// The longest message on the connection that a server of version 2 opens: a number fits ten times.
pub(crate) const MAX_DIAL_BACK: usize = 128;

/// Sends one message.
pub(crate) async fn send(stream: &mut (impl AsyncWrite + Unpin), message: &impl Message) -> Result<(), Fault> {
    let mut bytes = Vec::new();
    frame::put(&mut bytes, &message.encode_to_vec());
    let lost = |error| Fault::from_io(&error, Cause::Closed);
    stream.write_all(&bytes).await.map_err(lost)?;
    stream.flush().await.map_err(lost)
}

/// Reads one message of at most `limit` bytes, and not a byte of what follows it.
pub(crate) async fn receive<M: Message + Default>(stream: &mut (impl AsyncRead + Unpin), limit: usize) -> Result<M, Fault> {
    let bytes = frame::read(stream, limit).await?.ok_or(Cause::Closed)?;
    M::decode(bytes.as_slice()).map_err(|error| Fault::new(Cause::Malformed, &error))
}

/// Version 1.
pub(crate) mod v1 {
    /// The kinds of a message.
    pub(crate) const DIAL: u32 = 0;
    pub(crate) const DIAL_RESPONSE: u32 = 1;

    /// The status of a response.
    pub(crate) const OK: u32 = 0;
    pub(crate) const E_DIAL_ERROR: u32 = 100;
    pub(crate) const E_DIAL_REFUSED: u32 = 101;
    pub(crate) const E_BAD_REQUEST: u32 = 200;
    pub(crate) const E_INTERNAL_ERROR: u32 = 300;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Message {
        #[prost(uint32, optional, tag = "1")]
        pub(crate) kind: Option<u32>,
        #[prost(message, optional, tag = "2")]
        pub(crate) dial: Option<Dial>,
        #[prost(message, optional, tag = "3")]
        pub(crate) response: Option<Response>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Dial {
        #[prost(message, optional, tag = "1")]
        pub(crate) peer: Option<PeerInfo>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct PeerInfo {
        #[prost(bytes = "vec", optional, tag = "1")]
        pub(crate) id: Option<Vec<u8>>,
        #[prost(bytes = "vec", repeated, tag = "2")]
        pub(crate) addrs: Vec<Vec<u8>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Response {
        #[prost(uint32, optional, tag = "1")]
        pub(crate) status: Option<u32>,
        #[prost(string, optional, tag = "2")]
        pub(crate) text: Option<String>,
        #[prost(bytes = "vec", optional, tag = "3")]
        pub(crate) addr: Option<Vec<u8>>,
    }
}

/// Version 2. The parts of a message exclude each other.
pub(crate) mod v2 {
    /// The status of a response.
    pub(crate) const E_INTERNAL_ERROR: u32 = 0;
    pub(crate) const E_REQUEST_REJECTED: u32 = 100;
    pub(crate) const E_DIAL_REFUSED: u32 = 101;
    pub(crate) const OK: u32 = 200;

    /// How a dial went.
    pub(crate) const E_DIAL_ERROR: u32 = 100;
    pub(crate) const E_DIAL_BACK_ERROR: u32 = 101;
    pub(crate) const DIAL_OK: u32 = 200;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Message {
        #[prost(message, optional, tag = "1")]
        pub(crate) request: Option<DialRequest>,
        #[prost(message, optional, tag = "2")]
        pub(crate) response: Option<DialResponse>,
        #[prost(message, optional, tag = "3")]
        pub(crate) wants_data: Option<DialDataRequest>,
        #[prost(message, optional, tag = "4")]
        pub(crate) data: Option<DialDataResponse>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct DialRequest {
        #[prost(bytes = "vec", repeated, tag = "1")]
        pub(crate) addrs: Vec<Vec<u8>>,
        #[prost(fixed64, tag = "2")]
        pub(crate) nonce: u64,
    }

    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub(crate) struct DialResponse {
        #[prost(uint32, tag = "1")]
        pub(crate) status: u32,
        #[prost(uint32, tag = "2")]
        pub(crate) address: u32,
        #[prost(uint32, tag = "3")]
        pub(crate) dial: u32,
    }

    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub(crate) struct DialDataRequest {
        #[prost(uint32, tag = "1")]
        pub(crate) address: u32,
        #[prost(uint64, tag = "2")]
        pub(crate) bytes: u64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct DialDataResponse {
        #[prost(bytes = "vec", tag = "1")]
        pub(crate) data: Vec<u8>,
    }

    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub(crate) struct DialBack {
        #[prost(fixed64, tag = "1")]
        pub(crate) nonce: u64,
    }

    /// There is but one status, and it is 0.
    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub(crate) struct DialBackResponse {
        #[prost(uint32, tag = "1")]
        pub(crate) status: u32,
    }
}
