//! Which version of the protocol the other side answers in.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    time::Duration,
};

use futures::future::{Either, select};
use p2p_probe::{
    engine::Fault,
    model::{Cause, WebrtcVersions},
    transport::webrtc_direct::{Fingerprint, Version},
};

use super::{
    peer::{Peer, State},
    stats::Stats,
};
use crate::{permission::Watch, platform::sleep};

/// How long version 2 is asked for alone: what answers in both versions answers within it on most lines, and does not see
/// a second dialer that goes away.
const HEAD_START: Duration = Duration::from_millis(250);

/// How often the browser is asked what it sent and received: no event tells.
const LOOK: Duration = Duration::from_millis(200);

/// What silence comes to where the browser refuses version 1.
const VERSION_2_ALONE: &str = "version 2 was asked and not answered; version 1 could not be asked here";

/// Where to dial, which certificate has to be there, and what has been seen of it.
pub(super) struct Race {
    remote: SocketAddr,
    fingerprint: Fingerprint,
    seen: Rc<Seen>,
}

/// What is known when the time ends.
pub(super) struct Seen {
    /// Of each version.
    stats: [RefCell<Stats>; 2],
    refused: Cell<bool>,
    watch: Watch,
}

impl Seen {
    /// What silence means.
    pub(super) fn silence(&self) -> Cause {
        let stats = || self.stats.iter().map(RefCell::borrow);
        let some = |number: Option<f64>| number.is_some_and(|number| number > 0.0);
        if stats().any(|stats| some(stats.received)) {
            return Cause::TimedOut;
        }
        // A listener of version 1 alone does not answer version 2, and it could not be asked.
        if self.refused.get() {
            return Cause::IceCredentialsRefused;
        }
        // Where the browser sent nothing, or does not tell, silence says nothing about the peer.
        if stats().any(|stats| some(stats.sent) || (stats.pairs && stats.sent.is_none())) {
            Cause::UdpSilent
        } else {
            self.watch.or(Cause::Opaque)
        }
    }

    fn note(&self, version: Version, stats: Stats) {
        let [first, second] = &self.stats;
        let place = if version == Version::V1 { first } else { second };
        // At its end a browser forgets what it had counted.
        if stats.pairs {
            place.replace(stats);
        }
    }
}

impl Race {
    pub(super) fn new(remote: SocketAddr, fingerprint: Fingerprint, watch: Watch) -> Self {
        let seen = Seen { stats: Default::default(), refused: Cell::default(), watch };
        Self { remote, fingerprint, seen: Rc::new(seen) }
    }

    /// The same to a server with another certificate.
    pub(super) fn of(&self, fingerprint: Fingerprint) -> Self {
        Self::new(self.remote, fingerprint, self.seen.watch.clone())
    }

    pub(super) fn seen(&self) -> Rc<Seen> {
        Rc::clone(&self.seen)
    }

    /// The first connection that an address answers on.
    pub(super) async fn run(&self, versions: Option<WebrtcVersions>) -> Result<Peer, Fault> {
        match versions {
            Some(WebrtcVersions::V1) => self.connect(Version::V1).await,
            Some(WebrtcVersions::V2) => self.connect(Version::V2).await,
            Some(WebrtcVersions::Both) | None => self.both().await,
        }
    }

    async fn both(&self) -> Result<Peer, Fault> {
        let mut newer = pin!(self.connect(Version::V2));
        let early = match select(newer.as_mut(), sleep(HEAD_START)).await {
            Either::Left((Ok(peer), _)) => return Ok(peer),
            Either::Left((Err(fault), _)) => Some(fault),
            Either::Right(_) => None,
        };
        let mut older = pin!(self.connect(Version::V1));
        if let Some(fault) = early {
            return older.await.map_err(|other| worse(fault, other));
        }
        // Polled first, the newer one wins where both answer at once.
        match select(newer.as_mut(), older.as_mut()).await {
            Either::Left((Ok(peer), _)) | Either::Right((Ok(peer), _)) => Ok(peer),
            Either::Left((Err(fault), older)) => older.await.map_err(|other| worse(fault, other)),
            Either::Right((Err(fault), newer)) => newer.await.map_err(|other| worse(other, fault)),
        }
    }

    pub(super) async fn connect(&self, version: Version) -> Result<Peer, Fault> {
        let dialed = Peer::dial(self.remote, version, &self.fingerprint).await;
        let peer = dialed.inspect_err(|fault| self.seen.refused.set(fault.cause == Cause::IceCredentialsRefused))?;
        loop {
            let state = match select(pin!(peer.until(Peer::ice)), sleep(LOOK)).await {
                Either::Left((state, _)) => state,
                Either::Right(_) => State::Pending,
            };
            if state == State::Done {
                return Ok(peer);
            }
            self.seen.note(version, peer.stats().await);
            if state == State::Over {
                let cause = self.seen.silence();
                let refused = cause == Cause::IceCredentialsRefused;
                return Err(Fault::new(cause, if refused { VERSION_2_ALONE } else { "the browser gave up" }));
            }
        }
    }
}

/// Of the failures of both versions the one that says more.
fn worse(newer: Fault, older: Fault) -> Fault {
    let silent = matches!(newer.cause, Cause::UdpSilent | Cause::Opaque);
    if silent && older.cause == Cause::IceCredentialsRefused { older } else { newer }
}
