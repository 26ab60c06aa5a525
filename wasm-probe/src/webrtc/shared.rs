//! What a connection and its channels share.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::FutureExt;
use p2p_probe::transport::webrtc_direct::bounds::{LINGER, MAX_CHANNELS, MAX_WAITING};
use web_sys::RtcDataChannel;

use super::channel::Channel;
use crate::platform::{Sleep, sleep};

/// Bytes that may wait unread on all channels together. A page cannot tell a data channel to wait, so a stream that goes beyond is
/// reset. It is not met by a session, which reads whenever it is run; 4 MiB are a second of a fast line.
pub(super) const UNREAD: usize = 4 * 1024 * 1024;

/// What channels tell their connection.
#[derive(Default)]
pub(super) struct Shared {
    /// Bytes that wait unread.
    pub(super) unread: Cell<usize>,
    /// Channels that exist, the handshake's included.
    pub(super) channels: Cell<usize>,
    waiting: RefCell<VecDeque<Rc<Channel>>>,
    lingering: RefCell<Vec<(Rc<Channel>, Sleep)>>,
    waker: RefCell<Option<Waker>>,
}

impl Shared {
    /// Something happened: whoever waits for the connection looks again, for every message on a channel too, so that a future
    /// that its owner has not polled gets its turn.
    pub(super) fn wake(&self) {
        let waker = self.waker.borrow_mut().take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// To be woken at whatever happens next.
    pub(super) fn register(&self, cx: &Context<'_>) {
        self.waker.replace(Some(cx.waker().clone()));
    }

    /// Whether one more channel may be.
    pub(super) fn has_room(&self) -> bool {
        self.channels.get() < MAX_CHANNELS
    }

    /// The other side opened a channel.
    pub(super) fn opened(self: &Rc<Self>, channel: RtcDataChannel) {
        if self.has_room() && self.waiting.borrow().len() < MAX_WAITING {
            self.waiting.borrow_mut().push_back(Channel::new(channel, Rc::clone(self)));
            self.wake();
        } else {
            channel.close();
        }
    }

    /// The next channel that the other side opened.
    pub(super) fn accept(&self) -> Option<Rc<Channel>> {
        self.waiting.borrow_mut().pop_front()
    }

    /// Keeps a channel until both sides know that it is over, or for a while.
    pub(super) fn linger(&self, channel: Rc<Channel>) {
        self.lingering.borrow_mut().push((channel, sleep(LINGER)));
        // For the timer to be polled.
        self.wake();
    }

    /// Lets go of what is over, or has lingered long enough.
    pub(super) fn poll_lingering(&self, cx: &mut Context<'_>) {
        let mut gone = Vec::new();
        self.lingering.borrow_mut().retain_mut(|(channel, timer)| {
            let over = channel.is_over() || timer.poll_unpin(cx) == Poll::Ready(());
            if over {
                gone.push(Rc::clone(channel));
            }
            !over
        });
        for channel in gone {
            channel.close();
        }
    }

    /// Nothing is kept any more.
    pub(super) fn forget(&self) {
        self.waiting.take();
        self.lingering.take();
    }
}
