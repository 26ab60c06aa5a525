//! Has gateways of the own network map the ports under test: looked for while the tests run, asked when these are over, since a
//! mapping changes what the tests would see.

use std::{
    cell::Cell,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    pin::pin,
    time::Duration,
};

use futures::future::{join, join_all, select};

use super::{
    family::Family,
    order::{UnderTest, address},
    vantage::Vantage,
};
use crate::{
    engine::Runtime as _,
    fault::Fault,
    model::{Cause, Gateway, Layer4, NatFound, Outcome, PortMapping, Scope, WhyCode},
    nat::{
        dialback::By,
        gateway::{self, Failed, Found, Granted, Here, Wish},
    },
    native::network,
};

/// The time for the mappings of one protocol and the dials through them, over a short line.
const TESTS: Duration = Duration::from_secs(4);
/// What is left of the run's time for removing mappings.
const REMOVAL: Duration = Duration::from_millis(1300);
/// Outside ports to ask for: above those of services, below those that systems give to connections.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The gateways of the own network.
pub(super) struct Gateways<'a> {
    family: &'a Family<'a>,
    /// The outside port asked for: none that the NAT gives by itself, so that what comes in came through the mapping.
    external: u16,
    /// Whether a dial of UDP and of TCP did not arrive through a mapping: another would not either, and costs its time.
    shut: [Cell<bool>; 2],
}

/// What came of one port.
struct Mapped {
    layer: Layer4,
    asked: Result<Granted, Fault>,
    verified: Option<bool>,
}

impl<'a> Gateways<'a> {
    pub(super) fn new(family: &'a Family<'a>) -> Self {
        Self { family, external: rand::random_range(PORTS), shut: Default::default() }
    }

    /// Those that answer, with what they tell before anything is mapped.
    pub(super) async fn find(&self) -> Vec<(Gateway, Found)> {
        if !self.family.translated().await {
            return Vec::new();
        }
        let here = network::here();
        // PCP before what it succeeds.
        let all = [Gateway::Upnp, Gateway::Pcp, Gateway::NatPmp].map(|protocol| self.look(here, protocol));
        join_all(all).await.into_iter().flatten().collect()
    }

    async fn look(&self, here: Option<Here>, protocol: Gateway) -> Option<(Gateway, Found)> {
        let found = match here {
            Some(here) => gateway::find(here, protocol).await,
            None => Err(Failed { gateway: None, fault: Cause::NoGateway.into() }),
        };
        match found {
            Ok(found) => {
                self.told(known(protocol, &found));
                Some((protocol, found))
            }
            Err(Failed { gateway, fault: Fault { cause, message } }) => {
                // That nobody answers needs no words.
                let message = message.filter(|_| cause != Cause::NoGateway);
                let outcome = Outcome::failed(cause);
                let gateway = gateway.map(|ip| ip.to_string());
                self.told(PortMapping { gateway, message, ..PortMapping::new(protocol, outcome) });
                None
            }
        }
    }

    /// Has each of them map the ports, one after the other: they are often one and the same.
    pub(super) async fn test(&self, found: Vec<(Gateway, Found)>, udp: Option<&impl UnderTest>, tcp: Option<&impl UnderTest>) {
        let left = self.family.until().saturating_sub(self.family.native.now());
        let Some(budget) = left.checked_sub(REMOVAL).filter(|_| !found.is_empty()) else { return };
        // Over a slow line one dial takes longer, and the other protocols are still to be asked.
        let tests = self.family.over_the_line(TESTS);
        let all = async {
            for (protocol, found) in found {
                let mapping = async {
                    let mapped = join(self.map(&found, udp), self.map(&found, tcp)).await;
                    self.ended(protocol, &found, [mapped.0, mapped.1].into_iter().flatten().collect());
                };
                select(pin!(mapping), self.family.native.sleep(tests)).await;
            }
        };
        select(pin!(all), self.family.native.sleep(budget)).await;
        // What was left in the middle.
        self.family.native.farewells().say().await;
    }

    /// Maps a port, has it dialed from outside, and removes the mapping.
    async fn map<S: UnderTest>(&self, found: &Found, socket: Option<&S>) -> Option<Mapped> {
        let socket = socket?;
        let IpAddr::V4(own) = network::here()?.own.into() else { return None };
        let local = SocketAddrV4::new(own, socket.port());
        let wish = Wish { layer: S::LAYER, local, external: self.external };
        let (mut asked, mut leases) = found.portal.map(wish, self.family.native.farewells()).await;
        // A line that is shared gives each customer some ports, and refuses the others.
        if let (Err(Fault { cause: Cause::GatewayRefused { .. }, .. }), Some(external)) = (&asked, self.beside(S::LAYER)) {
            let (again, more) = found.portal.map(Wish { external, ..wish }, self.family.native.farewells()).await;
            leases.extend(more);
            // Of two refusals the first is told: it was for a port like any other.
            asked = again.or(asked);
        }
        let verified = match &asked {
            Ok(granted) => self.verify(socket, granted.external_port, granted.external.or(found.external)).await,
            Err(_) => None,
        };
        for lease in leases {
            lease.end().await;
        }
        Some(Mapped { layer: S::LAYER, asked, verified })
    }

    /// The neighbour of an outside port that the NAT gave by itself: where ports come in blocks (RFC 7597, section 5.1), it is in the
    /// same one.
    fn beside(&self, layer: Layer4) -> Option<u16> {
        self.family.notes.report(|report| {
            let seen = report.nat.as_ref()?.ipv4.as_ref()?;
            let behaviour = if layer == Layer4::Udp { &seen.udp } else { &seen.tcp };
            neighbour(behaviour.mapped.first()?.parse().ok()?)
        })
    }

    /// Whether a dial from outside comes through; none where nobody dials.
    async fn verify<S: UnderTest>(&self, socket: &S, port: u16, external: Option<Ipv4Addr>) -> Option<bool> {
        let [udp, tcp] = &self.shut;
        let shut = if S::LAYER == Layer4::Udp { udp } else { tcp };
        // A NAT may let the vantage point in by this number, mapping or not.
        if port == socket.port() || shut.get() {
            return None;
        }
        // One that sees the gateway's own address, or else any, where they agree on what they see.
        let sees = |helper: &&Vantage| external.is_some_and(|ip| outside(helper) == Some(ip.into()));
        let mut all = self.family.helpers();
        let agreed = || all.next().filter(|first| all.all(|other| outside(other) == outside(first)));
        let helper = self.family.helpers().find(sees).or_else(agreed)?;
        let seen_at = outside(helper)?;
        // A public address that nobody sees may be that of another line, which nobody is asked to dial.
        let elsewhere = external.is_some_and(|ip| seen_at != IpAddr::from(ip) && Scope::of_ip(ip.into()) == Scope::Public);
        let to = SocketAddr::new(seen_at, port);
        let packets = socket.packets(helper, By::You, to).await;
        let came = match &packets.arrived {
            Outcome::Passed => true,
            Outcome::Failed { cause } if !cause.is_ours() => false,
            _ => return None,
        };
        shut.set(shut.get() || !came);
        (came || !elsewhere).then_some(came)
    }

    fn ended(&self, protocol: Gateway, found: &Found, ports: Vec<Mapped>) {
        let verified: Vec<bool> = ports.iter().filter_map(|port| port.verified).collect();
        let mut told = known(protocol, found);
        told.verified = (!verified.is_empty()).then(|| verified.contains(&true));
        let mut refused = None;
        for port in ports {
            match port.asked {
                Ok(granted) => {
                    let external = granted.external.or(found.external);
                    told.external = external.map(|ip| ip.to_string());
                    let ip = external.map(IpAddr::V4).or_else(|| self.family.helpers().find_map(outside));
                    let mapped = ip.map(|ip| address(port.layer, SocketAddr::new(ip, granted.external_port)).to_string());
                    told.blocked.extend(mapped.clone().filter(|_| port.verified == Some(false)));
                    told.mapped.extend(mapped);
                    told.outcome = Outcome::Passed;
                }
                Err(fault) => refused = refused.or(Some(fault)),
            }
        }
        if let Some(Fault { cause, message }) = refused.filter(|_| !told.outcome.passed()) {
            (told.outcome, told.message) = (Outcome::failed(cause), message);
        }
        self.told(told);
    }

    fn told(&self, mapping: PortMapping) {
        self.family.notes.found(NatFound::PortMapping(mapping));
    }
}

/// A gateway that was found, and was not asked to map anything yet.
fn known(protocol: Gateway, found: &Found) -> PortMapping {
    PortMapping {
        gateway: Some(found.gateway.to_string()),
        external: found.external.map(|ip| ip.to_string()),
        ..PortMapping::new(protocol, Outcome::unknown(WhyCode::NotReached))
    }
}

/// The other port of a pair; none where that takes a privilege.
fn neighbour(outside: SocketAddr) -> Option<u16> {
    Some(outside.port() ^ 1).filter(|port| *port >= 1024)
}

/// The address that a helper dials: where it sees this machine.
fn outside(helper: &Vantage) -> Option<IpAddr> {
    helper.helper.as_ref().map(|helper| helper.observed.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_neighbours_in_pairs() {
        let table = [(4001, Some(4000)), (4000, Some(4001)), (65535, Some(65534)), (1024, Some(1025)), (1023, None), (0, None)];
        for (port, other) in table {
            assert_eq!(neighbour(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)), other, "{port}");
        }
    }
}
