//! What the listener saw of this visit, as server-sent events: each is an attempt, whole, whenever it changed.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt as _, future::LocalBoxFuture};
use hyper::body::Bytes;

use super::seen::Seen;
use crate::{native, render::json};

/// How many peer IDs one visit may name: as many as a run dials addresses, nearly.
const PEERS: usize = 64;
/// The longest peer ID, in characters: an RSA key's has 46, an inlined one 52.
const PEER: usize = 64;
/// How many visits are told at once.
const AT_ONCE: usize = 16;
/// How long a visit is told: longer than any run.
pub(super) const LIFETIME: Duration = Duration::from_secs(120);

/// A visit that is told of its own dials, and of no others.
pub(super) struct Events {
    seen: Seen,
    peers: Vec<String>,
    last: u64,
    begun: bool,
    end: LocalBoxFuture<'static, ()>,
    _visit: Visit,
}

/// Counts the visits that are told: each holds a clone.
pub(super) type Visit = Rc<()>;

/// Why a visit is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// No peer ID, too many, or something that is none.
    Peers,
    /// As many visits as are told at once.
    Busy,
}

impl Events {
    /// Of a query: `peer=…&peer=…`, the peer IDs that this visit dialed with. They are drawn afresh for each dial, so that
    /// nobody else can name them. It is told for so long.
    pub(super) fn of(query: &str, seen: Seen, visits: &Visit, time: Duration) -> Result<Self, Refused> {
        let peers: Vec<String> = query
            .split('&')
            .map(|pair| pair.strip_prefix("peer=").map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or(Refused::Peers)?;
        let is_one =
            |peer: &String| !peer.is_empty() && peer.len() <= PEER && peer.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if peers.len() > PEERS || !peers.iter().all(is_one) {
            return Err(Refused::Peers);
        }
        // One is the site's own.
        if Rc::strong_count(visits) > AT_ONCE {
            return Err(Refused::Busy);
        }
        Ok(Self { seen, peers, last: 0, begun: false, end: native::sleep(time).boxed_local(), _visit: Rc::clone(visits) })
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if !self.begun {
            self.begun = true;
            // So that a page knows at once that it is heard.
            return Poll::Ready(Some(Bytes::from_static(b"retry: 2000\n\n")));
        }
        if Pin::new(&mut self.end).poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        let (last, changed) = self.seen.since(self.last, &self.peers, cx);
        if changed.is_empty() {
            return Poll::Pending;
        }
        self.last = last;
        let mut bytes = Vec::new();
        for attempt in changed {
            // A line of JSON ends with its line end; another one ends the event.
            let Ok(line) = json::line(&attempt) else { continue };
            bytes.extend_from_slice(b"data: ");
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
        }
        Poll::Ready(Some(bytes.into()))
    }
}
