//! A protocol that a session serves besides its own.

use std::{fmt, future::Future, rc::Rc};

use futures::future::LocalBoxFuture;
use libp2p_core::muxing::SubstreamBox;

type Serve = dyn Fn(SubstreamBox) -> LocalBoxFuture<'static, ()>;

/// A protocol, and what is done with each stream of the other side on which it was agreed. A session serves a bounded number
/// of streams and lets the oldest go: what has to last longer is handed on.
#[derive(Clone)]
pub struct Service {
    protocol: &'static str,
    serve: Rc<Serve>,
}

impl Service {
    /// Serves `protocol` by `serve`, which is polled with the session.
    pub fn new<F: Future<Output = ()> + 'static>(protocol: &'static str, serve: impl Fn(SubstreamBox) -> F + 'static) -> Self {
        Self { protocol, serve: Rc::new(move |stream| Box::pin(serve(stream))) }
    }

    pub(super) fn protocol(&self) -> &'static str {
        self.protocol
    }

    pub(super) fn serve(&self, stream: SubstreamBox) -> LocalBoxFuture<'static, ()> {
        (self.serve)(stream)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Service").field(&self.protocol).finish()
    }
}
