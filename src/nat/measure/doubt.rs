//! Whether there is a NAT, and whether the tests of it are over: what is to be done about one waits for both.

use std::{cell::Cell, pin::pin};

use tokio::sync::Notify;

use crate::model::Layer4;

/// What is known while the tests run.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    translated: Cell<Option<bool>>,
    udp_over: Cell<bool>,
    tcp_over: Cell<bool>,
    changed: Notify,
}

impl Doubt {
    /// An answer came. One that shows a NAT weighs more than one that does not.
    pub(super) fn settle(&self, translated: bool) {
        self.translated.set(Some(translated || self.translated.get() == Some(true)));
        self.changed.notify_waiters();
    }

    /// The tests of a protocol are over.
    pub(super) fn over(&self, layer: Layer4) {
        match layer {
            Layer4::Udp => self.udp_over.set(true),
            Layer4::Tcp => self.tcp_over.set(true),
        }
        self.changed.notify_waiters();
    }

    fn ended(&self) -> bool {
        self.udp_over.get() && self.tcp_over.get()
    }

    /// Waits for an answer that shows a NAT, or for the end; then there may be one if nobody said otherwise.
    pub(super) async fn translated(&self) -> bool {
        self.until(|| match (self.translated.get(), self.ended()) {
            (Some(true), _) => Some(true),
            (told, true) => Some(told.is_none()),
            _ => None,
        })
        .await
    }

    /// Waits until all tests are over.
    pub(super) async fn end(&self) {
        self.until(|| self.ended().then_some(())).await;
    }

    async fn until<T>(&self, known: impl Fn() -> Option<T>) -> T {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            match known() {
                Some(known) => return known,
                None => changed.await,
            }
        }
    }
}
