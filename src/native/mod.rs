//! The runtime of a program of the operating system.

pub mod network;
pub(crate) mod port;
mod tunnel;

use std::{
    cell::OnceCell,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    time::{Duration, Instant, SystemTime},
};

use futures::future::LocalBoxFuture;
use libp2p_identity::Keypair;

use crate::{
    engine::{Ctx, Fault, LookedUp, Runtime},
    model::{Fact, Family, Options, RuntimeKind, Stamp, Transport},
    nat::gateway::Farewells,
    plan::{Capabilities, Lookup, Planned},
    probe::{self, Machine, dns::Dns},
    session::Clock,
};

/// What a user may set of the platform.
#[derive(Debug, Default)]
pub struct Settings {
    /// The DNS server to ask instead of the system's.
    pub resolver: Option<SocketAddr>,
    /// The address to dial from.
    pub bind: Option<IpAddr>,
    /// The identity to dial with; a fresh one is made when none is given.
    pub identity: Option<Keypair>,
}

/// Tokio, the sockets of the system and its clock.
#[derive(Clone, Debug)]
pub struct Native {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    origin: Instant,
    dns: Dns,
    machine: Machine,
    farewells: Farewells,
    /// What the own network has, looked at once: it is asked for at the start of a run, as capabilities and as an event.
    families: OnceCell<Vec<(Family, IpAddr)>>,
}

impl Native {
    /// The transports that can be dialed.
    pub const TRANSPORTS: [Transport; 6] =
        [Transport::Tcp, Transport::Quic, Transport::Ws, Transport::Wss, Transport::WebrtcDirect, Transport::Relay];

    /// A runtime with these settings. It has to be used inside a Tokio runtime.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let origin = now();
        let machine = Machine::new(clock(origin), settings.bind, settings.identity, network::zone_index);
        let (dns, farewells) = (Dns::new(settings.resolver), Farewells::default());
        Self { shared: Rc::new(Shared { origin, dns, machine, farewells, families: OnceCell::new() }) }
    }

    /// Time since this runtime was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        now().saturating_duration_since(self.shared.origin)
    }

    /// What probes use of this machine.
    pub(crate) fn machine(&self) -> &Machine {
        &self.shared.machine
    }

    /// What is to be done when a run was cut short.
    pub(crate) fn farewells(&self) -> &Farewells {
        &self.shared.farewells
    }

    /// Does what a run that was cut short left to be done, within a second or so: removes ports that gateways still map.
    pub async fn farewell(&self) {
        self.shared.farewells.say().await;
    }

    fn families(&self) -> &[(Family, IpAddr)] {
        self.shared.families.get_or_init(network::families)
    }

    /// The same clock, for a session.
    #[must_use]
    pub fn clock(&self) -> Clock {
        clock(self.shared.origin)
    }
}

/// Time since `origin`.
fn clock(origin: Instant) -> Clock {
    Clock::new(move || now().saturating_duration_since(origin).into(), |span| Box::pin(sleep(span)))
}

#[expect(clippy::disallowed_methods, reason = "this is the runtime that tells the time")]
fn now() -> Instant {
    Instant::now()
}

/// The time of day of this machine.
#[expect(clippy::disallowed_methods, reason = "this is the runtime that tells the time")]
#[must_use]
pub fn time_of_day() -> SystemTime {
    SystemTime::now()
}

/// Ends after `span`, however busy the task is that waits: outside Tokio's budget, which a peer that never stops sending
/// uses up in every turn, so that a timer polled after its bytes would never be looked at.
#[expect(clippy::disallowed_methods, reason = "this is the runtime that sleeps")]
pub async fn sleep(span: Duration) {
    tokio::task::unconstrained(tokio::time::sleep(span)).await;
}

impl Runtime for Native {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Native
    }

    fn now(&self) -> Duration {
        self.elapsed()
    }

    fn utc(&self) -> Stamp {
        Stamp::at(time_of_day())
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(sleep(span))
    }

    fn capabilities(&self) -> Capabilities {
        let families = self.families().iter().map(|(family, _)| *family).collect();
        Capabilities { transports: Self::TRANSPORTS.to_vec(), families: Some(families), ..Capabilities::default() }
    }

    fn local_network(&self) -> Option<Fact> {
        Some(network::fact(self.families()))
    }

    fn look_up(&self, lookup: Lookup) -> LocalBoxFuture<'static, LookedUp> {
        let this = self.clone();
        Box::pin(async move { this.shared.dns.look_up(&lookup).await })
    }

    fn probe(&self, ctx: Ctx, planned: Rc<Planned>, options: Rc<Options>) -> LocalBoxFuture<'static, Result<(), Fault>> {
        let this = self.clone();
        Box::pin(async move { probe::dial(&this.shared.machine, &ctx, &planned, &options).await })
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::future::select;

    use super::*;

    /// Uses up its task's budget in every turn, as reading from a peer does that never stops sending.
    async fn busy() {
        loop {
            tokio::task::consume_budget().await;
        }
    }

    #[tokio::test]
    async fn a_busy_peer_does_not_stop_the_clock() {
        select(pin!(busy()), pin!(sleep(Duration::from_millis(1)))).await;
    }
}
