//! A connection's place at a listener's port.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use super::batch::Batch;
use super::config::TURN;
use super::hub::Hub;
use super::recent::Recent;
use super::routes::Entry;

/// What came for a connection. Inboxes have places for many even while they are empty: it is kept in a box.
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    /// The address of ours that it was sent to, where the system tells.
    pub(super) to: Option<IpAddr>,
    pub(super) bytes: Box<[u8]>,
}

/// A place, given back when dropped.
pub(super) struct Place {
    pub(super) hub: Arc<Hub>,
    entry: Entry,
    /// The addresses of ours that the other side has sent to, by its own: what is answered has to come from there, and a
    /// socket on a wildcard would choose for itself.
    ours: Recent<IpAddr>,
}

impl Place {
    pub(super) fn new(hub: Arc<Hub>, entry: Entry) -> Self {
        Self { hub, entry, ours: Recent::default() }
    }

    /// Hands what has come to `each`, as much as one turn allows. How many datagrams it was; an error when it has to go for others.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        mut each: impl FnMut(SocketAddr, &[u8]),
    ) -> Poll<io::Result<usize>> {
        let mut count = 0;
        while count < TURN {
            match self.entry.inbox.poll_recv(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
                Poll::Ready(Some(datagram)) => {
                    let Datagram { from, to, bytes } = *datagram;
                    self.note(from, to);
                    each(from, &bytes);
                    count += 1;
                }
            }
        }
        if count > 0 { Poll::Ready(Ok(count)) } else { Poll::Pending }
    }

    /// Notes that the dialer is where it says: it need not go for others any more.
    pub(super) fn note_proof(&self, is_proved: impl FnOnce() -> bool) {
        if !self.entry.proved.load(Ordering::Relaxed) && is_proved() {
            self.entry.proved.store(true, Ordering::Relaxed);
        }
    }

    /// What has arrived, without a wait.
    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn received(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.entry.inbox.try_recv().ok().map(|datagram| (datagram.from, datagram.bytes.into()))
    }

    /// The address of ours that was heard from there.
    pub(super) fn ours(&self, theirs: SocketAddr) -> Option<IpAddr> {
        self.ours.get(theirs).copied()
    }

    fn note(&mut self, from: SocketAddr, to: Option<IpAddr>) {
        if let Some(to) = to
            && let (Some(ours), _) = self.ours.hear(from, || to)
        {
            *ours = to;
        }
    }

    /// Sends a batch from the address that its receiver knows, if there is room.
    pub(super) fn try_send(&self, batch: &Batch) -> io::Result<()> {
        self.hub.port.try_send(batch, self.ours(batch.to()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.leave(&self.entry);
    }
}
