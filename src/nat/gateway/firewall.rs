//! A router's firewall for IPv6, opened by UPnP (WANIPv6FirewallControl:1).

use std::{pin::pin, time::Duration};

use futures::{
    FutureExt as _,
    future::{Either, LocalBoxFuture, Shared, select},
};

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

/// A hole to be closed, or one that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Hole {
    control: Control,
    /// The router's answer, which the hole is closed by.
    number: Shared<LocalBoxFuture<'static, Result<u16, Fault>>>,
}

impl Hole {
    pub(super) async fn run(self) {
        // An answer that nobody waited for is waited for here. A router that does not answer lets the lease run out.
        if let Ok(number) = self.number.await {
            let _ = soap::close(self.control.door.own, &self.control.service, number).await;
        }
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
    /// Has a port opened. The lease closes it again, also where the answer is not waited for.
    pub(crate) async fn open(&self, layer: Layer4, port: u16, farewells: &Farewells) -> (Result<Opened, Fault>, Option<Lease>) {
        let control = self.clone();
        let asking = async move { soap::open(control.door.own, &control.service, number(layer), port, LEASE_SECONDS).await };
        let asking = asking.boxed_local().shared();
        let hole = Hole { control: self.clone(), number: asking.clone() };
        let lease = Lease::new(lease::Undo::Firewall(hole), farewells);
        match asking.await {
            Ok(_) => (Ok(Opened { port, address: self.door.own }), Some(lease)),
            Err(fault) => {
                lease.forget();
                (Err(fault), None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, SocketAddrV6};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// No test waits this long unless it hangs.
    const HANGS: Duration = Duration::from_secs(30);

    /// Reads one question, whole.
    async fn asked(router: &TcpListener) -> (TcpStream, String) {
        let (mut stream, _) = router.accept().await.unwrap();
        let mut text = String::new();
        while !text.contains("</s:Envelope>") {
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).await.unwrap();
            text.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        }
        (stream, text)
    }

    async fn answer(stream: &mut TcpStream, body: &str) {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// The router opens after the run is over: the farewell hears of it, and closes.
    #[tokio::test]
    async fn a_hole_whose_answer_was_not_waited_for_is_closed() {
        let router = TcpListener::bind("[::1]:0").await.unwrap();
        let at = router.local_addr().unwrap();
        let door = Door { own: Ipv6Addr::LOCALHOST, router: SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0), link: 1 };
        let kind = "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1".to_owned();
        let service = Service { kind, control: format!("http://{at}/").parse().unwrap(), at };
        let (control, farewells) = (Control { door, service }, Farewells::default());
        let opening = Box::pin(control.open(Layer4::Tcp, 4001, &farewells));
        let Either::Right(((mut asking, text), opening)) = select(opening, pin!(asked(&router))).await else {
            panic!("opened without the router");
        };
        assert!(text.contains("AddPinhole"), "{text}");
        // The run is over before the router answers.
        drop(opening);
        let closed = async {
            answer(&mut asking, "<a><AddPinholeResponse><UniqueID>77</UniqueID></AddPinholeResponse></a>").await;
            let (mut closing, text) = asked(&router).await;
            answer(&mut closing, "<a><DeletePinholeResponse/></a>").await;
            text
        };
        let both = futures::future::join(closed, farewells.say());
        let (text, ()) = tokio::time::timeout(HANGS, both).await.expect("it is closed");
        assert!(text.contains("DeletePinhole") && text.contains("<UniqueID>77</UniqueID>"), "{text}");
    }
}
