//! The runtime of a program of the operating system.

pub mod network;

use std::{
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::OnceLock,
    time::{Duration, Instant, SystemTime},
};

use futures::future::LocalBoxFuture;
use libp2p_identity::Keypair;

use crate::{
    engine::{Ctx, Fault, LookedUp, Runtime},
    model::{Fact, Options, RuntimeKind, Stamp, Transport},
    plan::{Capabilities, Lookup, Planned},
    probe::{self, dns::Dns},
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
    bind: Option<IpAddr>,
    identity: OnceLock<Keypair>,
}

impl Native {
    /// The transports that can be dialed.
    pub const TRANSPORTS: [Transport; 4] = [Transport::Tcp, Transport::Quic, Transport::Ws, Transport::Wss];

    /// A runtime with these settings. It has to be used inside a Tokio runtime.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let identity = settings.identity.map_or_else(OnceLock::new, OnceLock::from);
        Self { shared: Rc::new(Shared { origin: now(), dns: Dns::new(settings.resolver), bind: settings.bind, identity }) }
    }

    /// The address to dial from.
    #[must_use]
    pub fn bind(&self) -> Option<IpAddr> {
        self.shared.bind
    }

    /// The identity to dial with. A key is made when it is first needed.
    #[must_use]
    pub fn identity(&self) -> &Keypair {
        self.shared.identity.get_or_init(Keypair::generate_ed25519)
    }

    /// Time since this runtime was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        now().saturating_duration_since(self.shared.origin)
    }
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

/// Ends after `span`.
#[expect(clippy::disallowed_methods, reason = "this is the runtime that sleeps")]
pub async fn sleep(span: Duration) {
    tokio::time::sleep(span).await;
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
        let families = network::families().into_iter().map(|(family, _)| family).collect();
        Capabilities { transports: Self::TRANSPORTS.to_vec(), otherwise: None, families: Some(families) }
    }

    fn local_network(&self) -> Option<Fact> {
        Some(network::fact())
    }

    fn look_up(&self, lookup: Lookup) -> LocalBoxFuture<'static, LookedUp> {
        let this = self.clone();
        Box::pin(async move { this.shared.dns.look_up(&lookup).await })
    }

    fn probe(&self, ctx: Ctx, planned: Rc<Planned>, options: Rc<Options>) -> LocalBoxFuture<'static, Result<(), Fault>> {
        let this = self.clone();
        Box::pin(async move { probe::dial(&this, &ctx, &planned, &options).await })
    }
}
