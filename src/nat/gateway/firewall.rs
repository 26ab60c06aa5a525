//! A router's firewall for IPv6, opened by UPnP (WANIPv6FirewallControl:1).

use std::{pin::pin, time::Duration};

use futures::future::{Either, select};

use super::{
    LEASE_SECONDS, Lease, description,
    description::Service,
    http, in_time,
    lease::{self, Farewells},
    pinhole::{Door, Opened, number},
    soap,
    ssdp::{Device, Search},
};
use crate::{
    fault::Fault,
    model::{Cause, Layer4},
    native,
};

/// When the question is asked again, since datagrams get lost, and when no answer is waited for any more.
const ANSWERS: [Duration; 2] = [Duration::from_millis(400), Duration::from_millis(1100)];
/// The time for it all.
const FIND: Duration = Duration::from_secs(2);
/// Answers that are looked at.
const MOST_DEVICES: usize = 4;

/// A service that opens the firewall for this machine.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    door: Door,
    service: Service,
}

/// A hole to be closed.
#[derive(Clone, Debug)]
pub(super) struct Hole {
    control: Control,
    number: u16,
}

impl Hole {
    pub(super) async fn run(self) {
        // A router that does not answer lets the lease run out.
        let _ = soap::close(self.control.door.own, &self.control.service, self.number).await;
    }
}

/// The router's service; else why it cannot be asked.
pub(crate) async fn find(door: Door) -> Result<Control, Fault> {
    match in_time(FIND, search(door)).await {
        Err(Fault { cause: Cause::TimedOut, .. }) => Err(Cause::NoGateway.into()),
        found => found,
    }
}

async fn search(door: Door) -> Result<Control, Fault> {
    let local = |error: std::io::Error| Fault::new(Cause::LocalFault { errno: error.raw_os_error() }, &error);
    let search = Search::of(door).map_err(local)?;
    let mut seen: Vec<Device> = Vec::new();
    let mut failed = Fault::from(Cause::NoGateway);
    for patience in ANSWERS {
        search.ask().await;
        let mut until = pin!(native::sleep(patience));
        while let Either::Left((Ok(device), _)) = select(pin!(search.next()), until.as_mut()).await {
            if seen.len() >= MOST_DEVICES || seen.contains(&device) {
                continue;
            }
            seen.push(device.clone());
            match open(door, device).await {
                Ok(control) => return Ok(control),
                Err(fault) => failed = fault,
            }
        }
    }
    Err(failed)
}

async fn open(door: Door, device: Device) -> Result<Control, Fault> {
    let (location, at) = device.location?;
    let description = http::get(door.own.into(), at, &location).await?;
    if description.status != 200 {
        return Err(Cause::HttpStatus { status: description.status, location: None }.into());
    }
    let services = description::services(&description.body, &location, at, &description::OPENS)?;
    let service = services.into_iter().next().ok_or(Cause::NoGateway)?;
    Ok(Control { door, service })
}

impl Control {
    /// Has a port opened. The lease closes it again; one whose answer is not waited for runs out.
    pub(crate) async fn open(&self, layer: Layer4, port: u16, farewells: &Farewells) -> (Result<Opened, Fault>, Option<Lease>) {
        match soap::open(self.door.own, &self.service, number(layer), port, LEASE_SECONDS).await {
            Ok(number) => {
                let hole = Hole { control: self.clone(), number };
                let lease = Lease::new(lease::Undo::Firewall(hole), farewells);
                (Ok(Opened { port, address: self.door.own }), Some(lease))
            }
            Err(fault) => (Err(fault), None),
        }
    }
}
