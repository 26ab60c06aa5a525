//! From connections to vantage points.

use std::{
    net::SocketAddr,
    pin::{Pin, pin},
    rc::Rc,
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    channel::mpsc::UnboundedReceiver,
    future::{LocalBoxFuture, join_all},
    select_biased,
    stream::FuturesUnordered,
};
use multiaddr::Multiaddr;

use super::{
    aside::Aside,
    asked,
    lending::Lent,
    nat64::Way,
    turns::Turns,
    vantage::{Helper, Vantage},
};
use crate::{
    engine::{Notes, Runtime as _},
    model::{Attempt, NatFound, Outcome, Transport, VantageKind, VantageSeen, ip_of},
    nat::dialback,
    native::Native,
};

/// How long others are waited for once one vantage point is there, at the least: the tests need them all, but not at any price.
const OTHERS: Duration = Duration::from_millis(1500);
/// How much longer they may take than the first did.
const TIMES: u32 = 4;
/// How often it is looked whether somebody is still to come: who fails says nothing.
const LOOK: Duration = Duration::from_millis(50);
/// How long a vantage point may take to say what it is, and how often it is asked: one that is busy is not taken for less than it
/// is, since its dials would then count as those of a stranger that they are not.
const INFO: Duration = Duration::from_secs(2);
const ASKED: usize = 2;
/// Vantage points that are used. Five hosts tell as much as fifty.
const MOST: usize = 8;

/// The connections of a run, and those made beside it.
pub(super) struct Gathering {
    native: Native,
    notes: Notes,
    lent: UnboundedReceiver<Lent>,
    /// How many addresses were named.
    wanted: usize,
    /// How those of IPv4 are reached.
    way: Way,
    /// When the run began, by its clock, and how long it took until all that are known were there.
    began: Duration,
    took: Duration,
    beside: FuturesUnordered<LocalBoxFuture<'static, ()>>,
}

impl Gathering {
    pub(super) fn new(native: Native, notes: Notes, lent: UnboundedReceiver<Lent>, wanted: usize) -> Self {
        let began = native.now();
        let way = Way::default();
        Self { native, notes, lent, wanted, way, began, took: Duration::ZERO, beside: FuturesUnordered::new() }
    }

    /// The vantage points that can be reached in time, over the families in which they were named. Those behind a translator are
    /// vantage points of IPv4.
    pub(super) async fn named(&mut self, way: Way) -> Vec<Vantage> {
        self.way = way;
        let mut known: Vec<Vantage> = Vec::new();
        for lent in self.arrived().await {
            learn(&self.notes, &mut known, &lent, way);
        }
        known.truncate(MOST);
        let asking = introduced(&self.native, &self.notes, known);
        driven(&mut self.beside, pin!(asking)).await
    }

    /// Begins to reach them over the other families. It goes on while the run is [driven](Self::driving).
    pub(super) fn aside(&mut self, known: &[Vantage]) -> Aside {
        let (aside, connections) = Aside::begin(&self.native, &self.notes, known, self.way, self.took);
        self.beside.extend(connections);
        aside
    }

    /// Polls the connections made beside the run while `work` is done.
    pub(super) async fn driving<F: Future>(&mut self, work: Pin<&mut F>) -> F::Output {
        driven(&mut self.beside, work).await
    }

    async fn arrived(&mut self) -> Vec<Lent> {
        let mut all = Vec::new();
        let mut enough = pin!(futures::future::Fuse::terminated());
        while !self.settled(all.len()) {
            select_biased! {
                lent = self.lent.select_next_some() => {
                    self.took = self.native.now().saturating_sub(self.began);
                    if all.is_empty() {
                        enough.set(self.native.sleep(OTHERS.max(TIMES * self.took)).fuse());
                    }
                    all.push(lent);
                }
                () = enough => break,
                () = self.native.sleep(LOOK).fuse() => {}
            }
        }
        while let Ok(lent) = self.lent.try_recv() {
            all.push(lent);
        }
        // As they were named, so that who is asked first is not a matter of chance.
        all.sort_by_cached_key(|lent| self.place(lent));
        all
    }

    /// Where a vantage point stands among the addresses of the run.
    fn place(&self, lent: &Lent) -> Option<usize> {
        self.notes.report(|report| report.attempts.iter().position(|attempt| attempt.peer() == Some(lent.peer.as_str())))
    }

    /// Whether every attempt has ended one way or the other.
    fn settled(&self, arrived: usize) -> bool {
        self.notes.report(|report| {
            let mut named: Vec<&str> = report.attempts.iter().map(|attempt| attempt.address.as_str()).collect();
            named.dedup();
            let open = |outcome: &Outcome| matches!(outcome, Outcome::Unknown { .. });
            let over = report.attempts.iter().all(|attempt| attempt.elapsed_ms.is_some() || !open(&attempt.outcome));
            // Behind a relay nobody is a vantage point.
            let lends = |attempt: &&Attempt| attempt.outcome.passed() && attempt.transport != Some(Transport::Relay);
            let passed = report.attempts.iter().filter(lends).count();
            named.len() >= self.wanted && over && passed <= arrived
        })
    }
}

/// Adds what a connection leads to: a vantage point, or another address of one that is known.
pub(super) fn learn(notes: &Notes, known: &mut Vec<Vantage>, lent: &Lent, way: Way) {
    let ip = way.from(SocketAddr::new(lent.ip, 0)).ip();
    let (addresses, protocols, seen) = notes.report(|report| {
        let attempts = report.attempts.iter().filter(|attempt| attempt.peer() == Some(lent.peer.as_str()));
        let dialed = attempts.clone().filter_map(|attempt| attempt.remote.as_deref()?.parse().ok());
        let dialed = dialed.map(|address: Multiaddr| way.0.and_then(|way| way.untranslated(&address)).unwrap_or(address));
        let found = attempts.flat_map(|attempt| &attempt.stages).filter_map(|stage| stage.found.observed.as_deref());
        let seen: Vec<Multiaddr> = found.filter_map(|address| address.parse().ok()).collect();
        let peer = report.peers.iter().find(|peer| peer.id == lent.peer);
        let announced = peer.iter().flat_map(|peer| peer.announced.iter().filter_map(|known| known.address.parse().ok()));
        let addresses: Vec<Multiaddr> = dialed.chain(announced).collect();
        (addresses, peer.map(|peer| peer.protocols.clone()).unwrap_or_default(), seen)
    });
    let seen = seen.iter().filter_map(|address| Some(ip_of(address)?.to_canonical()));
    if known.iter().any(|vantage| vantage.name == lent.peer && vantage.ip.is_ipv4() == ip.is_ipv4()) {
        return;
    }
    let turns = known.iter().find(|vantage| vantage.name == lent.peer).map(|vantage| Rc::clone(&vantage.turns));
    let mut vantage = Vantage {
        name: lent.peer.clone(),
        ip,
        opener: lent.opener.clone(),
        observed: seen.into_iter().find(|seen| seen.is_ipv4() == ip.is_ipv4()),
        turns: turns.unwrap_or_else(|| Rc::new(Turns::new())),
        protocols,
        tcp: Vec::new(),
        ws: Vec::new(),
        quic: Vec::new(),
        helper: None,
    };
    for address in &addresses {
        vantage.learn(address);
    }
    known.push(vantage);
}

/// Vantage points that have said what they are. Each is told.
pub(super) async fn introduced(native: &Native, notes: &Notes, mut all: Vec<Vantage>) -> Vec<Vantage> {
    let helpers = join_all(all.iter().map(|vantage| who(native, vantage))).await;
    for (vantage, helper) in all.iter_mut().zip(helpers) {
        vantage.helper = helper;
        notes.found(NatFound::Vantage(told(vantage)));
    }
    all
}

/// Polls connections while `work` is done.
async fn driven<F: Future>(beside: &mut FuturesUnordered<LocalBoxFuture<'static, ()>>, work: Pin<&mut F>) -> F::Output {
    let mut work = work.fuse();
    loop {
        select_biased! {
            done = work => return done,
            () = beside.select_next_some() => {}
        }
    }
}

/// What a helper says of itself; none where the vantage point is no helper.
async fn who(native: &Native, vantage: &Vantage) -> Option<Helper> {
    if !vantage.speaks(dialback::PROTOCOL) {
        return None;
    }
    for _ in 0..ASKED {
        let helper = asked::info(native, &vantage.opener, INFO).await;
        if helper.is_some() {
            return helper;
        }
    }
    tracing::warn!(vantage = vantage.name, "a helper does not say what it is");
    None
}

fn told(vantage: &Vantage) -> VantageSeen {
    let layer = vantage.tcp.first().map(|tcp| ("tcp", tcp.port())).or(vantage.quic.first().map(|quic| ("udp", quic.port())));
    let family = if vantage.ip.is_ipv4() { "ip4" } else { "ip6" };
    let port = layer.map_or_else(String::new, |(layer, port)| format!("/{layer}/{port}"));
    let ip = vantage.sees_us_at();
    VantageSeen {
        vantage: vantage.name.clone(),
        kind: if vantage.helper.is_some() { VantageKind::Helper } else { vantage.kind() },
        address: format!("/{family}/{}{port}", vantage.ip),
        observed: ip.map(|ip| format!("/{}/{ip}", if ip.is_ipv4() { "ip4" } else { "ip6" })),
        offers: vantage.offers(),
        cause: None,
    }
}
