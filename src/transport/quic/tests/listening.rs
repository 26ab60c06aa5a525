//! What a listener does with dialers: limits, hostile ones, STUN.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::sign::CertifiedKey;

use super::*;
use crate::transport::libp2p_tls::Credentials;

#[tokio::test]
async fn a_listener_closes_all_its_connections() {
    let (mut dialed, _accepted, listener) = pair().await;
    listener.close(3, b"bye");
    assert!(listener.accept().await.is_none());
    let expected = Ended::ByPeer { code: Some(3), reason: "bye".into() };
    assert_eq!(ended(&mut dialed.connection).await, expected);
}

#[tokio::test]
async fn an_ipv4_dialer_is_seen_as_one_by_a_socket_for_both_families() {
    let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::DGRAM, None).unwrap();
    socket.set_only_v6(false).unwrap();
    socket.bind(&"[::]:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    let listener = Listener::new(socket.into(), &Keypair::generate_ed25519(), Limits::default()).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], listener.local_addr().unwrap().port()));
    let accept = async {
        let arrival = listener.accept().await.unwrap();
        (arrival.remote, arrival.local, arrival.handshake().await.unwrap())
    };
    let (dialed, (remote, local, accepted)) = tokio::join!(dial_to(address), accept);
    let dialed = dialed.unwrap();
    assert_eq!(remote, dialed.local);
    assert_eq!(local, Some(address.ip()));
    assert_eq!(accepted.connection.remote(), dialed.local);
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
        assert_eq!((datagram.from, datagram.bytes), (sender.local_addr().unwrap(), request.clone()));
        count += 1;
    }
    assert!((1..=32).contains(&count), "{count}");
}
