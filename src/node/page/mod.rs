//! The page of `listen`, over HTTP: files that are part of the program, and what the listener saw of this visit.
//!
//! Small on purpose: GET and HEAD of a closed list of paths, no body of a request is read, and every connection has an end. It
//! is polled in place like the node, and needs a Tokio runtime with I/O and time.

mod answer;
mod asset;
mod bind;
mod body;
mod connection;
mod events;
mod host;
mod seen;
#[cfg(test)]
mod tests;

use std::{fmt, rc::Rc, sync::Arc};

use futures::{StreamExt as _, stream::FuturesUnordered};
use multiaddr::Multiaddr;
use tokio::net::TcpListener;

pub use asset::{ASSETS, Asset, Damaged};
pub use bind::{PORT_OFFSET, Where};
pub use seen::Seen;

use super::Certificate;
use crate::{native, transport::quic::Gate};

/// The page, bound to its port.
pub struct Page {
    listener: TcpListener,
    urls: Vec<String>,
    site: Rc<Site>,
}

/// What every connection needs.
struct Site {
    /// The listener's own addresses, which the page offers as targets.
    addresses: Vec<String>,
    /// The names that a browser may call this machine by.
    names: Vec<String>,
    tls: Option<Certificate>,
    seen: Seen,
    visits: events::Visit,
    assets: &'static [Asset],
    gate: Arc<Gate>,
    times: connection::Times,
}

impl Page {
    /// Binds its port. With a certificate the same port serves HTTPS as well. To be called inside a Tokio runtime.
    pub fn bind(at: Where, tls: Option<Certificate>, addresses: &[Multiaddr], seen: Seen) -> Result<Self, super::BindError> {
        Self::of(at, tls, addresses, seen, ASSETS)
    }

    fn of(
        at: Where,
        tls: Option<Certificate>,
        addresses: &[Multiaddr],
        seen: Seen,
        assets: &'static [Asset],
    ) -> Result<Self, super::BindError> {
        let (listener, local) = bind::port(at)?;
        let names = host::names(tls.as_ref(), addresses);
        let urls = bind::urls(local, tls.as_ref());
        let addresses = addresses.iter().map(ToString::to_string).collect();
        let (gate, times) = (connection::gate(), connection::Times::default());
        let site = Site { addresses, names, tls, seen, visits: Rc::default(), assets, gate, times };
        Ok(Self { listener, urls, site: Rc::new(site) })
    }

    /// Where it is to be opened, the furthest reaching first.
    #[must_use]
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Serves until it is dropped.
    pub async fn run(self) {
        let mut connections = FuturesUnordered::new();
        loop {
            futures::select_biased! {
                () = connections.select_next_some() => {}
                accepted = Box::pin(futures::FutureExt::fuse(self.listener.accept())) => match accepted {
                    Ok((stream, remote)) => {
                        // One too many is closed without a word: a page loads again.
                        if let Some(permit) = self.site.gate.enter(remote.ip()) {
                            connections.push(connection::serve(Rc::clone(&self.site), stream, permit));
                        }
                    }
                    // Without file descriptors it would say so at once and without end.
                    Err(_) => native::sleep(connection::PAUSE).await,
                },
            }
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("urls", &self.urls).finish_non_exhaustive()
    }
}
