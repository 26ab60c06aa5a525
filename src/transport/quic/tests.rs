//! Dialer and listener against each other, and against servers that misbehave, on loopback.

use std::future::poll_fn;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p_core::StreamMuxer;
use libp2p_core::muxing::StreamMuxerExt;
use libp2p_identity::{KeyType, Keypair};
use quinn::crypto::rustls::QuicServerConfig;
use rustls::crypto::ring;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::*;
use crate::transport::libp2p_tls::{CertError, Credentials};

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

/// A QUIC server with this certificate and ALPN, of no other interest.
fn plain_server(credentials: Arc<SingleCertAndKey>, alpn: &[u8]) -> (quinn::Endpoint, SocketAddr) {
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(credentials);
    tls.alpn_protocols = vec![alpn.to_vec()];
    let config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()));
    let endpoint = quinn::Endpoint::server(config, LOCAL.parse().unwrap()).unwrap();
    let address = endpoint.local_addr().unwrap();
    (endpoint, address)
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
async fn two_peers_know_each_other_and_exchange_bytes_both_ways() {
    let cases = [
        (LOCAL, Keypair::generate_ed25519(), KeyType::Ed25519),
        ("[::1]:0", Keypair::generate_ecdsa(), KeyType::Ecdsa),
        (LOCAL, Keypair::generate_secp256k1(), KeyType::Secp256k1),
    ];
    for (bind, served, kind) in cases {
        let (listener, address) = listener(bind, &served, Limits::default());
        let own = Keypair::generate_ed25519();
        let (dialed, accepted) = tokio::join!(dial_as(&own, address), accepted(&listener));
        let (mut dialed, mut accepted) = (dialed.unwrap(), accepted.unwrap());
        assert_eq!(dialed.peer, served.public().to_peer_id());
        assert_eq!(dialed.key_type, kind);
        assert_eq!(accepted.peer, own.public().to_peer_id());
        assert_eq!(accepted.key_type, KeyType::Ed25519);
        assert_eq!((dialed.version, dialed.local.ip()), (1, address.ip()));
        assert_eq!(accepted.connection.remote(), dialed.local);
        assert!(!dialed.rtt.is_zero());

        echo(&mut dialed.connection, &mut accepted.connection).await;
        echo(&mut accepted.connection, &mut dialed.connection).await;
    }
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

#[tokio::test]
async fn a_dropped_stream_is_reset_not_finished() {
    let (mut dialed, mut accepted, _listener) = pair().await;
    let mut stream = open(&mut dialed.connection).await.unwrap();
    stream.write_all(b"half").await.unwrap();
    let mut remote = inbound(&mut accepted.connection).await.unwrap();
    drop(stream);
    let error = remote.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_orderly_close_reaches_the_peer() {
    let (mut dialed, mut accepted, listener) = pair().await;
    assert_eq!(dialed.connection.closed_reason(), None);
    poll_fn(|cx| std::pin::Pin::new(&mut dialed.connection).poll_close(cx)).await.unwrap();
    assert_eq!(dialed.connection.closed_reason(), Some(Ended::Locally));
    let by_peer = Ended::ByPeer { code: Some(0), reason: String::new() };
    assert_eq!(ended(&mut accepted.connection).await, by_peer);
    assert_eq!(inbound(&mut accepted.connection).await.unwrap_err(), by_peer);
    drop(accepted);
    listener.wait_idle().await;
}

#[tokio::test]
async fn a_dropped_connection_is_closed_though_a_stream_is_held() {
    let (mut dialed, mut accepted, _listener) = pair().await;
    let _stream = open(&mut dialed.connection).await.unwrap();
    drop(dialed);
    assert!(matches!(ended(&mut accepted.connection).await, Ended::ByPeer { code: Some(0), .. }));
}

#[tokio::test]
async fn a_close_code_and_its_words_arrive_bounded() {
    let (mut dialed, accepted, _listener) = pair().await;
    accepted.connection.close_with(7, &[b'x'; 900]);
    match ended(&mut dialed.connection).await {
        Ended::ByPeer { code: Some(7), reason } => assert_eq!(reason, "x".repeat(256)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_listener_closes_all_its_connections() {
    let (mut dialed, _accepted, listener) = pair().await;
    listener.close(3, b"bye");
    assert!(listener.accept().await.is_none());
    let expected = Ended::ByPeer { code: Some(3), reason: "bye".into() };
    assert_eq!(ended(&mut dialed.connection).await, expected);
}

#[tokio::test]
async fn a_closed_port_refuses() {
    for bind in [LOCAL, "[::1]:0"] {
        let address = udp(bind).local_addr().unwrap();
        let progress = Progress::default();
        let keypair = Keypair::generate_ed25519();
        let outcome = dial(udp(bind), address, &keypair, progress.clone()).await;
        assert!(matches!(outcome, Err(DialError::Refused)), "{outcome:?}");
        // Known by the first datagram, not by its repetition.
        assert_eq!(progress.datagrams_sent(), 1);
    }
}

#[test]
fn what_the_socket_reports_is_told_apart() {
    use std::io::ErrorKind;
    let of = |kind: ErrorKind| DialError::of_socket(kind.into());
    assert!(matches!(of(ErrorKind::ConnectionRefused), DialError::Refused));
    assert!(matches!(of(ErrorKind::ConnectionReset), DialError::Refused));
    assert!(matches!(of(ErrorKind::HostUnreachable), DialError::Unreachable(_)));
    assert!(matches!(of(ErrorKind::NetworkUnreachable), DialError::Unreachable(_)));
    assert!(matches!(of(ErrorKind::PermissionDenied), DialError::Forbidden(_)));
    assert!(matches!(of(ErrorKind::AddrNotAvailable), DialError::Io(_)));
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

#[tokio::test]
async fn one_address_gets_no_more_than_its_share() {
    let limits = Limits { per_ip: 1, ..Limits::default() };
    let (listener, address) = listener(LOCAL, &Keypair::generate_ed25519(), limits);
    let (first, accepted) = tokio::join!(dial_to(address), accepted(&listener));
    let (_first, accepted) = (first.unwrap(), accepted.unwrap());

    let refused = tokio::select! {
        dialed = dial_to(address) => dialed.unwrap_err(),
        _ = listener.accept() => panic!("over the limit"),
    };
    assert!(matches!(refused, DialError::Ended(Ended::Declined)), "{refused:?}");
    assert_eq!(listener.refused(), 1);

    drop(accepted);
    let (again, _) = tokio::join!(dial_to(address), self::accepted(&listener));
    again.unwrap();
}

#[tokio::test]
async fn under_pressure_a_dialer_proves_its_address() {
    let limits = Limits { retry_above: 0, ..Limits::default() };
    let (listener, address) = listener(LOCAL, &Keypair::generate_ed25519(), limits);
    let progress = Progress::default();
    let keypair = Keypair::generate_ed25519();
    let dial = dial(udp(LOCAL), address, &keypair, progress.clone());
    let accept = async {
        let arrival = listener.accept().await.unwrap();
        // Only the answer to a Retry gets here, so one datagram went back before.
        assert!(arrival.is_validated());
        arrival.handshake().await
    };
    let (dialed, accepted) = tokio::join!(dial, accept);
    dialed.unwrap();
    accepted.unwrap();
}

/// The first datagram of a dial, without its dialer.
async fn first_packet() -> Vec<u8> {
    let silent = tokio::net::UdpSocket::bind(LOCAL).await.unwrap();
    let mut buffer = vec![0; 2048];
    let len = tokio::select! {
        _ = dial_to(silent.local_addr().unwrap()) => panic!("nobody answered"),
        len = silent.recv(&mut buffer) => len.unwrap(),
    };
    buffer.truncate(len);
    buffer
}

#[tokio::test]
async fn a_handshake_that_hangs_ends_at_the_limit() {
    let limits = Limits { handshake: Duration::from_millis(20), ..Limits::default() };
    let (listener, address) = listener(LOCAL, &Keypair::generate_ed25519(), limits);
    let ghost = udp(LOCAL);
    ghost.send_to(&first_packet().await, address).unwrap();
    let arrival = listener.accept().await.unwrap();
    assert_eq!(arrival.remote, ghost.local_addr().unwrap());
    let outcome = arrival.handshake().await;
    assert!(matches!(outcome, Err(AcceptError::TimedOut)), "{outcome:?}");
}

#[tokio::test]
async fn a_dialer_that_rejects_us_says_so_by_alert() {
    let (listener, address) = listener(LOCAL, &Keypair::generate_ed25519(), Limits::default());
    let endpoint = quinn::Endpoint::client(LOCAL.parse().unwrap()).unwrap();
    // A dialer by web rules: it trusts no self-signed certificate.
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"libp2p".to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    let dial = async { endpoint.connect_with(config, address, "localhost").unwrap().await.map(|_| ()) };
    let (dialed, accepted) = tokio::join!(dial, accepted(&listener));
    assert!(dialed.is_err());
    assert!(matches!(accepted, Err(AcceptError::Ended(Ended::TlsAlert { by_peer: true, .. }))), "{accepted:?}");
}

#[tokio::test]
async fn a_dialer_without_a_certificate_is_told_from_one_that_closed() {
    let (listener, address) = listener(LOCAL, &Keypair::generate_ed25519(), Limits::default());
    let endpoint = quinn::Endpoint::client(LOCAL.parse().unwrap()).unwrap();
    let (mut tls, _notes) = Credentials::generate(&Keypair::generate_ed25519()).unwrap().client().unwrap();
    tls.client_auth_cert_resolver = Arc::new(NoCertificate);
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    let dial = async { endpoint.connect_with(config, address, "any").unwrap().await };
    let (_dialed, accepted) = tokio::join!(dial, accepted(&listener));
    // certificate_required
    let expected = Ended::TlsAlert { alert: 116, by_peer: false };
    assert!(matches!(accepted, Err(AcceptError::Ended(ended)) if ended == expected));
}

#[derive(Debug)]
struct NoCertificate;

impl rustls::client::ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn stun_on_the_same_port_is_split_off_and_disturbs_nothing() {
    let (listener, address) = listener(LOCAL, &Keypair::generate_ed25519(), Limits::default());
    let mut stun = listener.take_stun().unwrap();
    assert!(listener.take_stun().is_none());
    let sender = udp(LOCAL);
    let request = [&[0, 1, 0, 0][..], &[0x21, 0x12, 0xa4, 0x42], &[7; 12]].concat();
    // More than the queue holds: the rest is dropped.
    for _ in 0..100 {
        sender.send_to(&request, address).unwrap();
    }
    let (dialed, accepted) = tokio::join!(dial_to(address), accepted(&listener));
    let (mut dialed, mut accepted) = (dialed.unwrap(), accepted.unwrap());
    echo(&mut dialed.connection, &mut accepted.connection).await;
    let mut count = 0;
    while let Ok(datagram) = stun.try_recv() {
        assert_eq!(datagram, StunDatagram { from: sender.local_addr().unwrap(), bytes: request.clone() });
        count += 1;
    }
    assert!((1..=32).contains(&count), "{count}");
}

#[test]
fn outside_of_a_runtime_a_dial_fails_without_panic() {
    let outcome = futures::executor::block_on(dial_to("127.0.0.1:9".parse().unwrap()));
    assert!(matches!(outcome, Err(DialError::Io(_))));
}
