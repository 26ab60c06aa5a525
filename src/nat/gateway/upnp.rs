//! UPnP Internet Gateway Devices.

use std::{
    cell::RefCell,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::{
    Failed, Found, Granted, Here, LEASE_SECONDS, Lease, Portal, Wish, description,
    description::Service,
    http, in_time,
    lease::{self, Farewells},
    soap::{self, Mapping},
    ssdp::{Device, Search},
};
use crate::{
    fault::Fault,
    model::{Cause, Layer4},
    native,
};

/// When the question is asked again, since datagrams get lost, and when no answer is waited for any more.
const ASK_AGAIN: Duration = Duration::from_millis(400);
const ANSWERS: Duration = Duration::from_millis(1100);
/// The time for it all: to be found, to describe itself and to tell its address.
const FIND: Duration = Duration::from_secs(3);
/// Devices that are looked at.
const MOST_DEVICES: usize = 4;
/// Outside ports that are tried where one is taken.
const MOST_PORTS: u16 = 3;

/// A gateway's service that maps ports.
#[derive(Clone, Debug)]
pub(crate) struct Igd {
    own: IpAddr,
    service: Service,
}

/// A mapping to be removed.
#[derive(Clone, Debug)]
pub(super) struct Undo {
    igd: Igd,
    layer: Layer4,
    external: u16,
}

impl Undo {
    pub(super) async fn run(self) {
        // A gateway that does not answer lets the lease run out.
        let _ = soap::delete(self.igd.own, &self.igd.service, name(self.layer), self.external).await;
    }
}

/// The first gateway that can be asked; else why those that answered cannot.
pub(super) async fn find(here: Here) -> Result<Found, Failed> {
    let failed: RefCell<Option<Failed>> = RefCell::new(None);
    let found = in_time(FIND, search(here, &failed)).await;
    found.map_err(|fault| failed.into_inner().unwrap_or(Failed { gateway: None, fault }))
}

async fn search(here: Here, failed: &RefCell<Option<Failed>>) -> Result<Found, Fault> {
    let local = |error: std::io::Error| Fault::new(Cause::LocalFault { errno: error.raw_os_error() }, &error);
    let search = Search::begin(here).map_err(local)?;
    let mut seen: Vec<Device> = Vec::new();
    for patience in [ASK_AGAIN, ANSWERS] {
        search.ask().await;
        let until = native::sleep(patience);
        let mut until = std::pin::pin!(until);
        while let Some(device) = next(&search, until.as_mut()).await {
            if seen.len() >= MOST_DEVICES || seen.contains(&device) {
                continue;
            }
            seen.push(device.clone());
            // Where the time is over while it is looked at, this is what is known of it.
            let ip = v4(device.ip);
            let silent = Failed { gateway: ip, fault: Cause::TimedOut.into() };
            failed.borrow_mut().get_or_insert(silent);
            match open(here, &device).await {
                Ok(found) => return Ok(found),
                Err(fault) => *failed.borrow_mut() = Some(Failed { gateway: ip, fault }),
            }
        }
    }
    Err(Cause::NoGateway.into())
}

/// The next device, until the time is over.
async fn next(search: &Search, until: impl Future<Output = ()> + Unpin) -> Option<Device> {
    match futures::future::select(std::pin::pin!(search.next()), until).await {
        futures::future::Either::Left((device, _)) => device.ok(),
        futures::future::Either::Right(_) => None,
    }
}

/// What a device offers. Of several services the one counts that has an outside address.
async fn open(here: Here, device: &Device) -> Result<Found, Fault> {
    let (location, at) = device.location.clone()?;
    let own = IpAddr::V4(here.own);
    let description = http::get(own, at, &location).await?;
    if description.status != 200 {
        return Err(Cause::HttpStatus { status: description.status, location: None }.into());
    }
    let mut asked = Vec::new();
    for service in description::services(&description.body, &location, at, &description::MAPS)? {
        let external = soap::external(own, &service).await;
        let best = matches!(external, Ok(Some(_)));
        asked.push((service, external));
        if best {
            break;
        }
    }
    // One that answers but has no address may still say why it maps nothing.
    let answers = |external: &Result<Option<Ipv4Addr>, Fault>| match external {
        Ok(address) => 1 + u8::from(address.is_some()),
        Err(fault) => u8::from(matches!(fault.cause, Cause::GatewayRefused { .. })),
    };
    let best = asked.into_iter().rev().max_by_key(|(_, external)| answers(external));
    let (service, external) = best.ok_or(Cause::Malformed)?;
    let external = match external {
        Err(fault) if !matches!(fault.cause, Cause::GatewayRefused { .. }) => return Err(fault),
        external => external.ok().flatten(),
    };
    let gateway = v4(device.ip).ok_or(Cause::Malformed)?;
    Ok(Found { portal: Portal::Upnp(Igd { own, service }), gateway, external })
}

impl Igd {
    pub(super) async fn map(&self, wish: Wish, farewells: &Farewells) -> (Result<Granted, Fault>, Vec<Lease>) {
        let mut leases = Vec::new();
        let (mut external, mut lease) = (wish.external, LEASE_SECONDS);
        let mut refused = Fault::from(Cause::NoGateway);
        for _ in 0..MOST_PORTS {
            let undo = Undo { igd: self.clone(), layer: wish.layer, external };
            let guard = Lease::new(lease::Undo::Upnp(undo), farewells);
            let internal = (*wish.local.ip(), wish.local.port());
            let mapping = Mapping { protocol: name(wish.layer), external, internal, lease };
            let Err(fault) = soap::add(self.own, &self.service, mapping).await else {
                leases.push(guard);
                return (Ok(Granted { external_port: external, external: None }), leases);
            };
            let Cause::GatewayRefused { error } = fault.cause else {
                // Whether it was mapped is not known.
                leases.push(guard);
                return (Err(fault), leases);
            };
            guard.forget();
            match error {
                // Not to be taken from whom it belongs to.
                soap::CONFLICT => external = another(external),
                soap::SAME_PORT if external != wish.local.port() => external = wish.local.port(),
                soap::PERMANENT if lease > 0 => lease = 0,
                _ => return (Err(fault), leases),
            }
            refused = fault;
        }
        (Err(refused), leases)
    }
}

fn v4(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    }
}

/// Another port, of those that no privilege is needed for.
fn another(port: u16) -> u16 {
    port.checked_add(101).unwrap_or(20_000)
}

fn name(layer: Layer4) -> &'static str {
    match layer {
        Layer4::Udp => "UDP",
        Layer4::Tcp => "TCP",
    }
}
