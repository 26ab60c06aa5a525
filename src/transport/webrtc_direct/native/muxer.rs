//! An established connection: streams, and how it ended.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use libp2p_core::StreamMuxer;
use libp2p_core::muxing::StreamMuxerEvent;
use tokio::time::Sleep;

use super::config::FLUSH;
use super::driver::Driver;
use super::error::Ended;
use super::shared::now;
use super::stream::Stream;
use crate::transport::quic::Permit;

/// A libp2p connection over webrtc-direct. It moves only while it is polled, by any of its methods. Dropping it closes it,
/// with its streams.
pub struct Connection {
    driver: Driver,
    closing: Option<Pin<Box<Sleep>>>,
    /// Its place among a listener's connections.
    _permit: Option<Permit>,
}

impl Connection {
    pub(super) fn new(driver: Driver, permit: Option<Permit>) -> Self {
        Self { driver, closing: None, _permit: permit }
    }

    /// The peer's address, which may change while a NAT rebinds.
    pub fn remote(&self) -> SocketAddr {
        self.driver.shared.machine().remote()
    }

    /// How the connection ended; none while it lives.
    pub fn closed_reason(&self) -> Option<Ended> {
        self.driver.shared.machine().ended().cloned()
    }

    fn drive(&mut self, cx: &mut Context<'_>) -> Result<(), Ended> {
        if let Err(error) = self.driver.poll(cx) {
            return Err(self.closed_reason().unwrap_or(Ended::Socket(error.kind())));
        }
        self.closed_reason().map_or(Ok(()), Err)
    }
}

impl StreamMuxer for Connection {
    type Substream = Stream;
    type Error = Ended;

    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Ended>> {
        let this = self.get_mut();
        let driven = this.drive(cx);
        let shared = &this.driver.shared;
        let polled = shared.machine().channels.poll_accept(cx.waker());
        // What was opened before the end may hold a whole request.
        match (polled, driven) {
            (Poll::Ready(id), _) => Poll::Ready(Ok(Stream::new(Arc::clone(shared), id))),
            (Poll::Pending, Err(ended)) => Poll::Ready(Err(ended)),
            (Poll::Pending, Ok(())) => Poll::Pending,
        }
    }

    fn poll_outbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Ended>> {
        let this = self.get_mut();
        this.drive(cx)?;
        let shared = &this.driver.shared;
        match shared.on_channels(|channels, sctp, _| channels.open(sctp)) {
            Ok(Ok(id)) => Poll::Ready(Ok(Stream::new(Arc::clone(shared), id))),
            // A slot becomes free when another stream ends; the driver's next turn asks again.
            Ok(Err(_)) => Poll::Pending,
            Err(_) => Poll::Ready(Err(Ended::Association)),
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        let this = self.get_mut();
        let closing = this.closing.get_or_insert_with(|| Box::pin(tokio::time::sleep_until((now() + FLUSH).into())));
        let late = closing.as_mut().poll(cx).is_ready();
        // How a goodbye fails changes nothing.
        let _ = this.driver.poll(cx);
        {
            let mut machine = this.driver.shared.machine();
            if machine.ended().is_none() && !machine.is_flushed() && !late {
                return Poll::Pending;
            }
            machine.close(now());
        }
        let _ = this.driver.poll(cx);
        if this.driver.is_idle() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Wakes also for every message on a channel, so that a future that its owner has not polled gets its turn.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Ended>> {
        match self.get_mut().drive(cx) {
            Ok(()) => Poll::Pending,
            Err(ended) => Poll::Ready(Err(ended)),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("remote", &self.remote()).finish_non_exhaustive()
    }
}
