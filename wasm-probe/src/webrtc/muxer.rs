//! An established connection: streams, and how it ended.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures::FutureExt;
use libp2p_core::{StreamMuxer, muxing::StreamMuxerEvent};
use p2p_probe::{engine::Fault, model::Cause, transport::webrtc_direct::bounds::FLUSH};
use send_wrapper::SendWrapper;

use super::{
    channel::Channel,
    peer::Peer,
    stream::{Stream, Use},
};
use crate::platform::{Sleep, sleep};

/// How often it looks whether it has left: no event tells of the last byte of all channels.
const LOOK: Duration = Duration::from_millis(5);

/// A libp2p connection over webrtc-direct. Dropping it closes it, with its streams.
pub(super) struct Connection(SendWrapper<Inner>);

struct Inner {
    peer: Peer,
    /// The channel that is being opened.
    opening: Option<Rc<Channel>>,
    /// All streams that were opened, to see that what was written has left.
    streams: Vec<std::rc::Weak<Channel>>,
    closing: Option<(Sleep, Sleep)>,
}

impl Connection {
    pub(super) fn new(peer: Peer) -> Self {
        Self(SendWrapper::new(Inner { peer, opening: None, streams: Vec::new(), closing: None }))
    }
}

impl Inner {
    fn drive(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        self.peer.shared.register(cx);
        self.peer.shared.poll_lingering(cx);
        self.peer.ended().map_or(Ok(()), Err)
    }

    fn stream(&mut self, channel: Rc<Channel>) -> Stream {
        self.streams.retain(|stream| stream.strong_count() > 0);
        self.streams.push(Rc::downgrade(&channel));
        Stream::new(channel, Use::Stream)
    }

    fn open(&mut self) -> Poll<Result<Stream, Fault>> {
        if self.opening.is_none() && !self.peer.shared.has_room() {
            // A place becomes free when another stream ends, which wakes.
            return Poll::Pending;
        }
        let channel = self.opening.take().unwrap_or_else(|| self.peer.open());
        match channel.is_open() {
            Ok(true) => Poll::Ready(Ok(self.stream(channel))),
            Ok(false) => {
                self.opening = Some(channel);
                Poll::Pending
            }
            Err(_) => Poll::Ready(Err(self.peer.ended().unwrap_or_else(|| Cause::Closed.into()))),
        }
    }

    fn is_flushed(&self) -> bool {
        self.streams.iter().filter_map(std::rc::Weak::upgrade).all(|stream| stream.unsent() == 0)
    }
}

impl StreamMuxer for Connection {
    type Substream = Stream;
    type Error = Fault;

    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Fault>> {
        let this = &mut *self.get_mut().0;
        let driven = this.drive(cx);
        // What was opened before the end may hold a whole request.
        match (this.peer.shared.accept(), driven) {
            (Some(channel), _) => Poll::Ready(Ok(this.stream(channel))),
            (None, Err(ended)) => Poll::Ready(Err(ended)),
            (None, Ok(())) => Poll::Pending,
        }
    }

    fn poll_outbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Fault>> {
        let this = &mut *self.get_mut().0;
        this.drive(cx)?;
        this.open()
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let this = &mut *self.get_mut().0;
        let driven = this.drive(cx);
        let flushed = this.is_flushed();
        let (until, look) = this.closing.get_or_insert_with(|| (sleep(FLUSH), sleep(LOOK)));
        let late = until.poll_unpin(cx).is_ready();
        if driven.is_ok() && !flushed && !late {
            while look.poll_unpin(cx).is_ready() {
                *look = sleep(LOOK);
            }
            return Poll::Pending;
        }
        this.peer.close();
        Poll::Ready(Ok(()))
    }

    /// Wakes also for every message on a channel, so that a future that its owner has not polled gets its turn.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Fault>> {
        let this = &mut *self.get_mut().0;
        this.drive(cx)?;
        Poll::Pending
    }
}
