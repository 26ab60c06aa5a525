//! Who maps ports by UPnP here? Asked of everybody on the own network, and of the router (UPnP Device Architecture 2.0,
//! section 1.3).

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use url::Url;

use super::{Here, http};
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
    pub(super) ip: Ipv4Addr,
    /// Where its description is.
    pub(super) location: Result<(Url, SocketAddrV4), Fault>,
}

/// A question to all, and its answers.
pub(super) struct Search {
    socket: UdpSocket,
    here: Here,
}

impl Search {
    pub(super) fn begin(here: Here) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_multicast_if_v4(&here.own)?;
        socket.set_multicast_ttl_v4(2)?;
        socket.bind(&SocketAddr::new(here.own.into(), 0).into())?;
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, here })
    }

    /// Asks. A firewall of this machine lets in answers of the router alone, since it was sent to by its address.
    pub(super) async fn ask(&self) {
        for to in [EVERYBODY, SocketAddrV4::new(self.here.gateway, PORT)] {
            for target in TARGETS {
                // What cannot be sent is not answered.
                let _ = self.socket.send_to(question(target).as_bytes(), to).await;
            }
        }
    }

    /// The next answer.
    pub(super) async fn next(&self) -> io::Result<Device> {
        let mut bytes = [0; LONGEST];
        loop {
            let (length, from) = self.socket.recv_from(&mut bytes).await?;
            let IpAddr::V4(ip) = from.ip() else { continue };
            // Gateways are neighbours.
            if ip != self.here.gateway && !network::is_on_link(ip) {
                continue;
            }
            if let Some(location) = location(&bytes[..length], ip) {
                return Ok(Device { ip, location });
            }
        }
    }
}

/// Answers are wanted within a second: `MX: 1`.
fn question(target: &str) -> String {
    format!("M-SEARCH * HTTP/1.1\r\nHOST: {EVERYBODY}\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: {target}\r\n\r\n")
}

/// Where an answer says that the description is: at the host that answered and nowhere else. None where it is no answer.
pub(super) fn location(bytes: &[u8], host: Ipv4Addr) -> Option<Result<(Url, SocketAddrV4), Fault>> {
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
        Some(url) => match http::at(&url, host) {
            Some(at) => Ok((url, at)),
            None => Err(Fault::new(Cause::Malformed, "its answer leads to another host")),
        },
    })
}
