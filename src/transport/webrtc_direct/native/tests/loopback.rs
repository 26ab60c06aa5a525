//! Dialers and listeners on loopback sockets.

use std::net::{SocketAddr, UdpSocket};

use libp2p_identity::Keypair;

use super::super::super::certhash::Fingerprint;
use super::super::*;
use super::echo::echo;
use crate::transport::SocketFault;
use crate::transport::quic::{Limits, Progress};

fn udp(address: &str) -> UdpSocket {
    UdpSocket::bind(address).unwrap()
}

fn listener(address: &str) -> (Listener, SocketAddr, Keypair) {
    let keypair = Keypair::generate_ed25519();
    let listener = Listener::new(udp(address), &keypair, Certificate::generate().unwrap(), Limits::default()).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address, keypair)
}

fn any(remote: SocketAddr) -> UdpSocket {
    udp(if remote.is_ipv6() { "[::1]:0" } else { "127.0.0.1:0" })
}

fn only(version: Version, remote: SocketAddr) -> Ask {
    Ask::Only(version, any(remote))
}

async fn dial(remote: SocketAddr, ask: Ask, certhashes: Vec<Fingerprint>) -> (Result<Dialed, DialError>, Vec<Step>) {
    let mut steps = Vec::new();
    let socket = any(remote);
    let keypair = Keypair::generate_ed25519();
    let dial = Dial { socket, remote, ask, certhashes, keypair: &keypair, progress: Progress::default() };
    (dial.run(|step| steps.push(step)).await, steps)
}

async fn accepted(listener: &Listener) -> Result<Accepted, AcceptError> {
    listener.accept().await.unwrap().handshake(|_| ()).await
}

#[tokio::test]
async fn both_versions_and_families_connect() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        for version in [Version::V1, Version::V2] {
            let (listener, address, keypair) = listener(address);
            let known = vec![Fingerprint::new([0; 32]), listener.fingerprint()];
            let ((dialed, steps), accepted) = tokio::join!(dial(address, only(version, address), known), accepted(&listener));
            let (mut dialed, mut accepted) = (dialed.unwrap(), accepted.unwrap());
            assert_eq!(dialed.peer, keypair.public().to_peer_id());
            assert_eq!(dialed.version, version);
            assert!(matches!(steps[0], Step::Answered { version: v, .. } if v == version), "{steps:?}");
            let Step::Secured { certificate, version } = &steps[1] else { panic!("{steps:?}") };
            assert_eq!((certificate.fingerprint, *version), (listener.fingerprint(), Some("DTLSv1.3")));
            assert_eq!(steps[2], Step::Channel);
            echo(&mut dialed.connection, &mut accepted.connection).await;
        }
    }
}

/// A dialer hears nobody but the address that it dialed, and the system would answer from another.
#[tokio::test]
async fn a_listener_on_a_wildcard_answers_from_the_address_that_was_dialed() {
    for (wildcard, dialed) in [("0.0.0.0:0", "127.0.0.2"), ("0.0.0.0:0", "127.0.0.1"), ("[::]:0", "::1")] {
        let (listener, address, _) = listener(wildcard);
        let address = SocketAddr::new(dialed.parse().unwrap(), address.port());
        let ((dialed, _), accepted) = tokio::join!(dial(address, only(Version::V2, address), Vec::new()), accepted(&listener));
        echo(&mut dialed.unwrap().connection, &mut accepted.unwrap().connection).await;
    }
}

#[tokio::test]
async fn the_listener_opens_streams_too() {
    let (listener, address, _) = listener("127.0.0.1:0");
    let ((dialed, _), accepted) = tokio::join!(dial(address, only(Version::V2, address), Vec::new()), accepted(&listener));
    echo(&mut accepted.unwrap().connection, &mut dialed.unwrap().connection).await;
}

#[tokio::test]
async fn asked_in_both_version_2_is_taken_and_version_1_is_no_arrival() {
    let (listener, address, _) = listener("127.0.0.1:0");
    // The question in version 1 is answered by `accept` and is no arrival.
    let (dialed, accepted) = tokio::join!(dial(address, Ask::Both(udp("127.0.0.1:0")), Vec::new()), accepted(&listener));
    let dialed = dialed.0.unwrap();
    assert_eq!(dialed.version, Version::V2);
    assert!(dialed.versions.v2);
    accepted.unwrap();
}

#[tokio::test]
async fn another_certificate_than_promised_is_named() {
    let (listener, address, _) = listener("127.0.0.1:0");
    let promised = vec![Fingerprint::new([7; 32])];
    let ((dialed, steps), accepted) = tokio::join!(dial(address, only(Version::V2, address), promised), accepted(&listener));
    // The listener has not to wait for its limit.
    assert!(matches!(accepted, Err(AcceptError::Failed(DialError::ChannelFailed(Ended::ByPeer)))), "{accepted:?}");
    assert!(
        matches!(dialed, Err(DialError::CertHashMismatch { ref actual }) if actual.fingerprint == listener.fingerprint()),
        "{dialed:?}"
    );
    assert_eq!(steps.len(), 1);
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let closed = udp("127.0.0.1:0").local_addr().unwrap();
    for ask in [only(Version::V2, closed), Ask::Both(udp("127.0.0.1:0"))] {
        let (dialed, _) = dial(closed, ask, Vec::new()).await;
        assert!(matches!(dialed, Err(DialError::Socket(SocketFault::Refused))), "{dialed:?}");
    }
}

#[tokio::test]
async fn a_place_is_given_back() {
    let (listener, address, _) = listener("127.0.0.1:0");
    let ((dialed, _), accepted) = tokio::join!(dial(address, only(Version::V2, address), Vec::new()), accepted(&listener));
    assert_eq!(listener.known(), 2);
    drop((dialed, accepted));
    assert_eq!(listener.known(), 0);
}
