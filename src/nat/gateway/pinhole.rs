//! A hole in the router's IPv6 firewall: PCP's MAP for an address that is not translated (RFC 6887, section 11).
//!
//! Not by `crab_nat`: it sends from whatever address the system picks, which towards a router's link-local address is a link-local
//! one, and a router opens its firewall for the address alone that asks (RFC 6887, section 8.1).

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddrV6},
    time::Duration,
};

use tokio::net::UdpSocket;

use super::{LEASE_SECONDS, Lease, in_time, lease};
use crate::{
    fault::Fault,
    model::{Cause, Layer4},
    nat::gateway::Farewells,
    probe::errors,
};

/// Where routers listen (RFC 6887, section 19.5).
pub(crate) const PORT: u16 = 5351;
/// When it is asked again, and given up: the router is on the own network, and most are silent.
const PATIENCE: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];
/// Removal is asked for twice: a hole that is not closed runs out soon.
const REMOVAL: usize = 2;
/// A port to ask about before there is one to be opened.
const SOME_PORT: u16 = 1;
const VERSION: u8 = 2;
const MAP: u8 = 1;
/// The bit that tells an answer.
const ANSWER: u8 = 0x80;
/// The length of a header, and of MAP behind it.
const HEADER: usize = 24;
const LENGTH: usize = 60;
/// The longest message (RFC 6887, section 7).
const LONGEST: usize = 1100;
/// The result that says that the version is not spoken.
const OTHER_VERSION: u8 = 1;

/// What tells the answers to one request, and who may change what it made.
type Nonce = [u8; 12];

/// The router that leads out, and the address that a hole is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    /// The address that this machine sends from.
    pub(crate) own: Ipv6Addr,
    /// The router, with the zone where it is link-local.
    pub(crate) router: SocketAddrV6,
    /// The interface to it.
    pub(crate) link: u32,
}

/// A hole: who may send to which port is not narrowed, so that it is for everybody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hole {
    door: Door,
    nonce: Nonce,
    layer: Layer4,
    port: u16,
}

/// What was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The outside port and address: the own ones where nothing translates.
    pub(crate) port: u16,
    pub(crate) address: Ipv6Addr,
}

/// Whether the router speaks PCP over IPv6: to close what is not open changes nothing, and is answered. So is a refusal.
pub(crate) async fn find(door: Door) -> Result<(), Fault> {
    let nothing = Hole { door, nonce: rand::random(), layer: Layer4::Udp, port: SOME_PORT };
    match nothing.ask(0, &PATIENCE).await {
        Ok(_) | Err(Fault { cause: Cause::GatewayRefused { .. }, .. }) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Has a port opened. Whatever comes of it, the lease closes what there may be.
pub(crate) async fn open(door: Door, layer: Layer4, port: u16, farewells: &Farewells) -> (Result<Opened, Fault>, Option<Lease>) {
    let hole = Hole { door, nonce: rand::random(), layer, port };
    let guard = Lease::new(lease::Undo::Pinhole(hole), farewells);
    match hole.ask(LEASE_SECONDS, &PATIENCE).await {
        Ok(opened) => (Ok(opened), Some(guard)),
        Err(fault) if matches!(fault.cause, Cause::GatewayRefused { .. } | Cause::NoGateway) => {
            guard.forget();
            (Err(fault), None)
        }
        Err(fault) => (Err(fault), Some(guard)),
    }
}

impl Hole {
    /// Closes it.
    pub(super) async fn run(self) {
        // A router that does not answer lets the lease run out.
        let _ = self.ask(0, &PATIENCE[..REMOVAL]).await;
    }

    async fn ask(&self, seconds: u32, patience: &[Duration]) -> Result<Opened, Fault> {
        let connect = |error: std::io::Error| errors::of_connect(&error);
        let socket = UdpSocket::bind(SocketAddrV6::new(self.door.own, 0, 0, 0)).await.map_err(connect)?;
        socket.connect(self.door.router).await.map_err(connect)?;
        let request = self.request(seconds);
        for patience in patience {
            socket.send(&request).await.map_err(connect)?;
            match in_time(*patience, self.answer(&socket)).await {
                Err(Fault { cause: Cause::TimedOut, .. }) => {}
                // Nobody listens there.
                Err(Fault { cause: Cause::Refused, .. }) => break,
                answer => return answer,
            }
        }
        Err(Cause::NoGateway.into())
    }

    /// Waits for the answer to this request; those to others are passed over.
    async fn answer(&self, socket: &UdpSocket) -> Result<Opened, Fault> {
        let mut bytes = [0; LONGEST];
        loop {
            let length = socket.recv(&mut bytes).await.map_err(|error| errors::of_connect(&error))?;
            if let Some(answer) = self.read(&bytes[..length]) {
                return answer;
            }
        }
    }

    fn request(&self, seconds: u32) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..2].copy_from_slice(&[VERSION, MAP]);
        bytes[4..8].copy_from_slice(&seconds.to_be_bytes());
        bytes[8..24].copy_from_slice(&self.door.own.octets());
        bytes[24..36].copy_from_slice(&self.nonce);
        bytes[36] = number(self.layer);
        bytes[40..42].copy_from_slice(&self.port.to_be_bytes());
        // The same port and address outside, if they can be had: there is nothing to translate.
        bytes[42..44].copy_from_slice(&self.port.to_be_bytes());
        bytes[44..60].copy_from_slice(&self.door.own.octets());
        bytes
    }

    /// What an answer says; none where it is none to this request.
    fn read(&self, bytes: &[u8]) -> Option<Result<Opened, Fault>> {
        let (version, kind, result) = (*bytes.first()?, *bytes.get(1)?, *bytes.get(3)?);
        // NAT-PMP's answer to a version that it does not know, too.
        if kind & ANSWER == 0 || version != VERSION || result == OTHER_VERSION {
            return (kind & ANSWER != 0).then(|| Err(Cause::NoGateway.into()));
        }
        let told = bytes.get(HEADER..LENGTH).filter(|_| kind == MAP | ANSWER);
        let Some(told) = told else {
            return (result != 0).then(|| Err(refused(result)));
        };
        if told[..12] != self.nonce || told[12] != number(self.layer) || told[16..18] != self.port.to_be_bytes() {
            return None;
        }
        if result != 0 {
            return Some(Err(refused(result)));
        }
        let address: [u8; 16] = told[20..36].try_into().ok()?;
        Some(match IpAddr::V6(address.into()).to_canonical() {
            IpAddr::V6(address) => Ok(Opened { port: u16::from_be_bytes([told[18], told[19]]), address }),
            IpAddr::V4(_) => Err(Fault::new(Cause::Malformed, "an address of the other family")),
        })
    }
}

/// RFC 6887, section 7.4.
fn refused(result: u8) -> Fault {
    Cause::GatewayRefused { error: result.into() }.into()
}

/// The protocol's number (IANA).
pub(super) fn number(layer: Layer4) -> u8 {
    match layer {
        Layer4::Tcp => 6,
        Layer4::Udp => 17,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole() -> Hole {
        let own = "2a11:22:40::5".parse().unwrap();
        let door = Door { own, router: SocketAddrV6::new("fe80::1".parse().unwrap(), PORT, 0, 2), link: 2 };
        Hole { door, nonce: [7; 12], layer: Layer4::Tcp, port: 4001 }
    }

    fn answer(result: u8) -> Vec<u8> {
        let mut bytes = hole().request(120).to_vec();
        bytes[1] |= ANSWER;
        bytes[3] = result;
        bytes[8..24].fill(0);
        bytes
    }

    #[test]
    fn a_request_names_the_own_address_and_port() {
        let bytes = hole().request(120);
        assert_eq!((bytes[0], bytes[1], &bytes[4..8]), (2, 1, &[0, 0, 0, 120][..]));
        assert_eq!((&bytes[24..36], bytes[36], &bytes[40..44]), (&[7; 12][..], 6, &[0x0f, 0xa1, 0x0f, 0xa1][..]));
        assert_eq!(bytes[8..24], bytes[44..60]);
    }

    #[test]
    fn answers_are_read_and_those_of_others_are_not() {
        let hole = hole();
        let opened = Opened { port: 4001, address: "2a11:22:40::5".parse().unwrap() };
        assert_eq!(hole.read(&answer(0)), Some(Ok(opened)));
        assert_eq!(hole.read(&answer(2)), Some(Err(refused(2))));
        for version in [0, 3] {
            let other = [&[version][..], &answer(1)[1..]].concat();
            assert_eq!(hole.read(&other), Some(Err(Cause::NoGateway.into())));
        }
        // A refusal that cannot be read further, as of what is not spoken.
        assert_eq!(hole.read(&answer(4)[..HEADER]), Some(Err(refused(4))));
        for (place, byte) in [(1, MAP), (24, 8), (36, 17), (41, 0)] {
            let mut other = answer(0);
            other[place] = byte;
            assert_eq!(hole.read(&other), None, "{place}");
        }
        for length in 0..LENGTH {
            assert_eq!(hole.read(&answer(0)[..length]), None, "{length}");
        }
    }
}
