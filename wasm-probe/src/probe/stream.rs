//! TCP and WebSocket over the JS transport.

use multiaddr::{Multiaddr, Protocol};
use p2p_probe::{
    engine::{Ctx, Fault},
    model::{Cause, Found, StageName, Transport},
    plan::{Host, Planned, Records},
    probe::Carrier,
    session::BoxedStream,
};

use crate::{JsTransport, permission::Watch};

/// A byte stream to what was planned.
pub(super) struct Stream<'a> {
    pub(super) transport: &'a JsTransport,
    pub(super) planned: &'a Planned,
    pub(super) watch: Watch,
}

impl Carrier for Stream<'_> {
    async fn open(&self, ctx: Option<&Ctx>) -> Result<BoxedStream, Fault> {
        let enter = |stage| ctx.inspect(|ctx| ctx.enter(stage));
        let found = |found| ctx.inspect(|ctx| ctx.found(found));
        let (stage, covers) = match self.planned.route.transport {
            Transport::Tcp => (StageName::Connect, None),
            Transport::Wss => (StageName::Upgrade, Some(vec![StageName::Connect, StageName::Tls])),
            _ => (StageName::Upgrade, Some(vec![StageName::Connect])),
        };
        let in_one_step = covers.is_some();
        enter(stage);
        found(Found { covers, ..Found::default() });
        let watch = self.watch.clone();
        ctx.inspect(|ctx| ctx.time_out_means(move || watch.or(Cause::TimedOut)));
        match self.transport.open(&address(self.planned).to_string(), name(self.planned)).await {
            Ok(connection) => {
                // Nothing else opens a WebSocket (RFC 6455, section 4.1).
                let status = in_one_step.then_some(101);
                found(Found { local: connection.local(), status, ..Found::default() });
                Ok(Box::new(connection))
            }
            Err(fault) => {
                if let Cause::HttpStatus { status, location } = &fault.cause {
                    found(Found { status: Some(*status), location: location.clone(), ..Found::default() });
                }
                // A reset that answers the first packet is `refused`. Any other came after the handshake.
                if fault.cause == Cause::Reset && !in_one_step {
                    enter(StageName::Secure);
                }
                Err(self.watch.explain(fault))
            }
        }
    }
}

/// The name that an IP address was looked up by, or stands for.
fn name(planned: &Planned) -> Option<&str> {
    match (&planned.route.sni, &planned.route.host) {
        (Some(sni), _) => Some(sni),
        (None, Host::Name(lookup)) if planned.ip.is_some() => Some(&lookup.name),
        (None, Host::Name(_) | Host::Ip(..)) => None,
    }
}

/// The address for the JS transport: what is to be connected to, with the name where that is not an address.
fn address(planned: &Planned) -> Multiaddr {
    let route = &planned.route;
    let host = match (&planned.ip, &route.host) {
        (Some(ip), _) | (None, Host::Ip(ip, _)) => Multiaddr::from(*ip),
        (None, Host::Name(lookup)) => Multiaddr::empty().with(match lookup.records {
            Records::V4 => Protocol::Dns4(lookup.name.as_str().into()),
            Records::V6 => Protocol::Dns6(lookup.name.as_str().into()),
            Records::Any | Records::Dnsaddr => Protocol::Dns(lookup.name.as_str().into()),
        }),
    };
    let zone = planned.zone.iter().map(|zone| Protocol::Ip6zone(zone.as_str().into()));
    let host: Multiaddr = zone.chain(host.iter()).collect();
    let address = host.with(Protocol::Tcp(route.port));
    let websocket = || Protocol::Ws(route.path.as_str().into());
    match (route.transport, name(planned)) {
        (Transport::Ws, _) => address.with(websocket()),
        (Transport::Wss, Some(name)) => address.with(Protocol::Tls).with(Protocol::Sni(name.to_owned().into())).with(websocket()),
        (Transport::Wss, None) => address.with(Protocol::Tls).with(websocket()),
        _ => address,
    }
}
