//! One TCP port that both listens and dials: a hole in a NAT is for one port alone.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 16;

/// A port of any address of a family, or one given, that others of this program may have too.
pub(crate) fn listen(local: SocketAddr) -> io::Result<TcpListener> {
    socket(local)?.listen(BACKLOG)
}

/// Connects from a port that is listened on.
pub(crate) async fn connect(local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
    let stream = socket(local)?.connect(remote).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether a port cannot dial because the system still has a connection between the same two, or has just had one.
pub(crate) fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable)
}

/// Any free port of the family of `remote`.
pub(crate) fn any_towards(remote: IpAddr) -> SocketAddr {
    let any: IpAddr = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    SocketAddr::new(any, 0)
}

fn socket(local: SocketAddr) -> io::Result<TcpSocket> {
    let socket = Socket::new(Domain::for_address(local), Type::STREAM, Some(Protocol::TCP))?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    share(&socket)?;
    socket.set_nonblocking(true)?;
    socket.bind(&local.into())?;
    Ok(TcpSocket::from_std_stream(socket.into()))
}

/// Lets others of this program have the port too.
pub(crate) fn share(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    reuse_port(socket)
}

/// Unix wants this beside the address; Windows has no such option and needs none.
#[cfg(unix)]
fn reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(unix))]
fn reuse_port(_: &Socket) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_listens_dials_too() {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let [own, other] = [loopback; 2].map(|local| listen(local).unwrap());
        let (ours, theirs) = (own.local_addr().unwrap(), other.local_addr().unwrap());
        let stream = connect(ours, theirs).await.unwrap();
        assert_eq!(stream.local_addr().unwrap(), ours);
        assert_eq!(other.accept().await.unwrap().1, ours);
    }
}
