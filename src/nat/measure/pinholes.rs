//! Has the router open its IPv6 firewall for the ports under test, where the tests have shown that strangers are kept out.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use futures::future::{Either, join, select};

use super::{
    family::Family,
    order::{UnderTest, address},
};
use crate::{
    engine::Runtime as _,
    fault::Fault,
    model::{self, Filtering, Gateway, Layer4, NatFound, NatStatus, Outcome, PortMapping, Scope, WhyCode},
    nat::{
        dialback::By,
        gateway::{
            Lease,
            firewall::{self, Control},
            pinhole::{self, Door, Opened},
        },
    },
    native::network,
};

/// The time for both ports and the dials through the holes.
const TESTS: Duration = Duration::from_secs(4);
/// What is left of the run's time for closing them.
const REMOVAL: Duration = Duration::from_millis(1300);

/// By whom the firewall is opened.
enum Opener {
    Pcp(Door),
    Upnp(Control),
}

impl Opener {
    async fn open(&self, family: &Family<'_>, layer: Layer4, port: u16) -> (Result<Opened, Fault>, Option<Lease>) {
        let farewells = family.native.farewells();
        match self {
            Self::Pcp(door) => pinhole::open(*door, layer, port, farewells).await,
            Self::Upnp(control) => control.open(layer, port, farewells).await,
        }
    }
}

/// What came of one port.
struct Tried {
    layer: Layer4,
    asked: Result<Opened, Fault>,
    verified: Option<bool>,
}

/// The router of IPv6, as far as it can be asked.
pub(super) struct Router {
    door: Door,
    pcp: Result<(), Fault>,
    upnp: Result<Control, Fault>,
}

/// Looks for it while the tests run. Where they show that nothing is to be opened it is left alone.
pub(super) async fn find(family: &Family<'_>) -> Option<Router> {
    let door = network::door().filter(|door| family.asks_router() && Scope::of_ip(door.own.into()) == Scope::Public)?;
    let looking = async {
        let (pcp, upnp) = Box::pin(join(pinhole::find(door), firewall::find(door))).await;
        Router { door, pcp, upnp }
    };
    let needless = async {
        family.ended().await;
        if firewalled(family).is_some() {
            std::future::pending::<()>().await;
        }
    };
    match select(pin!(looking), pin!(needless)).await {
        Either::Left((router, _)) => Some(router),
        Either::Right(_) => None,
    }
}

/// How UDP and TCP are filtered, where strangers are kept out.
fn firewalled(family: &Family<'_>) -> Option<[Filtering; 2]> {
    family.notes.report(|report| {
        let nat = report.nat.as_ref()?.ipv6.as_ref()?;
        (nat.status == NatStatus::Firewalled).then_some([nat.udp.filtering, nat.tcp.filtering])
    })
}

/// Opens, dials and closes, once the tests are over.
pub(super) async fn test(family: &Family<'_>, router: Router, udp: Option<&impl UnderTest>, tcp: Option<&impl UnderTest>) {
    let Some([of_udp, of_tcp]) = firewalled(family) else { return };
    let left = family.until().saturating_sub(family.native.now());
    let Some(budget) = left.checked_sub(REMOVAL) else { return };
    let Router { door, pcp, upnp } = router;
    let openers = [(Gateway::Upnp, upnp.map(Opener::Upnp)), (Gateway::Pcp, pcp.map(|()| Opener::Pcp(door)))];
    // One after the other: they are one and the same firewall.
    let all = async {
        for (protocol, opener) in openers {
            let trying = async {
                let tried = match opener {
                    Ok(by) => join(open(family, &by, udp, of_udp), open(family, &by, tcp, of_tcp)).await.into(),
                    Err(fault) => [Some(Tried { layer: Layer4::Udp, asked: Err(fault), verified: None }), None],
                };
                told(family, protocol, door, tried.into_iter().flatten().collect());
            };
            select(pin!(trying), family.native.sleep(family.over_the_line(TESTS))).await;
        }
    };
    select(pin!(all), family.native.sleep(budget)).await;
    // What was left in the middle.
    family.native.farewells().say().await;
}

async fn open<S: UnderTest>(family: &Family<'_>, by: &Opener, socket: Option<&S>, filtering: Filtering) -> Option<Tried> {
    let socket = socket?;
    let (asked, lease) = by.open(family, S::LAYER, socket.port()).await;
    let verified = match &asked {
        // Helpers were sent to by now: what they send comes through any firewall but one that knows ports.
        Ok(opened) if filtering == Filtering::AddressAndPortDependent => verify(family, socket, *opened).await,
        _ => None,
    };
    if let Some(lease) = lease {
        lease.end().await;
    }
    Some(Tried { layer: S::LAYER, asked, verified })
}

/// Whether a dial from outside comes through; none where nobody dials.
async fn verify(family: &Family<'_>, socket: &impl UnderTest, opened: Opened) -> Option<bool> {
    let to = SocketAddr::new(IpAddr::V6(opened.address), opened.port);
    let sees = |info: &super::vantage::Helper| info.observed.ip() == to.ip();
    let helper = family.helpers().find(|helper| helper.helper.as_ref().is_some_and(sees))?;
    match &socket.packets(helper, By::You, to).await.arrived {
        Outcome::Passed => Some(true),
        Outcome::Failed { cause } if !cause.is_ours() => Some(false),
        _ => None,
    }
}

fn told(family: &Family<'_>, protocol: Gateway, door: Door, ports: Vec<Tried>) {
    let unknown = Outcome::unknown(WhyCode::NotReached);
    let mut told = PortMapping { family: model::Family::Ipv6, ..PortMapping::new(protocol, unknown) };
    let verified: Vec<bool> = ports.iter().filter_map(|port| port.verified).collect();
    told.verified = (!verified.is_empty()).then(|| verified.contains(&true));
    let mut refused = None;
    for port in ports {
        match port.asked {
            Ok(Opened { port: outside, address: ip }) => {
                let opened = address(port.layer, SocketAddr::new(ip.into(), outside)).to_string();
                told.blocked.extend((port.verified == Some(false)).then(|| opened.clone()));
                told.mapped.push(opened);
                told.external = Some(ip.to_string());
                told.outcome = Outcome::Passed;
            }
            Err(fault) => refused = refused.or(Some(fault)),
        }
    }
    if let Some(Fault { cause, message }) = refused.filter(|_| !told.outcome.passed()) {
        (told.outcome, told.message) = (Outcome::failed(cause), message);
    }
    let silent = matches!(told.outcome.cause(), Some(model::Cause::NoGateway));
    told.gateway = (!silent).then(|| door.router.ip().to_string());
    family.notes.found(NatFound::PortMapping(told));
}
