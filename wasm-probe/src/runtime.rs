//! The engine's seam to a page or to Node.

use std::{fmt, net::IpAddr, rc::Rc, time::Duration};

use futures::future::LocalBoxFuture;
use p2p_probe::{
    engine::{Ctx, Fault, LookedUp, Runtime},
    model::{Cause, Fact, Family, Found, LocalAddress, Options, RuntimeKind, Stamp, Transport, WhyCode},
    plan::{Capabilities, Lookup, Planned},
    probe::Machine,
};

use crate::{
    JsTransport,
    names::Names,
    permission::{Permissions, Watch},
    platform, probe, webrtc, webtransport,
};

/// JS timers, and probes over the JS transport.
#[derive(Clone)]
pub struct Js(Rc<Shared>);

struct Shared {
    kind: RuntimeKind,
    transport: JsTransport,
    machine: Machine,
    names: Option<Names>,
    sources: Option<Vec<IpAddr>>,
    permissions: Rc<Permissions>,
}

impl Js {
    /// A runtime over a transport. `names` looks names up, where a program may do so; `sources` are addresses of this
    /// machine, one for each family, where they are known. `permissions` are what the browser says before the run.
    #[must_use]
    pub(crate) fn new(
        transport: JsTransport,
        names: Option<Names>,
        sources: Option<Vec<IpAddr>>,
        permissions: Permissions,
    ) -> Self {
        let (machine, permissions) = (Machine::new(platform::clock(), None, None, |_| None), Rc::new(permissions));
        Self(Rc::new(Shared { kind: platform::kind(), transport, machine, names, sources, permissions }))
    }
}

impl Shared {
    /// The address families of this machine, where they are known.
    fn families(&self) -> Option<Vec<Family>> {
        let family = |ip: &IpAddr| if ip.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
        Some(self.sources.as_ref()?.iter().map(family).collect())
    }
}

impl fmt::Debug for Js {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Js").field("kind", &self.0.kind).finish_non_exhaustive()
    }
}

impl Runtime for Js {
    fn kind(&self) -> RuntimeKind {
        self.0.kind
    }

    fn user_agent(&self) -> Option<String> {
        platform::user_agent()
    }

    fn now(&self) -> Duration {
        platform::now()
    }

    fn utc(&self) -> Stamp {
        platform::utc()
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(platform::sleep(span))
    }

    fn capabilities(&self) -> Capabilities {
        let mut transports = vec![Transport::Ws, Transport::Wss];
        if self.0.kind == RuntimeKind::Node {
            transports.insert(0, Transport::Tcp);
        }
        transports.extend(webrtc::is_here().then_some(Transport::WebrtcDirect));
        transports.extend(webtransport::is_here().then_some(Transport::Webtransport));
        Capabilities {
            transports,
            otherwise: Some(WhyCode::NotInThisRuntime),
            families: self.0.families(),
            hides_names: self.0.names.is_none(),
            needs_certhash: true,
            no_zones: self.0.kind == RuntimeKind::Browser,
            loaded: platform::loaded(),
        }
    }

    fn local_network(&self) -> Option<Fact> {
        let sources = self.0.sources.as_ref()?.iter().map(|ip| LocalAddress::new(*ip)).collect();
        Some(Fact::LocalNetwork { families: self.0.families()?, sources, udp_receive_buffer: None })
    }

    fn look_up(&self, lookup: Lookup) -> LocalBoxFuture<'static, LookedUp> {
        let this = self.clone();
        Box::pin(async move {
            match &this.0.names {
                Some(names) => names.look_up(&lookup).await,
                // Never asked: the plan leaves names to the platform.
                None => LookedUp { records: Err(Cause::NameLookupFailed { rcode: None }.into()), found: Found::default() },
            }
        })
    }

    fn probe(&self, ctx: Ctx, planned: Rc<Planned>, options: Rc<Options>) -> LocalBoxFuture<'static, Result<(), Fault>> {
        let this = self.clone();
        Box::pin(async move {
            let watch = Watch::of(&this.0.permissions, &planned);
            probe::dial(&this.0.transport, &this.0.machine, watch, &ctx, &planned, &options).await
        })
    }
}
