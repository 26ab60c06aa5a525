//! A scripted node over webrtc-direct, on our own listener.

use super::script::{Script, Step};
use super::stack::{self, Node};
use libp2p_core::muxing::StreamMuxerBox;
use libp2p_identity::Keypair;
use multiaddr::Protocol;
use p2p_probe::transport::quic::Limits;
use p2p_probe::transport::webrtc_direct::{Arrival, Certificate, Listener, Step as Done};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// No datagram over loopback is longer.
const LONGEST: usize = 65_536;

/// Serves on the current runtime and returns the port and the certhash.
pub async fn start(mut script: Script, key: Keypair, target: Option<Keypair>) -> (u16, String) {
    let socket = std::net::UdpSocket::bind((script.ip, 0)).expect("a free port");
    let certificate = Certificate::generate().expect("a certificate");
    let listener = Listener::new(socket, &key, certificate, Limits::default()).expect("a listener");
    let certhash = listener.fingerprint().to_string();
    for address in &mut script.identify.announced {
        *address = address.replace("{certhash}", &certhash);
    }
    let inner = listener.local_addr().expect("bound");
    let port = match Guard::of(&script) {
        Some(guard) => guarded(inner, guard).await,
        None => inner.port(),
    };
    let node = Arc::new(Node::new(script, key, port, target));
    tokio::spawn(async move {
        while let Some(arrival) = listener.accept().await {
            tokio::spawn(serve(Arc::clone(&node), arrival));
        }
    });
    (port, certhash)
}

async fn serve(node: Arc<Node>, arrival: Arrival) {
    let from = arrival.remote;
    let (reached, mut steps) = mpsc::unbounded_channel();
    let mut handshake = pin!(arrival.handshake(|done| {
        let step = match done {
            Done::Secured { .. } => Some(Step::Dtls),
            Done::Channel => Some(Step::Channel),
            _ => None,
        };
        // Nobody listens when it is over.
        let _ = reached.send(step);
    }));
    let accepted = loop {
        tokio::select! {
            accepted = &mut handshake => break accepted,
            Some(step) = steps.recv() => {
                if step.is_some() && step == node.script.closes_after {
                    return;
                }
                if step.is_some() && step == node.script.hangs_after {
                    pending::<()>().await;
                }
            }
        }
    };
    let Ok(accepted) = accepted else {
        return;
    };
    let seen = stack::observed(Protocol::Udp(from.port()), from).with(Protocol::WebRTCDirect);
    node.multiplex(StreamMuxerBox::new(accepted.connection), seen).await;
}

/// What stands before a listener and lets not everything through.
#[derive(Clone)]
enum Guard {
    /// Checks alone: DTLS, sent to it, is lost.
    Checks,
    /// Checks alone, and DTLS is answered with this alert.
    Alert(u8),
    /// Checks of this version, and whatever is no check.
    Version(String),
}

impl Guard {
    fn of(script: &Script) -> Option<Self> {
        match (&script.speaks, script.alert) {
            (Some(version), _) => Some(Self::Version(format!("libp2p+webrtc+{version}/"))),
            (None, Some(alert)) => Some(Self::Alert(alert)),
            (None, None) => (script.hangs_after == Some(Step::Connect)).then_some(Self::Checks),
        }
    }

    fn lets_in(&self, datagram: &[u8]) -> bool {
        match self {
            Self::Checks | Self::Alert(_) => is_stun(datagram),
            Self::Version(ufrag) => {
                // An answer to a check of the listener's names nobody.
                let names = |text: &[u8]| datagram.windows(text.len()).any(|part| part == text);
                !is_stun(datagram) || names(ufrag.as_bytes()) || !names(b"libp2p+webrtc+")
            }
        }
    }

    fn lets_out(&self, datagram: &[u8]) -> bool {
        matches!(self, Self::Version(_)) || is_stun(datagram)
    }

    /// What is said instead of letting a datagram in.
    fn instead(&self) -> Option<[u8; 15]> {
        match self {
            // A record of DTLS 1.2 (RFC 6347, section 4.1) with a fatal alert.
            Self::Alert(alert) => Some([21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, *alert]),
            _ => None,
        }
    }
}

/// A way to a listener that not everything passes.
async fn guarded(inner: SocketAddr, guard: Guard) -> u16 {
    let outer = Arc::new(UdpSocket::bind(ANY).await.expect("a free port"));
    let port = outer.local_addr().expect("bound").port();
    tokio::spawn(async move {
        let mut ways: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut datagram = vec![0; LONGEST];
        loop {
            let Ok((length, from)) = outer.recv_from(&mut datagram).await else {
                continue;
            };
            if !guard.lets_in(&datagram[..length]) {
                if let Some(instead) = guard.instead() {
                    let _ = outer.send_to(&instead, from).await;
                }
                continue;
            }
            if let Entry::Vacant(place) = ways.entry(from) {
                let way = Arc::new(UdpSocket::bind(ANY).await.expect("a free port"));
                way.connect(inner).await.expect("a UDP socket connects");
                tokio::spawn(bring_back(Arc::clone(&way), Arc::clone(&outer), from, guard.clone()));
                place.insert(way);
            }
            let _ = ways[&from].send(&datagram[..length]).await;
        }
    });
    port
}

async fn bring_back(way: Arc<UdpSocket>, outer: Arc<UdpSocket>, to: SocketAddr, guard: Guard) {
    let mut datagram = vec![0; LONGEST];
    while let Ok(length) = way.recv(&mut datagram).await {
        if guard.lets_out(&datagram[..length]) {
            let _ = outer.send_to(&datagram[..length], to).await;
        }
    }
}

/// By its first byte (RFC 7983).
fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|byte| *byte <= 3)
}
