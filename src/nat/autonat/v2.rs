//! Asking in version 2.

use std::{pin::pin, time::Duration};

use futures::{AsyncWrite, AsyncWriteExt as _, future::select};
use multiaddr::Multiaddr;

use super::{
    DIAL_REQUEST,
    answer::Answer,
    wire::{self, MAX_V2, v2},
};
use crate::{
    model::{Cause, WhyCode},
    session::{Fault, Opener},
};

/// The most that a server may want to be sent before it dials another address than it sees: the specification says 30 to 100 kB.
const MOST_DATA: u64 = 100_000;
/// Bytes in each message of it: the specification says at most 4,096.
const CHUNK: usize = 4096;

/// How long the end of a stream may take to leave: the answer is there, and waits for it.
const FAREWELL: Duration = Duration::from_millis(100);

/// Asks a server to dial an address and to bring the number there. The caller bounds the time.
pub async fn ask(server: &Opener, address: &Multiaddr, nonce: u64) -> Result<Answer, Fault> {
    exchange(server, address, nonce).await.map_err(|fault| server.explain(fault))
}

async fn exchange(server: &Opener, address: &Multiaddr, nonce: u64) -> Result<Answer, Fault> {
    let mut stream = server.open(DIAL_REQUEST).await?;
    let request = Some(v2::DialRequest { addrs: vec![address.to_vec()], nonce });
    wire::send(&mut stream, &v2::Message { request, ..v2::Message::default() }).await?;
    let mut told: v2::Message = wire::receive(&mut stream, MAX_V2).await?;
    if let Some(wants) = told.wants_data {
        if wants.address != 0 || wants.bytes > MOST_DATA {
            let words = format!("wants {} bytes for address {}", wants.bytes, wants.address);
            return Ok(Answer::not_tested(WhyCode::VantageRefuses, words));
        }
        feed(&mut stream, wants.bytes).await?;
        told = wire::receive(&mut stream, MAX_V2).await?;
    }
    match told.response {
        Some(response) => {
            close(&mut stream, server.sleep(FAREWELL)).await;
            Ok(read(response))
        }
        None => Err(Fault::from(Cause::Malformed).say("not a response")),
    }
}

/// Ends the stream, as the specification has a client do once it has the answer; given up, it would be reset.
pub(super) async fn close(stream: &mut (impl AsyncWrite + Unpin), in_time: impl Future<Output = ()>) {
    select(pin!(stream.close()), pin!(in_time)).await;
}

/// Sends what a server wants for its trouble.
async fn feed(stream: &mut (impl AsyncWrite + Unpin), bytes: u64) -> Result<(), Fault> {
    let mut left = usize::try_from(bytes.min(MOST_DATA)).unwrap_or_default();
    while left > 0 {
        let data = Some(v2::DialDataResponse { data: vec![0; left.min(CHUNK)] });
        wire::send(stream, &v2::Message { data, ..v2::Message::default() }).await?;
        left = left.saturating_sub(CHUNK);
    }
    Ok(())
}

pub(super) fn read(response: v2::DialResponse) -> Answer {
    let refused = |words: String| Answer::not_tested(WhyCode::VantageRefuses, words);
    match response.status {
        v2::OK if response.address != 0 => refused(format!("answers for address {} of one", response.address)),
        v2::OK => match response.dial {
            v2::DIAL_OK => Answer::Connected { over: None, words: None },
            // It connected, and only the number may not have come through.
            v2::E_DIAL_BACK_ERROR => Answer::Connected { over: None, words: Some("E_DIAL_BACK_ERROR".into()) },
            v2::E_DIAL_ERROR => Answer::Failed { words: "E_DIAL_ERROR".into() },
            other => refused(format!("dial status {other}")),
        },
        v2::E_REQUEST_REJECTED => Answer::not_tested(WhyCode::OverLimit, "E_REQUEST_REJECTED"),
        v2::E_DIAL_REFUSED => refused("E_DIAL_REFUSED".into()),
        v2::E_INTERNAL_ERROR => refused("E_INTERNAL_ERROR".into()),
        other => refused(format!("status {other}")),
    }
}
