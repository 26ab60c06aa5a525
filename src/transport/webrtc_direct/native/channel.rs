//! One data channel, a libp2p stream.

use std::task::Waker;

use super::super::substream::Substream;

/// A channel and who waits for it.
#[derive(Debug, Default)]
pub(super) struct Channel {
    pub(super) stream: Substream,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    pub(super) owner: Owner,
    /// Its stream of SCTP is gone. One with the same id is another channel, which waits until this one is let go.
    pub(super) gone: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// Opened by the other side, as far as SCTP tells: its OPEN is to come.
    #[default]
    Unopened,
    /// A stream of ours, or one that waits to be accepted.
    Held,
    /// Let go: it stays until both sides know that it is over.
    LetGo,
}

impl Channel {
    /// Wakes who waits. Whether anybody waits to read.
    pub(super) fn wake(&mut self) -> bool {
        let reader = self.reader.take();
        let waits = reader.is_some();
        for waker in reader.into_iter().chain(self.writer.take()) {
            waker.wake();
        }
        waits
    }
}
