//! Has the router open its IPv6 firewall for the ports under test, where the tests have shown that strangers are kept out.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use futures::future::{join, select};

use super::{
    family::Family,
    order::{UnderTest, address},
};
use crate::{
    engine::Runtime as _,
    fault::Fault,
    model::{self, Filtering, Gateway, Layer4, NatFound, NatStatus, Outcome, PortMapping, WhyCode},
    nat::{
        dialback::By,
        gateway::pinhole::{self, Door, Opened},
    },
    native::network,
};

/// The time for both ports and the dials through the holes.
const TESTS: Duration = Duration::from_secs(4);
/// What is left of the run's time for closing them.
const REMOVAL: Duration = Duration::from_millis(1300);

/// What came of one port.
struct Tried {
    layer: Layer4,
    asked: Result<Opened, Fault>,
    verified: Option<bool>,
}

/// Opens, dials and closes, once the tests are over.
pub(super) async fn test(family: &Family<'_>, udp: Option<&impl UnderTest>, tcp: Option<&impl UnderTest>) {
    let firewalled = family.notes.report(|report| {
        let nat = report.nat.as_ref()?.ipv6.as_ref()?;
        (nat.status == NatStatus::Firewalled).then_some([nat.udp.filtering, nat.tcp.filtering])
    });
    let (Some([of_udp, of_tcp]), Some(door)) = (firewalled, network::door()) else { return };
    let left = family.until().saturating_sub(family.native.now());
    let Some(budget) = left.checked_sub(REMOVAL) else { return };
    let both = async {
        let tried = join(open(family, door, udp, of_udp), open(family, door, tcp, of_tcp)).await;
        told(family, door, [tried.0, tried.1].into_iter().flatten().collect());
    };
    select(pin!(both), family.native.sleep(budget.min(TESTS))).await;
    // What was left in the middle.
    family.native.farewells().say().await;
}

async fn open<S: UnderTest>(family: &Family<'_>, door: Door, socket: Option<&S>, filtering: Filtering) -> Option<Tried> {
    let socket = socket?;
    let (asked, lease) = pinhole::open(door, S::LAYER, socket.port(), family.native.farewells()).await;
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

fn told(family: &Family<'_>, door: Door, ports: Vec<Tried>) {
    let unknown = Outcome::unknown(WhyCode::NotReached);
    let mut told = PortMapping { family: model::Family::Ipv6, ..PortMapping::new(Gateway::Pcp, unknown) };
    let verified: Vec<bool> = ports.iter().filter_map(|port| port.verified).collect();
    told.verified = (!verified.is_empty()).then(|| verified.iter().all(|came| *came));
    let mut refused = None;
    for port in ports {
        match port.asked {
            Ok(Opened { port: outside, address: ip }) => {
                told.mapped.push(address(port.layer, SocketAddr::new(ip.into(), outside)));
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
