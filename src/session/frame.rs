//! Messages with their length in front, as an unsigned varint: identify and multistream-select both use them.

use std::io;

use futures::{AsyncRead, AsyncReadExt};

use super::Fault;
use crate::model::Cause;

/// The longest varint of a length: three bytes count up to 2 MiB, more than anything here reads.
const MAX_PREFIX: u32 = 3;

/// Appends `body` with its length in front.
pub(crate) fn put(buffer: &mut Vec<u8>, body: &[u8]) {
    let mut rest = body.len();
    while rest >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "masked to seven bits")]
        buffer.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 0x80")]
    buffer.push(rest as u8);
    buffer.extend_from_slice(body);
}

/// Reads one message of at most `limit` bytes and not a byte more; `None` where the stream ended before one began.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin), limit: usize) -> Result<Option<Vec<u8>>, Fault> {
    let Some(length) = read_length(stream).await? else { return Ok(None) };
    if length > limit {
        return Err(Cause::TooLarge.into());
    }
    let mut body = Vec::new();
    let read = stream.take(length as u64).read_to_end(&mut body).await.map_err(|error| broken(&error))?;
    if read < length {
        return Err(Cause::Closed.into());
    }
    Ok(Some(body))
}

async fn read_length(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<usize>, Fault> {
    let mut length = 0;
    for place in 0..MAX_PREFIX {
        let mut byte = [0];
        if stream.read(&mut byte).await.map_err(|error| broken(&error))? == 0 {
            return if place == 0 { Ok(None) } else { Err(Cause::Closed.into()) };
        }
        length |= usize::from(byte[0] & 0x7f) << (7 * place);
        if byte[0] & 0x80 == 0 {
            return Ok(Some(length));
        }
    }
    Err(Cause::TooLarge.into())
}

fn broken(error: &io::Error) -> Fault {
    Fault::from_io(error, Cause::Malformed)
}
