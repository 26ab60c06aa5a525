//! A listener whose very port also dials and sends: what a NAT does to a port is seen from that port alone.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use libp2p_identity::Keypair;

use super::config;
use super::dial::{self, Dialed};
use super::error::DialError;
use super::listen::Listener;
use super::muxer::Connection;
use super::stun::StunDatagram;
use crate::transport::SocketFault;

impl Listener {
    /// Dials `remote` from the port that is listened on. The socket is not connected, so that a closed port is silence here;
    /// the caller bounds the time.
    pub async fn dial(&self, remote: SocketAddr, keypair: &Keypair) -> Result<Dialed, DialError> {
        let (endpoint, socket) = self.parts();
        let local = self.local_addr().map_err(SocketFault::Local)?;
        let (connecting, notes) = dial::connecting(endpoint, remote, keypair)?;
        let connection = connecting.await.map_err(|error| dial::failure(error, &notes, socket))?;
        let peer = dial::proved(&notes)?;
        Ok(Dialed {
            peer: peer.peer,
            key_type: peer.key_type(),
            rtt: connection.rtt(),
            connection: Connection::new(connection, Arc::clone(socket), None),
            version: config::VERSION,
            local,
        })
    }

    /// Sends one datagram from the port that is listened on.
    pub async fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.parts().1.send(bytes, to, None).await
    }

    /// Answers a datagram by one of ours, from the address that it was sent to.
    pub async fn answer(&self, datagram: &StunDatagram, bytes: &[u8]) -> io::Result<()> {
        self.parts().1.send(bytes, datagram.from, datagram.to).await
    }
}
