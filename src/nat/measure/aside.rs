//! Vantage points over the family in which they were not named: who dials back dials only whom it sees.

use std::{net::IpAddr, time::Duration};

use futures::{
    FutureExt as _, StreamExt as _,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::{Either, LocalBoxFuture, select},
};
use multiaddr::Multiaddr;

use super::{
    gather::{introduced, learn},
    lending::Lent,
    nat64::Way,
    vantage::Vantage,
};
use crate::{
    engine::{Notes, Runtime as _},
    model::{Family, NatFound, Scope, Tested, Transport},
    nat::dialback,
    native::Native,
    plan::{self, Host, Parsed},
    probe,
    session::Session,
};

/// How long a vantage point may take to be reached over its other family, at the least: a SYN that is lost is sent again after one
/// second and after three. The tests of the family in which it was named go on meanwhile: a family that leads nowhere holds nothing up.
const ASIDE: Duration = Duration::from_millis(3500);
/// How much longer it may take than the slowest did over the family in which it was named.
const TIMES: u32 = 4;

/// A connection made beside the run.
type Connection = LocalBoxFuture<'static, ()>;

/// Connections that are being made.
pub(super) struct Aside {
    native: Native,
    notes: Notes,
    /// The families over which they are made.
    families: Vec<Family>,
    way: Way,
    reached: UnboundedReceiver<Lent>,
    /// How long they are waited for.
    patience: Duration,
}

impl Aside {
    /// Begins with all who dial back, and are not known over both families already. `took` is how long it took to reach those.
    pub(super) fn begin(native: &Native, notes: &Notes, known: &[Vantage], way: Way, took: Duration) -> (Self, Vec<Connection>) {
        let (sender, reached) = unbounded();
        let patience = ASIDE.max(TIMES * took);
        let mut aside = Self { native: native.clone(), notes: notes.clone(), families: Vec::new(), way, reached, patience };
        let mut connections = Vec::new();
        for vantage in known.iter().filter(|vantage| vantage.speaks(dialback::PROTOCOL) || vantage.asked_by_autonat()) {
            let both = known.iter().filter(|other| other.name == vantage.name).count() > 1;
            let other = aside.announced(&vantage.name).into_iter().find(|(ip, _)| ip.is_ipv4() != vantage.ip.is_ipv4());
            if let Some((ip, address)) = other.filter(|_| !both) {
                if !aside.families.contains(&family(ip)) {
                    aside.families.push(family(ip));
                }
                connections.push(connection(native.clone(), address, vantage.name.clone(), ip, sender.clone()));
            }
        }
        (aside, connections)
    }

    /// The families for which there is somebody to be waited for.
    pub(super) fn families(&self) -> Vec<Family> {
        self.families.clone()
    }

    /// All vantage points, those among them who were reached in time, each told once for each family.
    pub(super) async fn all(mut self, mut known: Vec<Vantage>) -> Vec<Vantage> {
        let lent = self.lent().await;
        for family in &self.families {
            let reached = lent.iter().any(|one| self::family(one.ip) == *family);
            let usable = if reached { Tested::Passed } else { Tested::Failed };
            self.notes.found(NatFound::Family { family: *family, usable });
        }
        let named = known.len();
        for one in &lent {
            learn(&self.notes, &mut known, one, self.way);
        }
        let others = known.split_off(named);
        known.extend(introduced(&self.native, &self.notes, others).await);
        known
    }

    async fn lent(&mut self) -> Vec<Lent> {
        let mut lent: Vec<Lent> = Vec::new();
        let mut over = self.native.sleep(self.patience).fuse();
        loop {
            match select(self.reached.next(), &mut over).await {
                Either::Left((Some(one), _)) => lent.push(one),
                // All have come, or the time is over.
                Either::Left((None, _)) | Either::Right(_) => return lent,
            }
        }
    }

    /// The public addresses that a peer announces, over TCP and QUIC, with a family that this machine has.
    fn announced(&self, peer: &str) -> Vec<(IpAddr, Multiaddr)> {
        let families = self.native.capabilities().families.unwrap_or_default();
        let announced = self.notes.report(|report| {
            let peer = report.peers.iter().find(|known| known.id == peer);
            peer.map(|peer| peer.announced.clone()).unwrap_or_default()
        });
        let usable = |address: String| -> Option<(IpAddr, Multiaddr)> {
            let address: Multiaddr = address.parse().ok()?;
            let Ok(Parsed::Route(route)) = plan::parse(&address) else { return None };
            let Host::Ip(ip, None) = route.host else { return None };
            let dialable = matches!(route.transport, Transport::Tcp | Transport::Quic);
            (dialable && Scope::of_ip(ip) == Scope::Public && families.contains(&family(ip))).then_some((ip, address))
        };
        announced.into_iter().filter_map(|announced| usable(announced.address)).collect()
    }
}

fn family(ip: IpAddr) -> Family {
    if ip.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
}

/// A connection that is lent once it stands. A family that does not lead there is one vantage point less.
fn connection(native: Native, address: Multiaddr, peer: String, ip: IpAddr, sender: UnboundedSender<Lent>) -> Connection {
    let connecting = async move {
        let lend = async |session: &Session, _| {
            // Nobody may be waiting any more.
            let _ = sender.unbounded_send(Lent { peer, ip, opener: session.opener() });
            drop(sender);
            session.serve().await;
            Ok(())
        };
        let _ = probe::lend_once(&native, native.machine().identity(), &address, lend).await;
    };
    connecting.boxed_local()
}
