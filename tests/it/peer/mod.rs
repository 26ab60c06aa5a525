//! Peers that misbehave, and some that do not, each described by data. All listen on 127.0.0.1 and any free port, and
//! end with the runtime that they were started on.

mod autonat;
mod flood;
mod hop;
mod identify;
mod punch;
mod quic;
mod raw;
mod rust_webrtc;
mod script;
mod secure;
mod stack;
mod streams;
mod webrtc;

use crate::certificate::Authority;
use raw::Raw;
use script::Script;
use serde::Deserialize;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Peer {
    /// Its port is taken, yet nothing listens: TCP is refused.
    TcpClosed,
    /// Its socket is connected elsewhere: whoever else sends hears "port unreachable".
    UdpClosed,
    /// Takes every datagram and never answers.
    UdpSilent,
    /// Answers every datagram with these bytes.
    UdpSays { bytes: Vec<u8> },
    /// Sends every datagram back as it came.
    UdpEchoes,
    /// Speaks bytes over TCP that no libp2p node would.
    Raw(Raw),
    /// A libp2p node that follows a script.
    Libp2p(Box<Script>),
}

/// A started peer: where it is, who it is, and the socket that has to stay open.
pub struct Running {
    pub port: u16,
    pub id: Option<String>,
    /// Of its certificate, over webrtc-direct.
    pub certhash: Option<String>,
    /// Who is behind it, where it is a relay.
    pub target: Option<String>,
    /// Held open: closing it would free the port.
    socket: Option<Socket>,
}

impl Peer {
    /// Starts it on the current runtime.
    pub async fn start(&self, authority: &Authority) -> Running {
        match self {
            Self::TcpClosed => held(Type::STREAM, Protocol::TCP),
            Self::UdpSilent => held(Type::DGRAM, Protocol::UDP),
            Self::UdpClosed => {
                let running = held(Type::DGRAM, Protocol::UDP);
                let elsewhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
                let socket = running.socket.as_ref().expect("it is held");
                socket.connect(&elsewhere.into()).expect("a UDP socket connects");
                running
            }
            Self::UdpSays { bytes } => Running::serving(says(Some(bytes.clone())).await),
            Self::UdpEchoes => Running::serving(says(None).await),
            Self::Raw(raw) => Running::serving(raw.start(authority).await),
            Self::Libp2p(script) => stack::start(script, authority).await,
        }
    }
}

impl Running {
    fn serving(port: u16) -> Self {
        Self { port, id: None, certhash: None, target: None, socket: None }
    }
}

/// A port that says always the same, or what it is told.
async fn says(bytes: Option<Vec<u8>>) -> u16 {
    let socket = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = socket.local_addr().expect("bound").port();
    tokio::spawn(async move {
        let mut told = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut told).await {
            let _ = socket.send_to(bytes.as_deref().unwrap_or(&told[..length]), from).await;
        }
    });
    port
}

fn held(kind: Type, protocol: Protocol) -> Running {
    let socket = Socket::new(Domain::IPV4, kind, Some(protocol)).expect("a socket");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).expect("a free port");
    let bound = socket.local_addr().expect("a bound socket has an address");
    let port = bound.as_socket().expect("an IP address").port();
    Running { socket: Some(socket), ..Running::serving(port) }
}
