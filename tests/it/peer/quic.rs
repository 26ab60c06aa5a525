//! A scripted node over QUIC.

use super::script::{Script, Step};
use super::stack::{self, Joined, Node};
use super::{secure, streams};
use libp2p_identity::Keypair;
use multiaddr::Protocol;
use quinn::crypto::rustls::QuicServerConfig;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Serves on the current runtime and returns the port.
pub fn start(script: Script, key: Keypair, target: Option<Keypair>) -> u16 {
    let tls = secure::tls_config(&key, &script.alpn);
    let tls = QuicServerConfig::try_from(tls).expect("TLS 1.3 serves QUIC");
    let config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let endpoint = quinn::Endpoint::server(config, any).expect("a free port");
    let port = endpoint.local_addr().expect("bound").port();
    let node = Arc::new(Node::new(script, key, port, target));
    tokio::spawn(async move {
        while let Some(incoming) = endpoint.accept().await {
            tokio::spawn(serve(Arc::clone(&node), incoming));
        }
    });
    port
}

async fn serve(node: Arc<Node>, incoming: quinn::Incoming) {
    let Ok(connection) = incoming.await else {
        return;
    };
    if node.script.closes_after == Some(Step::Multiplex) {
        connection.close(0u8.into(), b"");
        return;
    }
    let from = connection.remote_address();
    let seen = stack::observed(Protocol::Udp(from.port()), from).with(Protocol::QuicV1);
    while let Ok((writer, reader)) = connection.accept_bi().await {
        let (node, seen) = (Arc::clone(&node), seen.clone());
        tokio::spawn(async move { streams::answer(&node, Joined { reader, writer }, &seen).await });
    }
}
