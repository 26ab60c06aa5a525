//! A scripted node over webrtc-direct, on our own listener.

use super::script::{Script, Step};
use super::stack::{self, Node};
use libp2p_core::muxing::StreamMuxerBox;
use libp2p_identity::Keypair;
use multiaddr::Protocol;
use p2p_probe::transport::quic::Limits;
use p2p_probe::transport::webrtc_direct::{Arrival, Certificate, Listener};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::UdpSocket;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// No datagram over loopback is longer.
const LONGEST: usize = 65_536;

/// Serves on the current runtime and returns the port and the certhash.
pub async fn start(script: Script, key: Keypair) -> (u16, String) {
    let socket = std::net::UdpSocket::bind(ANY).expect("a free port");
    let certificate = Certificate::generate().expect("a certificate");
    let listener = Listener::new(socket, &key, certificate, Limits::default()).expect("a listener");
    let certhash = listener.fingerprint().to_string();
    let inner = listener.local_addr().expect("bound");
    let port = if script.hangs_after == Some(Step::Connect) { checks_alone(inner).await } else { inner.port() };
    let node = Arc::new(Node { script, key, port });
    tokio::spawn(async move {
        while let Some(arrival) = listener.accept().await {
            tokio::spawn(serve(Arc::clone(&node), arrival));
        }
    });
    (port, certhash)
}

async fn serve(node: Arc<Node>, arrival: Arrival) {
    let from = arrival.remote;
    let Ok(accepted) = arrival.handshake(|_| ()).await else {
        return;
    };
    let seen = stack::observed(Protocol::Udp(from.port()), from).with(Protocol::WebRTCDirect);
    node.multiplex(StreamMuxerBox::new(accepted.connection), seen).await;
}

/// A way to a listener that only connectivity checks pass: DTLS, sent to it, is lost.
async fn checks_alone(inner: SocketAddr) -> u16 {
    let outer = Arc::new(UdpSocket::bind(ANY).await.expect("a free port"));
    let port = outer.local_addr().expect("bound").port();
    tokio::spawn(async move {
        let mut ways: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut datagram = vec![0; LONGEST];
        loop {
            let Ok((length, from)) = outer.recv_from(&mut datagram).await else {
                continue;
            };
            if !is_stun(&datagram[..length]) {
                continue;
            }
            if let Entry::Vacant(place) = ways.entry(from) {
                let way = Arc::new(UdpSocket::bind(ANY).await.expect("a free port"));
                way.connect(inner).await.expect("a UDP socket connects");
                tokio::spawn(bring_back(Arc::clone(&way), Arc::clone(&outer), from));
                place.insert(way);
            }
            let _ = ways[&from].send(&datagram[..length]).await;
        }
    });
    port
}

async fn bring_back(way: Arc<UdpSocket>, outer: Arc<UdpSocket>, to: SocketAddr) {
    let mut datagram = vec![0; LONGEST];
    while let Ok(length) = way.recv(&mut datagram).await {
        if is_stun(&datagram[..length]) {
            let _ = outer.send_to(&datagram[..length], to).await;
        }
    }
}

/// By its first byte (RFC 7983).
fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|byte| *byte <= 3)
}
