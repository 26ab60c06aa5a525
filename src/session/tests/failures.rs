//! Peers that fail on the way to a connection, and where that is booked.

use futures::AsyncWriteExt;

use super::*;
use crate::model::Cause;

fn no_common(offered: &str) -> Cause {
    Cause::NoCommonProtocol { offered: Some(vec![offered.to_owned()]) }
}

/// Dials, and tells at which step it failed.
async fn fails(near: End) -> (&'static str, Cause) {
    let keypair = Keypair::generate_ed25519();
    let secured = match secure_outbound(near, &keypair, Security::Noise).await {
        Ok(secured) => secured,
        Err(fault) => return ("secure", fault.cause),
    };
    let connection = match multiplex_outbound(secured.stream).await {
        Ok(connection) => connection,
        Err(fault) => return ("multiplex", fault.cause),
    };
    let session = session(connection, still(), &keypair).0.identify_ahead();
    session
        .run(async {
            if let Err(fault) = session.established().await {
                return ("multiplex", fault.cause);
            }
            if let Err(fault) = session.identify().await {
                return ("identify", fault.cause);
            }
            match session.ping(3, Duration::ZERO, &mut Pings::default()).await {
                Ok(()) => panic!("nothing failed"),
                Err(fault) => ("ping", fault.cause),
            }
        })
        .await
}

#[tokio::test]
async fn no_noise() {
    let (near, far) = pipe();
    let ended = beside(fails(near), answer(far, &["/tls/1.0.0"])).await;
    assert_eq!(ended, ("secure", no_common("/noise")));
}

#[tokio::test]
async fn no_yamux_is_a_fault_of_multiplex_though_it_comes_late() {
    let (near, far) = pipe();
    let peer = async {
        let secured = secure_inbound(far, &Keypair::generate_ed25519()).await.unwrap();
        answer(secured.stream, &["/mplex/6.7.0"]).await.map(drop)
    };
    assert_eq!(beside(fails(near), peer).await, ("multiplex", no_common("/yamux/1.0.0")));
}

#[tokio::test]
async fn no_yamux_on_the_listening_side() {
    let (near, far) = pipe();
    let peer = async {
        let secured = secure_outbound(near, &Keypair::generate_ed25519(), Security::Noise).await.unwrap();
        propose(secured.stream, "/mplex/6.7.0").confirmed().await
    };
    let listener = async {
        let secured = secure_inbound(far, &Keypair::generate_ed25519()).await.unwrap();
        multiplex_inbound(secured.stream).await.map(drop).unwrap_err()
    };
    let unanswered = beside(listener, peer).await;
    assert_eq!((unanswered.fault.cause, unanswered.asked), (no_common("/yamux/1.0.0"), vec!["/mplex/6.7.0".to_owned()]));
}

#[tokio::test]
async fn garbage_in_noise() {
    let (near, far) = pipe();
    let peer = async {
        let (_, mut stream) = answer(far, &["/noise"]).await.unwrap();
        stream.write_all(&[0, 64]).await.unwrap();
        stream.write_all(&[0x55; 64]).await.unwrap();
        stream.flush().await.unwrap();
        stream
    };
    let (step, cause) = beside(fails(near), peer).await;
    assert_eq!((step, cause.code()), ("secure", "handshake-failed"));
}

#[tokio::test]
async fn garbage_in_noise_from_a_dialer() {
    let (near, far) = pipe();
    let dialer = async {
        let mut stream = propose(near, "/noise");
        stream.write_all(&[0, 4, 1, 2, 3, 4]).await.unwrap();
        stream.flush().await.unwrap();
        stream
    };
    let listener = async { secure_inbound(far, &Keypair::generate_ed25519()).await.unwrap_err() };
    let (unanswered, _stream) = futures::future::join(listener, dialer).await;
    assert_eq!(unanswered.fault.cause.code(), "handshake-failed");
}

#[tokio::test]
async fn another_protocol() {
    let (near, mut far) = pipe();
    far.write_all(b"HTTP/1.1 400 Bad Request\r\n").await.unwrap();
    assert_eq!(fails(near).await, ("secure", Cause::NotLibp2p { speaks: None }));
}

#[tokio::test]
async fn what_was_said_before_hanging_up_counts() {
    let (near, mut far) = pipe();
    far.write_all(b"220 mail.example.org ESMTP\r\n").await.unwrap();
    drop(far);
    assert_eq!(fails(near).await, ("secure", Cause::NotLibp2p { speaks: None }));
}

#[tokio::test]
async fn closed_at_each_step() {
    let (near, far) = pipe();
    drop(far);
    assert_eq!(fails(near).await, ("secure", Cause::Closed), "at once");

    let (near, mut far) = pipe();
    far.write_all(b"\x13/multistream/1.0.0\n").await.unwrap();
    drop(far);
    assert_eq!(fails(near).await, ("secure", Cause::Closed), "after the header");

    let (near, far) = pipe();
    let peer = async { answer(far, &["/noise"]).await.map(drop) };
    assert_eq!(beside(fails(near), peer).await, ("secure", Cause::Closed), "after agreeing to noise");

    let (near, far) = pipe();
    let peer = async { secure_inbound(far, &Keypair::generate_ed25519()).await.map(drop) };
    assert_eq!(beside(fails(near), peer).await, ("multiplex", Cause::Closed), "after noise");

    let (near, far) = pipe();
    let peer = async {
        let secured = secure_inbound(far, &Keypair::generate_ed25519()).await.unwrap();
        let mut muxer = multiplex_inbound(secured.stream).await.unwrap().muxer;
        poll_fn(|cx| muxer.poll_inbound_unpin(cx)).await.map(drop)
    };
    assert_eq!(beside(fails(near), peer).await, ("identify", Cause::Closed), "after the first stream");
}

#[tokio::test]
async fn frames_that_are_not_yamux() {
    let (near, far) = pipe();
    let peer = async {
        let secured = secure_inbound(far, &Keypair::generate_ed25519()).await.unwrap();
        let (_, mut stream) = answer(secured.stream, &["/yamux/1.0.0"]).await.unwrap();
        stream.write_all(&[0xee; 64]).await.unwrap();
        stream.flush().await.unwrap();
        pending::<()>().await;
    };
    let (step, cause) = beside(fails(near), peer).await;
    assert_eq!((step, cause.code()), ("multiplex", "handshake-failed"));
}

#[tokio::test]
async fn no_tls() {
    let (near, far) = pipe();
    let dialer = async { secure_outbound(near, &Keypair::generate_ed25519(), Security::Tls).await.unwrap_err().cause };
    assert_eq!(beside(dialer, answer(far, &["/noise"])).await, no_common("/tls/1.0.0"));
}

#[tokio::test]
async fn garbage_in_tls() {
    let (near, far) = pipe();
    let dialer = async { secure_outbound(near, &Keypair::generate_ed25519(), Security::Tls).await.unwrap_err().cause };
    let peer = async {
        let (_, mut stream) = answer(far, &["/tls/1.0.0"]).await.unwrap();
        stream.write_all(&[0x55; 64]).await.unwrap();
        stream
    };
    assert_eq!(beside(dialer, peer).await.code(), "handshake-failed");
}
