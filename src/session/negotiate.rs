//! multistream-select 1.0 (<https://github.com/multiformats/multistream-select>), both roles.
//!
//! The crate of that name turns its refusals into bare I/O errors, tells nobody what was asked for, and lets a dialer ask
//! without end. Here a proposal is one state machine of exact bytes, so that every end of it is typed.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, future::poll_fn};

use super::{Fault, frame};
use crate::model::Cause;

/// What both sides say first.
const HEADER: &str = "/multistream/1.0.0\n";
/// The answer to a protocol that is not offered.
const REFUSAL: &str = "na\n";
/// Names longer than this are not asked for in earnest.
const MAX_NAME: usize = 1024;
/// How many protocols a dialer may ask for on one stream: go-libp2p asks for the versions of one protocol, a handful.
const MAX_ASKED: usize = 16;

/// Whether the other side has confirmed a proposal; shared with the stream that waits for it.
#[derive(Clone, Debug, Default)]
pub struct Confirmation(Arc<AtomicBool>);

impl Confirmation {
    /// Whether it has.
    #[must_use]
    pub fn arrived(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A stream on which one protocol is proposed. The proposal leaves in one flight with what is written first, or with the
/// first flush or read; the answer is taken off the front of what is read.
#[derive(Debug)]
pub struct Proposal<S> {
    stream: S,
    protocol: String,
    /// What of the proposal is still to be written.
    unsent: Vec<u8>,
    /// What came of the answer so far.
    got: Vec<u8>,
    accepted: Vec<u8>,
    refused: Vec<u8>,
    confirmation: Confirmation,
    failed: Option<Fault>,
    /// A write that failed before the answer: what the other side said before it hung up tells more.
    unwritable: Option<Fault>,
}

/// Proposes `protocol` on a stream.
pub fn propose<S>(stream: S, protocol: &str) -> Proposal<S> {
    let [accepted, refused] = [format!("{protocol}\n"), REFUSAL.to_owned()].map(|answer| messages([HEADER, &answer]));
    Proposal {
        stream,
        protocol: protocol.to_owned(),
        unsent: accepted.clone(),
        got: Vec::new(),
        accepted,
        refused,
        confirmation: Confirmation::default(),
        failed: None,
        unwritable: None,
    }
}

fn messages<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        frame::put(&mut bytes, text.as_bytes());
    }
    bytes
}

impl<S: AsyncRead + AsyncWrite + Unpin> Proposal<S> {
    /// Tells later whether the other side agreed.
    #[must_use]
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation.clone()
    }

    /// Sends what is not sent and waits for the answer.
    pub async fn confirmed(&mut self) -> Result<(), Fault> {
        poll_fn(|cx| self.poll_confirmed(cx)).await
    }

    fn poll_confirmed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        if self.confirmation.arrived() {
            return Poll::Ready(Ok(()));
        }
        let ended = match &self.failed {
            Some(fault) => Err(fault.clone()),
            None => ready!(self.poll_answer(cx)),
        };
        match &ended {
            Ok(()) => self.confirmation.0.store(true, Ordering::Release),
            Err(fault) => self.failed = Some(fault.clone()),
        }
        Poll::Ready(ended)
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        // A blocked flush must not keep the answer from being read.
        if let Poll::Ready(Err(error)) = self.poll_proposed(cx, |stream, cx| stream.poll_flush(cx).map_ok(|()| 0)) {
            self.unwritable(&error);
        }
        loop {
            // Both answers begin with the same header and the refusal is the shorter one: never read past it.
            let whole = if self.got.len() < self.refused.len() { self.refused.len() } else { self.accepted.len() };
            let mut buffer = vec![0; whole.saturating_sub(self.got.len())];
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            match read {
                Ok(0) => return Poll::Ready(Err(self.unwritable.take().unwrap_or_else(|| Cause::Closed.into()))),
                Ok(count) => self.got.extend_from_slice(&buffer[..count]),
                Err(error) => {
                    return Poll::Ready(Err(Fault::from_io(
                        &error,
                        Cause::HandshakeFailed { what: "bytes below the negotiation".into(), alert: None },
                    )));
                }
            }
            if self.got == self.accepted {
                return Poll::Ready(Ok(()));
            }
            if self.got == self.refused {
                return Poll::Ready(Err(Cause::NoCommonProtocol { offered: Some(vec![self.protocol.clone()]) }.into()));
            }
            if !self.accepted.starts_with(&self.got) && !self.refused.starts_with(&self.got) {
                return Poll::Ready(Err(Cause::NotLibp2p { speaks: None }.into()));
            }
        }
    }

    /// Writes what is left of the proposal, then does `next`.
    fn poll_proposed(
        &mut self,
        cx: &mut Context<'_>,
        next: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.unsent))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => drop(self.unsent.drain(..written)),
            }
        }
        next(Pin::new(&mut self.stream), cx)
    }

    fn unwritable(&mut self, error: &io::Error) {
        self.unwritable.get_or_insert(Fault::from_io(error, Cause::Closed));
        self.unsent.clear();
    }

    /// Before the answer a failed write is kept for the reader to report; `done` is what the writer is told.
    fn settle(&mut self, result: io::Result<usize>, done: usize) -> io::Result<usize> {
        match result {
            Err(error) if !self.confirmation.arrived() => {
                self.unwritable(&error);
                Ok(done)
            }
            result => result,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Proposal<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_confirmed(cx)).map_err(Fault::into_io)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Proposal<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(self.poll_proposed(cx, |stream, cx| stream.poll_write(cx, bytes)));
        Poll::Ready(self.settle(written, bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(self.poll_proposed(cx, |stream, cx| stream.poll_flush(cx).map_ok(|()| 0)));
        Poll::Ready(self.settle(flushed, 0).map(drop))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = ready!(self.poll_proposed(cx, |stream, cx| stream.poll_close(cx).map_ok(|()| 0)));
        Poll::Ready(closed.map(drop))
    }
}

/// A negotiation that found no protocol.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{fault}")]
pub struct Unanswered {
    /// Why.
    pub fault: Fault,
    /// What the dialer asked for and was refused, in its order, at most 16.
    pub asked: Vec<String>,
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self { fault, asked: Vec::new() }
    }
}

/// Answers a dialer that proposes protocols: the first one among `offers` is agreed on.
pub async fn answer<S>(mut stream: S, offers: &[&'static str]) -> Result<(&'static str, S), Unanswered>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut asked = Vec::new();
    match agree(&mut stream, offers, &mut asked).await {
        Ok(protocol) => Ok((protocol, stream)),
        // A dialer that has been refused hangs up, or has sent what would have followed an agreement.
        Err(Fault { cause: Cause::Closed | Cause::Reset | Cause::NotLibp2p { .. }, .. }) if !asked.is_empty() => {
            let offered = Some(offers.iter().map(ToString::to_string).collect());
            Err(Unanswered { fault: Cause::NoCommonProtocol { offered }.into(), asked })
        }
        Err(fault) => Err(Unanswered { fault, asked }),
    }
}

async fn agree(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    offers: &[&'static str],
    asked: &mut Vec<String>,
) -> Result<&'static str, Fault> {
    expect_header(stream).await?;
    say(stream, HEADER).await?;
    loop {
        let name = read_name(stream).await?;
        if let Some(protocol) = offers.iter().find(|offer| **offer == name) {
            say(stream, &format!("{protocol}\n")).await?;
            return Ok(protocol);
        }
        asked.push(name);
        say(stream, REFUSAL).await?;
        if asked.len() == MAX_ASKED {
            return Err(Cause::Closed.into());
        }
    }
}

/// Takes the header byte by byte off its fixed form, so that other protocols are told by their first bytes.
async fn expect_header(stream: &mut (impl AsyncRead + Unpin)) -> Result<(), Fault> {
    let header = messages([HEADER]);
    let mut rest = header.as_slice();
    while !rest.is_empty() {
        let mut buffer = vec![0; rest.len()];
        let count = stream.read(&mut buffer).await.map_err(|error| Fault::from_io(&error, Cause::Closed))?;
        if count == 0 {
            return Err(Cause::Closed.into());
        }
        rest = rest.strip_prefix(&buffer[..count]).ok_or(Cause::NotLibp2p { speaks: None })?;
    }
    Ok(())
}

async fn read_name(stream: &mut (impl AsyncRead + Unpin)) -> Result<String, Fault> {
    let garbage = || Fault::from(Cause::NotLibp2p { speaks: None });
    let message = match frame::read(stream, MAX_NAME).await {
        Ok(message) => message.ok_or(Cause::Closed)?,
        Err(Fault { cause: Cause::TooLarge | Cause::Malformed, .. }) => return Err(garbage()),
        Err(fault) => return Err(fault),
    };
    let mut name = String::from_utf8(message).map_err(|_| garbage())?;
    if name.pop() != Some('\n') {
        return Err(garbage());
    }
    Ok(name)
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), text: &str) -> Result<(), Fault> {
    let lost = |error| Fault::from_io(&error, Cause::Closed);
    stream.write_all(&messages([text])).await.map_err(lost)?;
    stream.flush().await.map_err(lost)
}
