//! Whose turn it is to ask a server by AutoNAT.

use tokio::sync::{Semaphore, SemaphorePermit, watch};

use crate::model::Layer4;

/// The turns at one server: of two questions at once go-libp2p answers the second over the connection that it made for the first.
///
/// A run has time for one dial that is dropped, or two. Over QUIC go-libp2p and rust-libp2p say so after 5 s; over TCP rust-libp2p
/// gives up its own answer first. So UDP is asked about first.
#[derive(Debug)]
pub(super) struct Turns {
    one: Semaphore,
    /// Whether UDP was asked about.
    udp: watch::Sender<bool>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { one: Semaphore::new(1), udp: watch::Sender::new(false) }
    }

    /// Waits for a turn, which lasts for as long as this is held. Who waits comes before who asks again.
    pub(super) async fn take(&self, layer: Layer4) -> Option<SemaphorePermit<'_>> {
        if layer == Layer4::Udp {
            self.udp.send_replace(true);
        }
        // Never closed: it lives as long as the vantage point does.
        self.one.acquire().await.ok()
    }

    /// Waits until UDP was asked about.
    pub(super) async fn after_udp(&self) {
        // Never closed either.
        let _ = self.udp.subscribe().wait_for(|asked| *asked).await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::{FutureExt as _, future::join};

    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_udp_first() {
        let turns = Turns::new();
        let mut tcp = pin!(turns.after_udp().then(|()| turns.take(Layer4::Tcp)));
        assert!(tcp.as_mut().now_or_never().is_none(), "UDP is still to come");
        let held = turns.take(Layer4::Udp).await;
        assert!(tcp.as_mut().now_or_never().is_none(), "UDP has its turn");
        let (taken, ()) = join(tcp, async { drop(held) }).await;
        assert!(taken.is_some());
        assert!(turns.take(Layer4::Udp).now_or_never().is_none(), "TCP has its turn");
    }
}
