//! Who begins over webrtc-direct in another's name, and goes on in its own.

use super::asker::hex;
use crate::lab::referee::Host;
use libp2p_core::muxing::StreamMuxerBox;
use libp2p_identity::Keypair;
use p2p_probe::transport::quic::Progress;
use p2p_probe::transport::webrtc_direct::{Ask, Dial, Version};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::UdpSocket;

/// Before the handshake message of a record of DTLS: its kind, version and number.
const RECORD: usize = 13;

/// Dials over a bridge that forges the source of the first check, which holds the connection's name, and that of the first
/// hello.
pub async fn dial(from: SocketAddr, helper: SocketAddr, victim: SocketAddr, keypair: &Keypair) -> StreamMuxerBox {
    let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let remote = near.local_addr().expect("bound");
    let far = UdpSocket::bind(from).await.expect("a port");
    far.connect(helper).await.expect("a way there");
    tokio::spawn(bridge(near, far, helper, victim));
    let [socket, second] = [(); 2].map(|()| std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"));
    let ask = Ask::Only(Version::V2, second);
    let dial = Dial { socket, remote, ask, certhashes: Vec::new(), keypair, progress: Progress::default() };
    StreamMuxerBox::new(dial.run(|_| ()).await.expect("a connection").connection)
}

async fn bridge(near: UdpSocket, far: UdpSocket, helper: SocketAddr, victim: SocketAddr) {
    let [mut there, mut back] = [[0; 2048]; 2];
    let (length, dialer) = near.recv_from(&mut there).await.expect("a check");
    let (from, to) = (json!([victim.ip(), victim.port()]), json!([helper.ip(), helper.port()]));
    let mut host = Host::here();
    let mut forge = |datagram: &[u8]| {
        host.ask(&json!({ "op": "forge", "from": from, "to": to, "bytes": [hex(datagram)] }));
    };
    forge(&there[..length]);
    // The parts of the first hello, until it is said again.
    let (mut hello, mut again) = (Vec::new(), false);
    loop {
        tokio::select! {
            sent = near.recv_from(&mut there) => if let Ok((length, source)) = sent && source == dialer {
                let datagram = &there[..length];
                let part = (datagram[0] == 22 && !again).then(|| datagram[RECORD..].to_vec());
                again |= part.as_ref().is_some_and(|part| hello.contains(part));
                if let Some(part) = part.filter(|_| !again) {
                    forge(datagram);
                    hello.push(part);
                } else {
                    let _ = far.send(datagram).await;
                }
            },
            heard = far.recv(&mut back) => if let Ok(length) = heard {
                let _ = near.send_to(&back[..length], dialer).await;
            },
        }
    }
}
