//! An established session: streams, and how it ended.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::FutureExt;
use libp2p_core::{StreamMuxer, muxing::StreamMuxerEvent};
use p2p_probe::{engine::Fault, model::Cause};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::{
    platform::{Reader, WebTransport},
    stream::Stream,
};
use crate::{error::words, platform::get};

/// A libp2p connection over WebTransport. Dropping it closes it, with its streams.
pub(super) struct Connection(SendWrapper<Inner>);

struct Inner {
    session: Session,
    incoming: Reader,
    accepting: Option<JsFuture>,
    opening: Option<JsFuture>,
    closed: JsFuture,
    ended: Option<Fault>,
}

/// A session, closed when it is dropped.
pub(super) struct Session(pub(super) WebTransport);

impl Drop for Session {
    fn drop(&mut self) {
        // Throws only what says that it is over already.
        let _ = self.0.close();
    }
}

impl Connection {
    pub(super) fn new(session: Session) -> Self {
        let (incoming, closed) = (session.0.incoming().reader(), JsFuture::from(session.0.closed()));
        Self(SendWrapper::new(Inner { session, incoming, accepting: None, opening: None, closed, ended: None }))
    }
}

impl Inner {
    /// Whether it has ended, and why.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        if self.ended.is_none() {
            let closed = ready!(self.closed.poll_unpin(cx));
            self.ended = Some(match closed {
                Ok(_) => Cause::Closed.into(),
                Err(error) => Fault::new(Cause::Opaque, &words(&error)),
            });
        }
        self.ended.clone().map_or(Poll::Pending, Poll::Ready)
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Stream, Fault>> {
        let accepting = self.accepting.get_or_insert_with(|| JsFuture::from(self.incoming.read()));
        let next = ready!(accepting.poll_unpin(cx));
        self.accepting = None;
        match next {
            Ok(next) if get(&next, "value").is_object() => Poll::Ready(Ok(Stream::new(&get(&next, "value")))),
            next => Poll::Ready(Err(self.over(next.err()))),
        }
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<Stream, Fault>> {
        let opening = self.opening.get_or_insert_with(|| JsFuture::from(self.session.0.open()));
        let opened = ready!(opening.poll_unpin(cx));
        self.opening = None;
        Poll::Ready(opened.map(|stream| Stream::new(&stream)).map_err(|error| self.over(Some(error))))
    }

    /// No more streams: what the session says of its end comes first.
    fn over(&self, error: Option<JsValue>) -> Fault {
        let told = || error.map_or_else(|| Cause::Closed.into(), |error| Fault::new(Cause::Closed, &words(&error)));
        self.ended.clone().unwrap_or_else(told)
    }
}

impl StreamMuxer for Connection {
    type Substream = Stream;
    type Error = Fault;

    fn poll_inbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Fault>> {
        self.0.poll_accept(cx)
    }

    fn poll_outbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Fault>> {
        self.0.poll_open(cx)
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let _ = self.0.session.0.close();
        Poll::Ready(Ok(()))
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Fault>> {
        self.0.poll_ended(cx).map(Err)
    }
}
