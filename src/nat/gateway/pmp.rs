//! PCP (RFC 6887) and NAT-PMP (RFC 6886): a datagram each way, to the router's port 5351.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU16,
    time::Duration,
};

use crab_nat::{
    GatewayAddress, InternetProtocol, PortMappingOptions, PortMappingType, TimeoutConfig, natpmp,
    pcp::{self, BaseMapRequest, DropMappingRange, Nonce},
};

use super::{
    Failed, Found, Granted, Here, LEASE_SECONDS, Lease, Portal, Wish,
    lease::{self, Farewells},
};
use crate::{
    fault::Fault,
    model::{Cause, Gateway, Layer4},
    probe::errors,
};

/// Asked three times within 1.4 s: the router is on the own network, and most routers speak neither.
const PATIENCE: TimeoutConfig =
    TimeoutConfig { initial_timeout: Duration::from_millis(200), max_retries: 2, max_retry_timeout: None };
/// A mapping that is not removed runs out soon: two tries within 0.6 s.
const REMOVAL: TimeoutConfig =
    TimeoutConfig { initial_timeout: Duration::from_millis(200), max_retries: 1, max_retry_timeout: None };
/// A port to ask about before there is one to be mapped.
const SOME_PORT: NonZeroU16 = NonZeroU16::MIN;

/// A router that speaks one of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pmp {
    here: Here,
    version: Version,
}

/// Which of the two.
#[derive(Clone, Copy, Debug)]
enum Version {
    NatPmp,
    /// Mappings are changed and removed by who knows this number.
    Pcp(Nonce),
}

/// A mapping to be removed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo {
    pmp: Pmp,
    protocol: InternetProtocol,
    internal: NonZeroU16,
}

impl Undo {
    pub(super) async fn run(self) {
        let Self { pmp, protocol, internal } = self;
        // A router that does not answer lets the lease run out.
        match pmp.version {
            Version::NatPmp => drop(natpmp::try_drop_mapping(pmp.router(), protocol, Some(internal), Some(REMOVAL)).await),
            Version::Pcp(nonce) => drop(remove(pmp.here, nonce, protocol, internal, REMOVAL).await),
        }
    }
}

/// Whether the router speaks this protocol.
pub(super) async fn find(here: Here, protocol: Gateway) -> Result<Found, Failed> {
    let version = if protocol == Gateway::Pcp { Version::Pcp(rand::random()) } else { Version::NatPmp };
    let pmp = Pmp { here, version };
    let told = match version {
        Version::NatPmp => {
            natpmp::external_address(pmp.router(), Some(PATIENCE)).await.map(Some).map_err(|error| of_natpmp(&error))
        }
        // To remove what is not there changes nothing, and is answered.
        Version::Pcp(nonce) => remove(here, nonce, InternetProtocol::Udp, SOME_PORT, PATIENCE).await.map(|()| None),
    };
    let external = match told {
        Ok(external) => external.filter(|ip| !ip.is_unspecified()),
        // A refusal is an answer: what it says of mappings is asked next.
        Err(Fault { cause: Cause::GatewayRefused { .. }, .. }) => None,
        // Most routers are silent about what they do not speak.
        Err(Fault { cause: Cause::TimedOut | Cause::Refused, .. }) => {
            return Err(Failed { gateway: None, fault: Cause::NoGateway.into() });
        }
        Err(fault) => {
            let answered = fault.cause != Cause::NoGateway;
            return Err(Failed { gateway: answered.then_some(here.gateway), fault });
        }
    };
    Ok(Found { portal: Portal::Pmp(pmp), gateway: here.gateway, external })
}

async fn remove(
    here: Here,
    nonce: Nonce,
    protocol: InternetProtocol,
    internal_port: NonZeroU16,
    patience: TimeoutConfig,
) -> Result<(), Fault> {
    let range = DropMappingRange::Single { protocol, internal_port };
    let removed = pcp::try_drop_mapping(here.gateway.into(), IpAddr::V4(here.own), nonce, range, Some(patience)).await;
    removed.map_err(|error| of_pcp(&error))
}

impl Pmp {
    fn router(&self) -> GatewayAddress {
        self.here.gateway.into()
    }

    pub(super) async fn map(&self, wish: Wish, farewells: &Farewells) -> (Result<Granted, Fault>, Vec<Lease>) {
        let Some(internal) = NonZeroU16::new(wish.local.port()) else { return (Err(Cause::Malformed.into()), Vec::new()) };
        let protocol = match wish.layer {
            Layer4::Udp => InternetProtocol::Udp,
            Layer4::Tcp => InternetProtocol::Tcp,
        };
        let options = PortMappingOptions {
            external_port: NonZeroU16::new(wish.external),
            lifetime_seconds: Some(LEASE_SECONDS),
            timeout_config: Some(PATIENCE),
        };
        let guard = Lease::new(lease::Undo::Pmp(Undo { pmp: *self, protocol, internal }), farewells);
        let mapped = match self.version {
            Version::NatPmp => {
                natpmp::port_mapping(self.router(), protocol, internal, options).await.map_err(|error| of_natpmp(&error))
            }
            Version::Pcp(nonce) => {
                let request = BaseMapRequest::new(self.router(), self.here.own.into(), protocol, internal);
                pcp::port_mapping(request, Some(nonce), None, options).await.map_err(|error| of_pcp(&error))
            }
        };
        match mapped {
            Ok(mapping) => {
                let external = match mapping.mapping_type() {
                    PortMappingType::Pcp { external_ip, .. } => v4(external_ip),
                    PortMappingType::NatPmp => None,
                };
                (Ok(Granted { external_port: mapping.external_port().get(), external }), vec![guard])
            }
            Err(fault) if matches!(fault.cause, Cause::GatewayRefused { .. }) => {
                guard.forget();
                (Err(fault), Vec::new())
            }
            Err(fault) => (Err(fault), vec![guard]),
        }
    }
}

fn v4(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => Some(ip).filter(|ip| !ip.is_unspecified()),
        IpAddr::V6(_) => None,
    }
}

/// RFC 6886, section 3.5.
fn of_natpmp(failure: &natpmp::Failure) -> Fault {
    use natpmp::Failure;
    let cause = match failure {
        // Another version alone: this one is not spoken.
        Failure::UnsupportedVersion(_) => Cause::NoGateway,
        Failure::Socket(error) => return errors::of_connect(error),
        Failure::Timeout => Cause::TimedOut,
        Failure::InvalidResponse(_) => Cause::Malformed,
        Failure::NotAuthorized => Cause::GatewayRefused { error: 2 },
        Failure::NetworkFailure => Cause::GatewayRefused { error: 3 },
        Failure::OutOfResources => Cause::GatewayRefused { error: 4 },
        Failure::UnsupportedOpcode => Cause::GatewayRefused { error: 5 },
    };
    Fault::new(cause, failure)
}

/// RFC 6887, section 7.4.
fn of_pcp(failure: &pcp::Failure) -> Fault {
    use pcp::Failure;
    let error = match failure {
        Failure::UnsupportedVersion(_) => return Fault::new(Cause::NoGateway, failure),
        Failure::Socket(error) => return errors::of_connect(error),
        Failure::Timeout => return Fault::new(Cause::TimedOut, failure),
        Failure::Nonce | Failure::InvalidResponse(_) => return Fault::new(Cause::Malformed, failure),
        Failure::NotAuthorized(_) => 2,
        Failure::MalformedRequest => 3,
        Failure::UnsupportedOpcode => 4,
        Failure::UnsupportedOption => 5,
        Failure::MalformedOption => 6,
        Failure::NetworkFailure(_) => 7,
        Failure::NoResources(_) => 8,
        Failure::UnsupportedProtocol => 9,
        Failure::UserExceededQuota(_) => 10,
        Failure::CannotProvideExternal(_) => 11,
        Failure::AddressMismatch => 12,
        Failure::ExcessiveRemotePeers => 13,
    };
    Fault::new(Cause::GatewayRefused { error }, failure)
}
