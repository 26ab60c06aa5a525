//! The relay's side of circuit relay v2, as the script has it.

use super::script::{Hop, Hops};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use prost::Message;
use std::io;

pub const HOP: &str = "/libp2p/circuit/relay/0.2.0/hop";

const CONNECT: u32 = 1;
const STATUS: u32 = 2;
const OK: u32 = 100;
/// More than the 4,096 bytes that a message may have.
const TOO_LARGE: usize = 5000;

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(uint32, optional, tag = "1")]
    kind: Option<u32>,
    #[prost(message, optional, tag = "4")]
    limit: Option<Limit>,
    #[prost(uint32, optional, tag = "5")]
    status: Option<u32>,
    /// Of no meaning to anybody.
    #[prost(bytes = "vec", optional, tag = "99")]
    filling: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Limit {
    #[prost(uint32, optional, tag = "1")]
    duration: Option<u32>,
    #[prost(uint64, optional, tag = "2")]
    data: Option<u64>,
}

/// Whether the target speaks from here on.
pub async fn answer(hop: &Hop, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<bool> {
    let mut length = [0];
    stream.read_exact(&mut length).await?;
    stream.read_exact(&mut vec![0; length[0].into()]).await?;
    let limit = (hop.duration.is_some() || hop.data.is_some()).then_some(Limit { duration: hop.duration, data: hop.data });
    let good = Answer { kind: Some(STATUS), limit, status: Some(hop.status), filling: None };
    let bytes = match hop.does {
        Hops::Hang => std::future::pending().await,
        Hops::Leave => return Err(io::ErrorKind::ConnectionAborted.into()),
        Hops::Close => Vec::new(),
        Hops::CloseMidway => good.encode_length_delimited_to_vec()[..2].to_vec(),
        // A length of ten, then a field of a wire type that does not exist.
        Hops::Malformed => [&[10][..], &[0xFF; 10]].concat(),
        Hops::Misplaced => Answer { kind: Some(CONNECT), ..good }.encode_length_delimited_to_vec(),
        Hops::WithoutStatus => Answer { status: None, ..good }.encode_length_delimited_to_vec(),
        Hops::TooLarge => Answer { filling: Some(vec![0; TOO_LARGE]), ..good }.encode_length_delimited_to_vec(),
        Hops::Answer | Hops::Drip => good.encode_length_delimited_to_vec(),
    };
    let at_once = if hop.does == Hops::Drip { 1 } else { bytes.len().max(1) };
    for piece in bytes.chunks(at_once) {
        stream.write_all(piece).await?;
        stream.flush().await?;
    }
    let joined = matches!(hop.does, Hops::Answer | Hops::Drip) && hop.status == OK;
    if !joined {
        stream.close().await?;
    }
    Ok(joined)
}
