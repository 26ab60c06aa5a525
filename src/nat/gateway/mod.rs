//! Gateways that map ports when they are asked: UPnP IGD, PCP (RFC 6887) and NAT-PMP (RFC 6886).
//!
//! Whatever answers here may be broken or hostile: each step has its time, each answer its size, and nobody is talked to but
//! who answered from the own network. A mapping is asked for with a short lease and removed again whatever happens, see
//! [`Lease`].
//!
//! Over IPv6 there is nothing to map: there PCP ([`pinhole`]) and UPnP ([`firewall`]) open the router's firewall.
//!
//! PCP and NAT-PMP are spoken by `crab_nat`: a datagram each way, of bounded size, with time-outs of ours. UPnP is spoken here:
//! `igd-next` reads answers of any length, follows `LOCATION` to any host, cannot be bound to an interface, and asks each
//! connection service as `WANIPConnection:1`, which gateways on PPP refuse.

mod description;
pub(crate) mod firewall;
mod http;
mod lease;
pub(crate) mod pinhole;
mod pmp;
mod soap;
mod ssdp;
#[cfg(test)]
mod tests;
mod upnp;

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    pin::pin,
    time::Duration,
};

use futures::future::{Either, select};

pub(crate) use lease::{Farewells, Lease};

use crate::{
    fault::Fault,
    model::{Cause, Gateway, Layer4},
    native,
};
use pmp::Pmp;
use upnp::Igd;

/// The time for one question to a gateway: it is on the own network.
const ASK: Duration = Duration::from_secs(1);
/// How long a mapping lasts that could not be removed, in seconds: long enough to be tested.
const LEASE_SECONDS: u32 = 120;

/// Where this machine stands in its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Here {
    /// The address that it sends from.
    pub(crate) own: Ipv4Addr,
    /// The router that leads out.
    pub(crate) gateway: Ipv4Addr,
}

/// A gateway that answers in one of the protocols.
#[derive(Clone, Debug)]
pub(crate) enum Portal {
    /// By UPnP.
    Upnp(Igd),
    /// By PCP or NAT-PMP.
    Pmp(Pmp),
}

/// What is known of a gateway before a port is mapped.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) portal: Portal,
    /// Its address on the own network.
    pub(crate) gateway: Ipv4Addr,
    /// Its address on the other side, where it tells.
    pub(crate) external: Option<Ipv4Addr>,
}

/// Why there is nothing to be had from a gateway, and its address where it answered at all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failed {
    pub(crate) gateway: Option<Ipv4Addr>,
    pub(crate) fault: Fault,
}

/// What is to be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) layer: Layer4,
    /// The port under test at the own address.
    pub(crate) local: SocketAddrV4,
    /// The outside port; a gateway may choose another.
    pub(crate) external: u16,
}

/// What was mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) external_port: u16,
    /// The outside address, where the answer tells it.
    pub(crate) external: Option<Ipv4Addr>,
}

/// Looks for a gateway that speaks this protocol.
pub(crate) async fn find(here: Here, protocol: Gateway) -> Result<Found, Failed> {
    match protocol {
        Gateway::Upnp => upnp::find(here).await,
        Gateway::NatPmp | Gateway::Pcp => pmp::find(here, protocol).await,
    }
}

impl Portal {
    /// Has a port mapped. Whatever comes of it, the lease removes what there may be.
    pub(crate) async fn map(&self, wish: Wish, farewells: &Farewells) -> (Result<Granted, Fault>, Vec<Lease>) {
        match self {
            Self::Upnp(igd) => igd.map(wish, farewells).await,
            Self::Pmp(pmp) => pmp.map(wish, farewells).await,
        }
    }
}

/// What a gateway does not do in time it does not do.
async fn in_time<T>(span: Duration, asked: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match select(pin!(asked), pin!(native::sleep(span))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Cause::TimedOut.into()),
    }
}
