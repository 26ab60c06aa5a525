//! Raw datagrams from a port that is used for nothing else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;

use super::{Towards, allowance::Place};
use crate::{
    nat::dialback::{Answer, DATAGRAMS, DATAGRAMS_APART, Refusal, TokenText},
    native,
    transport::stun,
};

/// Those datagrams that are still to be sent.
pub(super) struct Rest {
    socket: UdpSocket,
    to: SocketAddr,
    token: TokenText,
    _place: Place,
}

/// Sends the first one, and tells from where.
pub(super) async fn begin(
    towards: Towards,
    port: u16,
    token: TokenText,
    vantage: String,
    place: Place,
) -> Result<(Answer, Rest), Refusal> {
    let to = SocketAddr::new(towards.ip, port);
    let any = if to.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    let from = towards.from.filter(|from| from.is_ipv4() == to.is_ipv4()).unwrap_or(any);
    let fault = |error: std::io::Error| {
        tracing::debug!(%error, "a dial-back could not be sent");
        Refusal::LocalFault
    };
    let socket = UdpSocket::bind(SocketAddr::new(from, 0)).await.map_err(fault)?;
    // Connected, so that nobody else is sent anything, and the own address is known.
    socket.connect(to).await.map_err(fault)?;
    let from = socket.local_addr().map_err(fault)?;
    socket.send(&stun::indication(token.0, 0)).await.map_err(fault)?;
    Ok((Answer::Sent { vantage, from, count: DATAGRAMS }, Rest { socket, to, token, _place: place }))
}

impl Rest {
    /// Sends the others, whatever comes back.
    pub(super) async fn send(self) {
        for number in 1..DATAGRAMS {
            native::sleep(DATAGRAMS_APART).await;
            if let Err(error) = self.socket.send(&stun::indication(self.token.0, number)).await {
                tracing::debug!(%error, to = %self.to, "a datagram of a dial-back could not be sent");
            }
        }
    }
}
