//! A multiplexed connection in use.

use std::{
    cell::RefCell,
    collections::VecDeque,
    error::Error as _,
    fmt,
    future::Future,
    io,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{LocalBoxFuture, poll_fn},
};
use libp2p_core::muxing::{StreamMuxerBox, StreamMuxerExt, SubstreamBox};

use super::{
    Clock, Fault, Identified, Multiplexed, Noted, Opener, Pings, Proposal, Service, Us, chain, identify, inbound,
    link::{Link, Stream},
    ping,
};
use crate::model::Cause;

/// Streams of the other side that are served at once; the oldest makes room for a new one.
const MAX_INBOUND: usize = 64;
/// Rounds of one turn before others get theirs, whatever the other side sends.
const ROUNDS: usize = 16;

/// Drives one connection and serves what the other side opens on it. It moves only while [`Session::run`] or
/// [`Session::serve`] is polled.
pub struct Session {
    link: Link,
    driver: RefCell<Driver>,
    /// The answer to the identify request that was sent ahead.
    ahead: RefCell<Option<oneshot::Receiver<Result<Identified, Fault>>>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("ended", &self.link.ended()).finish_non_exhaustive()
    }
}

impl Session {
    /// A connection on which `us` is told to whoever asks, and `note` hears what the other side does. It is called from
    /// within `run` and should only take note.
    pub fn new(connection: Multiplexed, clock: Clock, us: Us, note: impl Fn(Noted) + 'static) -> Self {
        let link = Link::new(clock, us, Box::new(note), connection.confirmation);
        let driver = Driver { muxer: connection.muxer, errands: Vec::new(), inbound: VecDeque::new() };
        Self { link, driver: RefCell::new(driver), ahead: RefCell::default() }
    }

    /// Asks the other side to identify itself with the first flight, along with the proposal of the multiplexer, so that
    /// neither waits for the other. [`Session::identify`] then has the answer.
    #[must_use]
    pub fn identify_ahead(self) -> Self {
        let (sender, answer) = oneshot::channel();
        let link = self.link.clone();
        let errand = async move {
            // Nobody may be left to hear it.
            let _ = sender.send(identify::ask(&link).await);
        };
        self.driver.borrow_mut().errands.push(errand.boxed_local());
        self.ahead.replace(Some(answer));
        self
    }

    /// Serves these protocols too, and says so where it is asked who we are.
    #[must_use]
    pub fn offering(self, services: Vec<Service>) -> Self {
        self.link.offer(services);
        self
    }

    /// A handle that opens streams from outside of [`Session::run`], while somebody else polls that.
    #[must_use]
    pub fn opener(&self) -> Opener {
        self.link.opener()
    }

    /// Runs `client` on this connection. It ends when the client does; a client whose streams fail sees that for itself.
    pub async fn run<F: Future>(&self, client: F) -> F::Output {
        let mut client = pin!(client);
        poll_fn(|cx| {
            let polled = client.as_mut().poll(cx);
            self.link.driven_by(cx.waker());
            // Also after the client's last poll: what it wrote has to leave.
            if let Ok(mut driver) = self.driver.try_borrow_mut() {
                driver.poll(&self.link, cx);
            }
            polled
        })
        .await
    }

    /// Serves the other side until the connection ends, and tells why it did.
    pub async fn serve(&self) -> Fault {
        self.run(poll_fn(|cx| self.link.poll_ended(cx))).await
    }

    /// Waits until the other side has agreed to the multiplexer. To be polled within [`Session::run`], like all that follow.
    pub async fn established(&self) -> Result<(), Fault> {
        let established = poll_fn(|cx| self.link.poll_established(cx)).await;
        established.map_err(|fault| match fault.cause {
            Cause::Malformed => {
                Fault { cause: Cause::HandshakeFailed { what: "frames that are not yamux".to_owned(), alert: None }, ..fault }
            }
            _ => fault,
        })
    }

    /// A new stream for `protocol`. The proposal leaves with what is written or read first, and the answer is awaited by
    /// the first read or [`Proposal::confirmed`].
    pub async fn open(&self, protocol: &str) -> Result<Proposal<SubstreamBox>, Fault> {
        let stream: Stream = self.link.open(protocol).await?;
        Ok(stream)
    }

    /// Asks the other side who it is: `/ipfs/id/1.0.0`.
    pub async fn identify(&self) -> Result<Identified, Fault> {
        let ahead = self.ahead.take();
        match ahead {
            Some(answer) => answer.await.unwrap_or_else(|_| Err(self.link.explain(Cause::Closed.into()))),
            None => identify::ask(&self.link).await,
        }
    }

    /// Sends `count` pings, one after the other, `pause` after an answer: `/ipfs/ping/1.0.0`. `pings` is filled as answers
    /// come, so that it holds what was seen when this fails or is dropped.
    pub async fn ping(&self, count: u32, pause: Duration, pings: &mut Pings) -> Result<(), Fault> {
        ping::send(&self.link, count, pause, pings).await
    }

    /// Why the connection ended, if it did.
    #[must_use]
    pub fn ended(&self) -> Option<Fault> {
        self.link.ended()
    }

    /// How many streams of the other side are served now.
    #[cfg(test)]
    pub(super) fn served(&self) -> usize {
        self.driver.try_borrow().map_or(0, |driver| driver.inbound.len())
    }

    /// Says goodbye. May wait for the other side to take what is left to send: the caller bounds it.
    pub async fn close(self) {
        let Driver { mut muxer, errands, inbound } = self.driver.into_inner();
        drop((errands, inbound));
        // How a goodbye fails changes nothing.
        let _ = poll_fn(|cx| muxer.poll_close_unpin(cx)).await;
    }
}

struct Driver {
    muxer: StreamMuxerBox,
    /// What we do ahead of the client.
    errands: Vec<LocalBoxFuture<'static, ()>>,
    /// The streams that the other side opened, oldest first.
    inbound: VecDeque<LocalBoxFuture<'static, ()>>,
}

impl Driver {
    fn poll(&mut self, link: &Link, cx: &mut Context<'_>) {
        for _ in 0..ROUNDS {
            self.errands.retain_mut(|errand| errand.poll_unpin(cx).is_pending());
            self.inbound.retain_mut(|stream| stream.poll_unpin(cx).is_pending());
            if link.ended().is_some() {
                return;
            }
            match self.poll_muxer(link, cx) {
                Ok(true) => {}
                Ok(false) => return,
                // Once more round: the streams learn of it.
                Err(error) => link.end(end_of(&error)),
            }
        }
        cx.waker().wake_by_ref();
    }

    /// Whether a stream came of it.
    fn poll_muxer(&mut self, link: &Link, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut moved = false;
        if link.wants()
            && let Poll::Ready(stream) = self.muxer.poll_outbound_unpin(cx)
        {
            link.deliver(stream?);
            moved = true;
        }
        if let Poll::Ready(stream) = self.muxer.poll_inbound_unpin(cx) {
            if self.inbound.len() >= MAX_INBOUND {
                self.inbound.pop_front();
            }
            self.inbound.push_back(inbound::serve(link.clone(), stream?).boxed_local());
            moved = true;
        }
        // A change of the remote address is the transport's business.
        if let Poll::Ready(event) = self.muxer.poll_unpin(cx) {
            event?;
            moved = true;
        }
        link.look();
        Ok(moved)
    }
}

/// Why a connection ended. yamux calls an end of the bytes and a goodbye alike `Closed`; frames that it cannot read have
/// a reason of their own below.
fn end_of(error: &io::Error) -> Fault {
    let yamux = chain(error).find_map(|error| error.downcast_ref::<libp2p_yamux::Error>());
    let otherwise = if yamux.is_some_and(|yamux| yamux.source().is_some()) { Cause::Malformed } else { Cause::Closed };
    Fault::from_io(error, otherwise)
}
