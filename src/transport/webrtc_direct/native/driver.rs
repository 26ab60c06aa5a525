//! Moves a connection's datagrams, whenever it is polled.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

use super::config::{MAX_DATAGRAM, TURN};
use super::connection::Machine;
use super::error::Ended;
use super::link::Link;
use super::shared::{Shared, now};
use crate::transport::quic::{Progress, is_from_network, is_too_long};

/// "Closed port" again and again, with nothing else between, means that the other side is gone. One alone may be forged.
const REFUSALS: u32 = 3;

/// Polled by whoever polls the connection. Dropping it says goodbye.
pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) link: Link,
    timer: Option<Pin<Box<Sleep>>>,
    buffer: Box<[u8]>,
    unsent: Option<(SocketAddr, Vec<u8>)>,
    refusals: u32,
    /// Whether a fault of the network ends it at once: a dial, before anybody has answered.
    pub(super) expects_answer: bool,
    progress: Progress,
}

impl Driver {
    pub(super) fn new(machine: Machine, link: Link, progress: Progress) -> Self {
        Self {
            shared: Arc::new(Shared::new(machine)),
            link,
            timer: None,
            buffer: vec![0; MAX_DATAGRAM].into(),
            unsent: None,
            refusals: 0,
            expects_answer: false,
            progress,
        }
    }

    /// Moves what can be moved. An error is a fault of the socket; how else a connection ends its state tells.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.shared.driver.register(cx.waker());
        let shared = Arc::clone(&self.shared);
        let mut machine = shared.machine();
        for _ in 0..TURN {
            let mut moved = self.receive(&mut machine, cx)?;
            moved |= self.keep_time(&mut machine, cx);
            moved |= self.send(&mut machine, cx)?;
            if !moved {
                if machine.channels.take_news() {
                    // Handlers may have parked futures that they did not poll: they get a turn for whatever came.
                    cx.waker().wake_by_ref();
                }
                return Ok(());
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Whether all that was to be sent has left.
    pub(super) fn is_idle(&self) -> bool {
        self.unsent.is_none()
    }

    fn receive(&mut self, machine: &mut Machine, cx: &mut Context<'_>) -> io::Result<bool> {
        match self.link.poll_receive(cx, &mut self.buffer) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok((length, from))) => {
                self.refusals = 0;
                self.progress.count_received(1);
                machine.handle(now(), from, &self.buffer[..length]);
                Ok(true)
            }
            Poll::Ready(Err(error)) => self.fault(machine, error),
        }
    }

    fn keep_time(&mut self, machine: &mut Machine, cx: &mut Context<'_>) -> bool {
        let Some(at) = machine.poll_timeout() else { return false };
        if at <= now() {
            machine.handle_timeout(now());
            return true;
        }
        self.wait_until(at, cx)
    }

    fn wait_until(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        let at = at.into();
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx).is_ready()
    }

    fn send(&mut self, machine: &mut Machine, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut moved = false;
        for _ in 0..TURN {
            let Some(datagram) = self.unsent.take().or_else(|| machine.poll_transmit(now())) else { break };
            match self.link.poll_send(cx, datagram.0, &datagram.1) {
                Poll::Pending => {
                    self.unsent = Some(datagram);
                    break;
                }
                Poll::Ready(Ok(())) => {
                    self.progress.count_sent();
                    moved = true;
                }
                Poll::Ready(Err(error)) => moved |= self.fault(machine, error)?,
            }
        }
        Ok(moved)
    }

    /// A router's or host's word about an earlier datagram, or a fault of the socket. Whether to go on.
    fn fault(&mut self, machine: &mut Machine, error: io::Error) -> io::Result<bool> {
        use io::ErrorKind as Kind;
        if is_too_long(&error) {
            // Our datagrams are as short as any path takes: this one is lost, and is repeated.
            return Ok(true);
        }
        if self.expects_answer || !is_from_network(&error) {
            machine.end(Ended::Socket(error.kind()));
            return Err(error);
        }
        self.refusals += u32::from(matches!(error.kind(), Kind::ConnectionRefused | Kind::ConnectionReset));
        if self.refusals >= REFUSALS {
            machine.end(Ended::Socket(error.kind()));
        }
        Ok(true)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let mut machine = self.shared.machine();
        machine.close(now());
        for _ in 0..TURN {
            let Some((to, bytes)) = self.unsent.take().or_else(|| machine.poll_transmit(now())) else { break };
            self.link.try_send(to, &bytes);
        }
    }
}
