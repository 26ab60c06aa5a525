//! The numbers of version 2, and where each came in from.

use std::{cell::RefCell, collections::HashMap, net::SocketAddr, pin::pin, rc::Rc};

use futures::AsyncWriteExt as _;
use tokio::sync::Notify;

use super::{
    DIAL_BACK,
    wire::{self, MAX_DIAL_BACK, v2},
};
use crate::session::Service;

/// The numbers that are expected at one listening port: what comes in elsewhere, or with another number, says nothing of it.
#[derive(Debug, Default)]
pub struct Nonces {
    expected: RefCell<HashMap<u64, Option<SocketAddr>>>,
    changed: Notify,
}

/// A number that is expected for as long as this is held.
#[derive(Debug)]
pub struct Expected<'a> {
    nonces: &'a Nonces,
    nonce: u64,
}

impl Nonces {
    /// A fresh number, which nobody can guess.
    pub fn expect(&self) -> Expected<'_> {
        let nonce: u64 = rand::random();
        self.expected.borrow_mut().insert(nonce, None);
        Expected { nonces: self, nonce }
    }

    /// What takes numbers on a connection from there.
    pub fn service(self: &Rc<Self>, remote: SocketAddr) -> Service {
        let nonces = Rc::clone(self);
        Service::new(DIAL_BACK, move |mut stream| {
            let nonces = Rc::clone(&nonces);
            async move {
                let Ok(v2::DialBack { nonce }) = wire::receive(&mut stream, MAX_DIAL_BACK).await else { return };
                // Without an answer the server learns that it came to the wrong place.
                if nonces.take(nonce, remote) && wire::send(&mut stream, &v2::DialBackResponse::default()).await.is_ok() {
                    let _ = stream.close().await;
                }
            }
        })
    }

    /// Whether the number was expected.
    fn take(&self, nonce: u64, remote: SocketAddr) -> bool {
        let mut expected = self.expected.borrow_mut();
        let Some(seen) = expected.get_mut(&nonce) else { return false };
        seen.get_or_insert(SocketAddr::new(remote.ip().to_canonical(), remote.port()));
        self.changed.notify_waiters();
        true
    }
}

impl Expected<'_> {
    /// The number.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Waits until it comes in; where it came from.
    pub async fn arrived(&self) -> SocketAddr {
        loop {
            let mut changed = pin!(self.nonces.changed.notified());
            changed.as_mut().enable();
            if let Some(from) = self.nonces.expected.borrow().get(&self.nonce).copied().flatten() {
                return from;
            }
            changed.await;
        }
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.nonces.expected.borrow_mut().remove(&self.nonce);
    }
}
