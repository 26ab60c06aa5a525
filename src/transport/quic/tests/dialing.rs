//! Dials of ports and servers that are not what they should be.

use std::sync::Arc;

use quinn::crypto::rustls::QuicServerConfig;
use rustls::crypto::ring;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::*;
use crate::transport::SocketFault;
use crate::transport::libp2p_tls::CertError;

/// A QUIC server with this certificate and ALPN, of no other interest.
fn plain_server(credentials: Arc<SingleCertAndKey>, alpn: &[u8]) -> (quinn::Endpoint, SocketAddr) {
    let config = plain_config(credentials, alpn);
    let endpoint = quinn::Endpoint::server(config, LOCAL.parse().unwrap()).unwrap();
    let address = endpoint.local_addr().unwrap();
    (endpoint, address)
}

fn plain_config(credentials: Arc<SingleCertAndKey>, alpn: &[u8]) -> quinn::ServerConfig {
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(credentials);
    tls.alpn_protocols = vec![alpn.to_vec()];
    quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()))
}

fn plain_credentials(extensions: Vec<rcgen::CustomExtension>) -> Arc<SingleCertAndKey> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.custom_extensions = extensions;
    let certificate = params.self_signed(&key).unwrap();
    let der = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let signer = ring::sign::any_ecdsa_type(&der).unwrap();
    Arc::new(SingleCertAndKey::from(CertifiedKey::new(vec![certificate.into()], signer)))
}

#[tokio::test]
async fn a_closed_port_refuses() {
    for bind in [LOCAL, "[::1]:0"] {
        let address = udp(bind).local_addr().unwrap();
        let progress = Progress::default();
        let keypair = Keypair::generate_ed25519();
        let outcome = dial(udp(bind), address, &keypair, progress.clone()).await;
        assert!(matches!(outcome, Err(DialError::Socket(SocketFault::Refused))), "{outcome:?}");
        // Known by the first datagram, not by its repetition.
        assert_eq!(progress.datagrams_sent(), 1);
    }
}

#[test]
fn what_the_socket_reports_is_told_apart() {
    use std::io::ErrorKind;
    let of = |kind: ErrorKind| SocketFault::from(std::io::Error::from(kind));
    assert!(matches!(of(ErrorKind::ConnectionRefused), SocketFault::Refused));
    assert!(matches!(of(ErrorKind::ConnectionReset), SocketFault::Refused));
    assert!(matches!(of(ErrorKind::HostUnreachable), SocketFault::Unreachable(_)));
    assert!(matches!(of(ErrorKind::NetworkUnreachable), SocketFault::Unreachable(_)));
    assert!(matches!(of(ErrorKind::PermissionDenied), SocketFault::Forbidden(_)));
    assert!(matches!(of(ErrorKind::AddrNotAvailable), SocketFault::Local(_)));
}

#[tokio::test]
async fn another_protocol_on_the_port_is_alert_120() {
    let (server, address) = plain_server(plain_credentials(vec![]), b"h3");
    let serve = async { server.accept().await.unwrap().await.map(|_| ()) };
    let (dialed, outcome) = tokio::join!(dial_to(address), serve);
    assert!(outcome.is_err());
    match dialed.unwrap_err() {
        DialError::Ended(ended) => assert_eq!(ended, Ended::TlsAlert { alert: 120, by_peer: true }),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_ordinary_certificate_is_rejected_by_its_reason() {
    let (server, address) = plain_server(plain_credentials(vec![]), b"libp2p");
    let serve = async { server.accept().await.unwrap().await.map(|_| ()) };
    let (dialed, outcome) = tokio::join!(dial_to(address), serve);
    assert!(outcome.is_err());
    assert!(matches!(dialed, Err(DialError::BadCertificate(CertError::NoExtension))), "{dialed:?}");
}

#[tokio::test]
async fn an_unknown_key_kind_is_named() {
    let content = vec![0x30, 10, 0x04, 5, 8, 9, 18, 1, 7, 0x04, 1, 1];
    let extension = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 53594, 1, 1], content);
    let (server, address) = plain_server(plain_credentials(vec![extension]), b"libp2p");
    let serve = async { server.accept().await.unwrap().await.map(|_| ()) };
    let (dialed, _) = tokio::join!(dial_to(address), serve);
    assert!(matches!(dialed, Err(DialError::BadCertificate(CertError::UnsupportedKey { kind: 9 }))), "{dialed:?}");
}

#[tokio::test]
async fn a_silent_port_is_told_from_a_hanging_handshake() {
    let silent = udp(LOCAL);
    let address = silent.local_addr().unwrap();
    silent.set_nonblocking(true).unwrap();
    let silent = tokio::net::UdpSocket::from_std(silent).unwrap();
    let progress = Progress::default();
    let keypair = Keypair::generate_ed25519();
    let mut buffer = [0; 2048];
    {
        let mut dial = std::pin::pin!(dial(udp(LOCAL), address, &keypair, progress.clone()));
        let (len, dialer) = tokio::select! {
            _ = &mut dial => panic!("nobody answered"),
            received = silent.recv_from(&mut buffer) => received.unwrap(),
        };
        assert!(len >= 1200);
        assert!(progress.datagrams_sent() >= 1);
        assert_eq!(progress.datagrams_received(), 0);

        silent.send_to(b"\x40 not QUIC", dialer).await.unwrap();
        tokio::select! {
            _ = &mut dial => panic!("nobody answered"),
            () = async { while progress.datagrams_received() == 0 { tokio::task::yield_now().await } } => {}
        }
    }
    assert_eq!(progress.datagrams_received(), 1);
}

#[test]
fn outside_of_a_runtime_a_dial_fails_without_panic() {
    let outcome = futures::executor::block_on(dial_to("127.0.0.1:9".parse().unwrap()));
    assert!(matches!(outcome, Err(DialError::Socket(SocketFault::Local(_)))));
}

#[tokio::test]
async fn a_server_of_other_versions_is_told_apart() {
    let mut endpoint = config::endpoint();
    // The last draft before version 1.
    endpoint.supported_versions(vec![0xff00_0022]);
    let config = plain_config(plain_credentials(vec![]), b"libp2p");
    let runtime = Arc::new(quinn::TokioRuntime);
    let server = quinn::Endpoint::new(endpoint, Some(config), udp(LOCAL), runtime).unwrap();
    let outcome = dial_to(server.local_addr().unwrap()).await;
    assert!(matches!(outcome, Err(DialError::Ended(Ended::VersionMismatch))), "{outcome:?}");
}
