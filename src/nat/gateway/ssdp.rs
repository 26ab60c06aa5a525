//! Who maps ports by UPnP here? Asked of everybody on the own network, and of the router (UPnP Device Architecture 2.0,
//! section 1.3).

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use url::Url;

use super::{Here, description::beside, http, pinhole::Door};
use crate::{fault::Fault, model::Cause, native::network};

const PORT: u16 = 1900;
/// Everybody who listens for it.
const EVERYBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 255, 255, 250), PORT);
/// What a router may call itself: some answer to one of these alone.
const TARGETS: [&str; 4] = [
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
];
/// The longest answer that is read, in bytes, and the most headers in it.
const LONGEST: usize = 1500;
const MOST_HEADERS: usize = 32;

/// A device that answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Device {
    pub(super) ip: IpAddr,
    /// Where its description is.
    pub(super) location: Result<(Url, SocketAddr), Fault>,
}

/// The same of IPv6, on the own link (UPnP Device Architecture 2.0, annex A).
const EVERYBODY_ON_LINK: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xc);
/// What a router with a firewall for IPv6 may call itself.
const TARGETS_OF_DOORS: [&str; 2] =
    ["urn:schemas-upnp-org:device:InternetGatewayDevice:2", "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"];

/// A question to all, and its answers.
pub(super) struct Search {
    socket: UdpSocket,
    router: IpAddr,
    /// The own address, of IPv6.
    own: Option<Ipv6Addr>,
    /// Who is asked.
    to: [SocketAddr; 2],
    targets: &'static [&'static str],
}

impl Search {
    pub(super) fn begin(here: Here) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_multicast_if_v4(&here.own)?;
        socket.set_multicast_ttl_v4(2)?;
        socket.bind(&SocketAddr::new(here.own.into(), 0).into())?;
        let to = [EVERYBODY, SocketAddrV4::new(here.gateway, PORT)].map(Into::into);
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, router: here.gateway.into(), own: None, to, targets: &TARGETS })
    }

    /// The same for a router's firewall for IPv6, which it opens for the address alone that asks.
    pub(super) fn of(door: Door) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_only_v6(true)?;
        socket.set_multicast_if_v6(door.link)?;
        socket.bind(&SocketAddrV6::new(door.own, 0, 0, 0).into())?;
        let to = [SocketAddrV6::new(EVERYBODY_ON_LINK, PORT, 0, door.link).into(), beside(door.router.into(), PORT)];
        let socket = UdpSocket::from_std(socket.into())?;
        Ok(Self { socket, router: (*door.router.ip()).into(), own: Some(door.own), to, targets: &TARGETS_OF_DOORS })
    }

    /// Asks. A firewall of this machine lets in answers of the router alone, since it was sent to by its address.
    pub(super) async fn ask(&self) {
        for to in self.to {
            for target in self.targets {
                // What cannot be sent is not answered.
                let _ = self.socket.send_to(question(target, self.to[0]).as_bytes(), to).await;
            }
        }
    }

    /// Whether an address is on a network that this machine is on.
    fn is_near(&self, ip: IpAddr) -> bool {
        match (ip, self.own) {
            (IpAddr::V4(ip), _) => network::is_on_link(ip),
            // A link has 64 bits.
            (IpAddr::V6(ip), Some(own)) => ip.is_unicast_link_local() || ip.segments()[..4] == own.segments()[..4],
            (IpAddr::V6(_), None) => false,
        }
    }

    /// The next answer.
    pub(super) async fn next(&self) -> io::Result<Device> {
        let mut bytes = [0; LONGEST];
        loop {
            let (length, from) = self.socket.recv_from(&mut bytes).await?;
            // Gateways are neighbours.
            if from.ip() != self.router && !self.is_near(from.ip()) {
                continue;
            }
            if let Some(location) = location(&bytes[..length], from, |ip| self.own.is_some() && self.is_near(ip)) {
                return Ok(Device { ip: from.ip(), location });
            }
        }
    }
}

/// Answers are wanted within a second: `MX: 1`.
fn question(target: &str, everybody: SocketAddr) -> String {
    // Without the zone, which is nobody else's.
    let everybody = SocketAddr::new(everybody.ip(), everybody.port());
    format!("M-SEARCH * HTTP/1.1\r\nHOST: {everybody}\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: {target}\r\n\r\n")
}

/// Where an answer says that the description is: at the host that answered, or at another address of it that is `near`, and nowhere
/// else. None where it is no answer.
pub(super) fn location(
    bytes: &[u8],
    host: SocketAddr,
    near: impl Fn(IpAddr) -> bool,
) -> Option<Result<(Url, SocketAddr), Fault>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let complete = response.parse(bytes).is_ok_and(|status| status.is_complete());
    if !complete || response.code != Some(200) {
        return None;
    }
    let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("location"))?;
    let url = std::str::from_utf8(header.value).ok().and_then(|text| Url::parse(text.trim()).ok());
    Some(match url {
        None => Err(Fault::new(Cause::Malformed, "its answer names no place of a description")),
        Some(url) => match at(&url, host, near) {
            Some(at) => Ok((url, at)),
            None => Err(Fault::new(Cause::Malformed, "its answer leads to another host")),
        },
    })
}

/// A router answers from one of its addresses on the link and may name another one.
fn at(url: &Url, host: SocketAddr, near: impl Fn(IpAddr) -> bool) -> Option<SocketAddr> {
    let same = http::at(url, host.ip()).map(|at| beside(host, at.port()));
    same.or_else(|| match url.host()? {
        url::Host::Ipv6(ip) if near(ip.into()) && !ip.is_unicast_link_local() => http::at(url, ip.into()),
        _ => None,
    })
}
