//! Measures the own network: connections to vantage points, sockets under test, and the order of the tests on each.
//!
//! The vantage points are dialed as the attempts of a run, so that whatever keeps them away is told as for any dial. Each is
//! then asked over that connection, which has a port of its own: the sockets under test have sent nothing by then. On each
//! of them, one for each family and protocol:
//!
//! 1. The socket sends to one vantage point, and learns its outside address.
//! 2. Strangers, to which it has not sent, send to that address from fresh ports; so does the one that it has sent to. The
//!    order matters: a NAT may change the mapping once a stranger's port is sent to that had sent before.
//! 3. Only then it sends to the others, and to a second port of the first.
//! 4. It sends to its own outside address.
//! 5. Behind a NAT over IPv4, gateways of the own network are asked to map it, see `gateways`; behind a firewall over IPv6 the
//!    router is asked to open it, see `pinholes`.
//!
//! The sockets under test are asked about as TCP and QUIC alone. NATs and firewalls know UDP and TCP ports and not what is spoken
//! on them, so that WebSocket on the same TCP port, or webrtc-direct on the same UDP port, would get the same answer at the price
//! of another question; servers answer a few in a minute. Whether a node serves them is another matter, and is asked of the node:
//! [`Tests::check`] has every transport of it dialed, to the last stage.
//!
//! From a network that has IPv6 alone, peers of IPv4 are asked through its translator (NAT64), where there is one: the sockets
//! under test are of IPv6 then, and what is told of them is of IPv4, see `nat64::Way`.
//!
//! AutoNAT servers of other implementations dial the outside address beside all that, as strangers where they can be: the
//! socket sends to such a peer only when it has answered. What one has answered in version 2 it is asked in version 1 when all
//! else is done.

mod aside;
mod asked;
mod check;
mod doubt;
mod family;
mod foreign;
mod gateways;
mod gather;
mod lending;
mod listener;
mod nat64;
mod order;
mod pinholes;
mod question;
mod reserve;
mod servers;
mod strangers;
mod tcp;
#[cfg(test)]
mod tests;
mod turns;
mod udp;
mod vantage;

use std::{net::SocketAddr, pin::pin, rc::Rc, time::Duration};

use futures::{
    channel::{mpsc::unbounded, oneshot},
    future::{FutureExt as _, OptionFuture, join, join_all, join4, pending, ready, select},
};
use multiaddr::Multiaddr;
use tokio::sync::watch;

use crate::{
    engine::{self, Events, Job, Notes},
    model::{Family, Options, Source, Target, TargetKind},
    native::Native,
};
use family::Family as Measured;
use lending::Lending;
use nat64::Way;
pub use servers::Server;

/// The time for a whole run: what is known by then is told.
pub const DEADLINE: Duration = Duration::from_secs(15);
/// The time for the connection to one vantage point.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// The end of a run, in which what is still missing is told to be.
const END: Duration = Duration::from_millis(300);

/// What is to be measured, and from where.
#[derive(Clone, Debug, Default)]
pub struct Tests {
    /// STUN servers that serve as further vantage points.
    pub stun: Vec<Server>,
    /// The ports to test, where they are fixed: TCP or QUIC.
    pub listen: Vec<Multiaddr>,
    /// A running node that vantage points are to dial: its addresses, of which the IP part does not matter.
    pub check: Vec<Multiaddr>,
    /// Whether gateways are left alone: not asked whether they map a port.
    leave_gateways: bool,
    /// Where the servers are. Known once the run has begun.
    servers: Vec<SocketAddr>,
    /// When the last answer has to be there, by the runtime's clock. Set when the run begins.
    until: Duration,
}

impl Tests {
    /// Those of ports and nodes of the user's.
    #[must_use]
    pub fn new(stun: Vec<Server>, listen: Vec<Multiaddr>, check: Vec<Multiaddr>) -> Self {
        Self { stun, listen, check, ..Self::default() }
    }

    /// Whether gateways are left alone: not asked whether they map a port.
    #[must_use]
    pub fn leave_gateways(self, leave_gateways: bool) -> Self {
        Self { leave_gateways, ..self }
    }
}

/// Measures the own network from these vantage points.
pub fn run(
    native: Native,
    via: Vec<Multiaddr>,
    tests: Tests,
    options: Options,
    stop: impl Future<Output = ()> + 'static,
) -> Events {
    let input = via.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let target = Target { kind: TargetKind::Network, input, peer: None };
    beside(native, Job { target, addresses: via, source: Source::Target, options }, tests, stop)
}

/// Does a job, and measures the own network from the peers that it reaches.
pub fn beside(native: Native, job: Job, tests: Tests, stop: impl Future<Output = ()> + 'static) -> Events {
    let (lent, vantages) = unbounded();
    let (done, ended) = oneshot::channel();
    let wanted = job.addresses.len();
    let until = (native.elapsed() + Duration::from(job.options.deadline_ms)).saturating_sub(END);
    let tests = Tests { until, ..tests };
    let runtime = Lending::new(native.clone(), lent, ended.shared());
    engine::run_with(Rc::new(runtime), job, stop, move |notes| async move {
        let mut vantages = gather::Gathering::new(native.clone(), notes.clone(), vantages, wanted);
        measure(&native, &notes, &mut vantages, &tests).await;
        // The vantage points are let go.
        drop(done);
    })
}

async fn measure(native: &Native, notes: &Notes, vantages: &mut gather::Gathering, tests: &Tests) {
    notes.found(family::local());
    // What is seen of IPv4 from here is seen through it.
    let translated = nat64::is_needed(native);
    let way = if translated { nat64::way(native, notes).await } else { Way::default() };
    let (named, servers) = join(vantages.named(way), servers::sockets(native, notes, &tests.stun)).await;
    let tests = &Tests { servers, ..tests.clone() };
    let aside = vantages.aside(&named);
    // A family is tested as soon as all its vantage points are there; the other one may lead nowhere.
    let waited_for = aside.families();
    let late = aside.all(named.clone()).boxed_local().shared();
    let known =
        |family| if waited_for.contains(&family) { late.clone().left_future() } else { ready(named.clone()).right_future() };
    let (at_work, others) = watch::channel(());
    let measured = join_all([Family::Ipv4, Family::Ipv6].map(|family| {
        let known = known(family);
        let (at_work, others) = (at_work.clone(), others.clone());
        async move {
            let known = known.await;
            let way = if family == Family::Ipv4 { way } else { Way::default() };
            let family = Measured::new(native, notes, (family, way), &known, tests);
            Box::pin(family.measure(at_work, others)).await;
        }
    }));
    drop(at_work);
    let checks = join_all(tests.check.iter().map(|address| {
        let known = known(check::family(address));
        async move { check::check(native, notes, &known.await, address).await }
    }));
    // Told in any case, also where no test waits for it.
    let told = late.clone().map(drop);
    let tests = pin!(join4(measured, checks, reserve::slots(native, notes, &named, tests.until), told));
    // A name server that is silent holds nothing up.
    let looking = if translated { None } else { Some(nat64::look(native, notes)) };
    let beside = pin!(OptionFuture::from(looking));
    let work = pin!(select(tests, beside.then(|_| pending::<()>())));
    // Connections made here move only while they are polled.
    vantages.driving(work).await;
}
