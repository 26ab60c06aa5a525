//! Dialer and listener against each other, and against peers that misbehave, on loopback.

mod dialing;
mod exchange;
mod listening;

use std::future::poll_fn;
use std::net::{SocketAddr, UdpSocket};

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p_core::muxing::StreamMuxerExt;
use libp2p_identity::Keypair;

use super::*;

const LOCAL: &str = "127.0.0.1:0";

fn udp(address: &str) -> UdpSocket {
    UdpSocket::bind(address).unwrap()
}

fn listener(address: &str, keypair: &Keypair, limits: Limits) -> (Listener, SocketAddr) {
    let listener = Listener::new(udp(address), keypair, limits).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn dial_as(keypair: &Keypair, remote: SocketAddr) -> Result<Dialed, DialError> {
    let local = if remote.is_ipv6() { "[::1]:0" } else { LOCAL };
    dial(udp(local), remote, keypair, Progress::default()).await
}

async fn dial_to(remote: SocketAddr) -> Result<Dialed, DialError> {
    dial_as(&Keypair::generate_ed25519(), remote).await
}

async fn accepted(listener: &Listener) -> Result<Accepted, AcceptError> {
    listener.accept().await.unwrap().handshake().await
}

/// A connected pair.
async fn pair() -> (Dialed, Accepted, Listener) {
    let (listener, address) = listener(LOCAL, &Keypair::generate_ed25519(), Limits::default());
    let (dialed, accepted) = tokio::join!(dial_to(address), accepted(&listener));
    (dialed.unwrap(), accepted.unwrap(), listener)
}

async fn open(connection: &mut Connection) -> Result<Substream, Ended> {
    poll_fn(|cx| connection.poll_outbound_unpin(cx)).await
}

async fn inbound(connection: &mut Connection) -> Result<Substream, Ended> {
    poll_fn(|cx| connection.poll_inbound_unpin(cx)).await
}

async fn ended(connection: &mut Connection) -> Ended {
    poll_fn(|cx| connection.poll_unpin(cx)).await.map(|_| ()).unwrap_err()
}

/// `from` opens a stream, asks and closes; `to` answers what it read to the end.
async fn echo(from: &mut Connection, to: &mut Connection) {
    let ask = async {
        let mut stream = open(from).await.unwrap();
        stream.write_all(b"question").await.unwrap();
        stream.close().await.unwrap();
        stream.close().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let answer = async {
        let mut stream = inbound(to).await.unwrap();
        let mut question = Vec::new();
        stream.read_to_end(&mut question).await.unwrap();
        stream.write_all(&question).await.unwrap();
        stream.close().await.unwrap();
    };
    assert_eq!(tokio::join!(ask, answer).0, b"question");
}
