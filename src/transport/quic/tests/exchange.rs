//! Two of ours: who they are to each other, streams, and how it ends.

use futures::FutureExt;
use libp2p_core::StreamMuxer;
use libp2p_identity::KeyType;

use super::*;

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
async fn a_connection_that_the_peer_closed_keeps_its_reason_and_waits_for_nothing() {
    let (mut dialed, accepted, _listener) = pair().await;
    accepted.connection.close_with(7, b"enough");
    let by_peer = Ended::ByPeer { code: Some(7), reason: "enough".to_owned() };
    assert_eq!(ended(&mut dialed.connection).await, by_peer);
    let close = poll_fn(|cx| std::pin::Pin::new(&mut dialed.connection).poll_close(cx));
    assert!(close.now_or_never().is_some());
    assert_eq!(dialed.connection.closed_reason(), Some(by_peer));
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
async fn a_closed_connection_has_told_its_peer_though_its_runtime_ends() {
    let (listener, address) = listener(LOCAL, &Keypair::generate_ed25519(), Limits::default());
    let dialer = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dialed = dial_to(address).await.unwrap();
            dialed.connection.close().await.unwrap();
        });
    });
    // The dialer may be gone before our side of the handshake is over.
    let by_peer = match accepted(&listener).await {
        Ok(mut accepted) => ended(&mut accepted.connection).await,
        Err(AcceptError::Ended(ended)) => ended,
        Err(other) => panic!("{other:?}"),
    };
    assert!(matches!(by_peer, Ended::ByPeer { .. }), "{by_peer:?}");
    dialer.join().unwrap();
}
