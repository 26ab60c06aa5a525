//! Sockets, made in one place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

use multiaddr::{Multiaddr, Protocol};
use tokio::net::{TcpSocket, TcpStream};

use super::{Dial, errors};
use crate::{
    engine::{Ctx, Fault},
    model::{Cause, Found, StageName},
    native::port,
};

impl Dial<'_> {
    /// The address to connect to: here every name is looked up before its dial.
    pub(super) fn ip(&self) -> IpAddr {
        self.planned.ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// Where to connect to.
    pub(super) fn remote(&self) -> SocketAddr {
        let port = self.planned.route.port;
        match (self.ip(), &self.planned.zone) {
            (IpAddr::V6(ip), Some(zone)) => SocketAddrV6::new(ip, port, 0, self.machine.zone_index(zone).unwrap_or(0)).into(),
            (ip, _) => SocketAddr::new(ip, port),
        }
    }

    /// Where to connect from: the address that the user set, if it is of the family.
    fn bind(&self) -> Option<SocketAddr> {
        let ip = self.machine.bind()?;
        (ip.is_ipv4() == self.ip().is_ipv4()).then(|| SocketAddr::new(ip, 0))
    }

    /// A TCP connection, as the stage `connect`, before the stage `next`. Without `ctx` no stage is told.
    pub(super) async fn tcp(&self, ctx: Option<&Ctx>, next: StageName) -> Result<TcpStream, Fault> {
        let enter = |stage| ctx.inspect(|ctx| ctx.enter(stage));
        enter(StageName::Connect);
        match self.connect().await {
            Ok(stream) => {
                let local = stream.local_addr().ok().map(|local| address(local, Protocol::Tcp(local.port())));
                ctx.inspect(|ctx| ctx.found(Found { local, ..Found::default() }));
                Ok(stream)
            }
            Err(fault) => {
                // A reset that answers the first packet is `refused`. Any other end came after the handshake, even where it
                // came before this program learned that the handshake was done.
                if matches!(fault.cause, Cause::Reset | Cause::Closed) {
                    enter(next);
                }
                Err(fault)
            }
        }
    }

    /// What is written leaves at once: the flights of a handshake are small and wait for each other.
    async fn connect(&self) -> Result<TcpStream, Fault> {
        let remote = self.remote();
        if let Some(local) = self.machine.ports().tcp_towards(remote.ip()) {
            return port::connect(local, remote).await.map_err(|error| errors::of_connect_to(&error, remote));
        }
        let socket = if remote.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(|error| errors::of_this_machine(&error))?;
        if let Some(local) = self.bind() {
            socket.bind(local).map_err(|error| errors::of_this_machine(&error))?;
        }
        let stream = socket.connect(remote).await.map_err(|error| errors::of_connect_to(&error, remote))?;
        stream.set_nodelay(true).map_err(|error| errors::of_connect(&error))?;
        Ok(stream)
    }

    /// A UDP socket of the remote's family.
    pub(super) fn udp(&self) -> Result<UdpSocket, Fault> {
        let any = if self.ip().is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
        let local = self.bind().unwrap_or_else(|| SocketAddr::new(any, 0));
        UdpSocket::bind(local).map_err(|error| errors::of_this_machine(&error))
    }
}

/// A socket address as a multiaddr.
pub(crate) fn address(socket: SocketAddr, port: Protocol<'_>) -> String {
    Multiaddr::empty().with(socket.ip().into()).with(port).to_string()
}
