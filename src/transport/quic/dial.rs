//! One dial of one address.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::{KeyType, Keypair, PeerId};
use quinn::crypto::rustls::{NoInitialCipherSuite, QuicClientConfig};
use quinn::{AsyncUdpSocket, Connecting, ConnectionError, Endpoint, TokioRuntime};

use super::config;
use super::error::{DialError, Ended};
use super::muxer::Connection;
use super::progress::Progress;
use super::socket::Socket;
use crate::transport::SocketFault;
use crate::transport::libp2p_tls::{Credentials, Notes, Remote, SetupError};

/// A name has to be given and is never sent: SNI is off.
const SERVER_NAME: &str = "libp2p";

/// A connection that was dialed.
#[derive(Debug)]
pub struct Dialed {
    /// Who answered, proved by its certificate. It may be another than the one meant: the caller compares.
    pub peer: PeerId,
    /// Kind of its host key.
    pub key_type: KeyType,
    /// The connection, which keeps the socket open.
    pub connection: Connection,
    /// Round trip as QUIC measured it during the handshake.
    pub rtt: Duration,
    /// Negotiated QUIC version.
    pub version: u32,
    /// Our end, with the address that the routing table chose.
    pub local: SocketAddr,
}

/// Dials `remote` from `socket`, which is bound to an address of the same family and will be connected.
///
/// Returns when our side of the handshake is over, after one round trip. The listener may still reject our certificate:
/// that ends the connection later with [`Ended::TlsAlert`]. A closed port, an unreachable host or network and a local
/// ban are known as soon as the system says so, usually within the round trip.
pub async fn dial(socket: UdpSocket, remote: SocketAddr, keypair: &Keypair, progress: Progress) -> Result<Dialed, DialError> {
    let socket = Socket::connected(socket, remote, progress).map_err(SocketFault::from)?;
    let local = socket.local_addr().map_err(SocketFault::Local)?;
    let (connecting, notes) = start(&socket, remote, keypair)?;
    let connection = tokio::select! {
        biased;
        outcome = connecting => outcome.map_err(|e| failure(e, &notes, &socket))?,
        fault = socket.fault() => return Err(SocketFault::from(fault).into()),
    };
    let remote = proved(&notes)?;
    Ok(Dialed {
        peer: remote.peer,
        key_type: remote.key_type(),
        rtt: connection.rtt(),
        connection: Connection::new(connection, socket, None),
        version: config::VERSION,
        local,
    })
}

fn start(socket: &Arc<Socket>, remote: SocketAddr, keypair: &Keypair) -> Result<(Connecting, Notes), DialError> {
    let endpoint = Endpoint::new_with_abstract_socket(config::endpoint(), None, Arc::clone(socket) as _, Arc::new(TokioRuntime))
        .map_err(SocketFault::Local)?;
    // The endpoint's task lives on while its connection does.
    connecting(&endpoint, remote, keypair)
}

/// Begins a handshake.
pub(super) fn connecting(endpoint: &Endpoint, remote: SocketAddr, keypair: &Keypair) -> Result<(Connecting, Notes), DialError> {
    let (tls, notes) = Credentials::generate(keypair)?.client()?;
    let crypto = QuicClientConfig::try_from(tls).map_err(|e| no_initial_suite(&e))?;
    Ok((endpoint.connect_with(config::client(crypto), remote, SERVER_NAME)?, notes))
}

/// Who answered. A finished handshake without a verified certificate would be a defect of the TLS library.
pub(super) fn proved(notes: &Notes) -> Result<Remote, DialError> {
    notes.remote().ok_or(DialError::Ended(Ended::Locally))
}

fn no_initial_suite(error: &NoInitialCipherSuite) -> SetupError {
    SetupError::Tls(rustls::Error::General(error.to_string()))
}

/// The most telling of what is known: the certificate, then the network, then QUIC.
pub(super) fn failure(error: ConnectionError, notes: &Notes, socket: &Socket) -> DialError {
    if let Some(rejected) = notes.rejected() {
        return DialError::BadCertificate(rejected);
    }
    if let Some(fault) = socket.take_fault() {
        return SocketFault::from(fault).into();
    }
    match Ended::from(error) {
        Ended::TimedOut if socket.progress().datagrams_received() == 0 => DialError::Silent,
        ended => DialError::Ended(ended),
    }
}
