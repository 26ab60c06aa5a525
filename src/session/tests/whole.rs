//! Connections that work.

use futures::future::join;

use super::*;
use crate::model::Cause;

async fn listen(end: End, keypair: &Keypair) -> (Session, Notes, Secured) {
    let mut secured = secure_inbound(end, keypair).await.unwrap();
    let stream = std::mem::replace(&mut secured.stream, Box::new(pipe().0));
    let (session, notes) = session(multiplex_inbound(stream).await.unwrap(), still(), keypair);
    (session, notes, secured)
}

#[tokio::test]
async fn both_roles_secure_multiplex_identify_and_ping() {
    let (near, far) = pipe();
    let [ours, theirs] = [(); 2].map(|()| Keypair::generate_ed25519());
    let client = async {
        let secured = secure_outbound(near, &ours, Security::Noise).await.unwrap();
        assert_eq!((secured.peer, secured.key_type, secured.protocol), (theirs.public().to_peer_id(), Some("ed25519"), "/noise"));
        let (session, _) = session(multiplex_outbound(secured.stream).await.unwrap(), still(), &ours);
        let session = session.identify_ahead();
        session
            .run(async {
                session.established().await.unwrap();
                let identified = session.identify().await.unwrap();
                assert_eq!(identified.agent.as_deref(), Some(concat!("p2p-probe/", env!("CARGO_PKG_VERSION"))));
                assert_eq!(identified.claims, Some(theirs.public().to_peer_id()));
                assert_eq!(identified.observed, us(&theirs).observed);
                assert_eq!(identified.announced, us(&theirs).listen);
                assert_eq!(identified.protocols, ["/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0"]);
                let mut pings = Pings::default();
                session.ping(3, Duration::ZERO, &mut pings).await.unwrap();
                assert_eq!((pings.sent, pings.received(), pings.responder_stall), (3, 3, None));
                let mut stream = session.open("/nobody/has/this").await.unwrap();
                let refused = stream.confirmed().await.unwrap_err();
                assert_eq!(refused.cause, Cause::NoCommonProtocol { offered: Some(vec!["/nobody/has/this".to_owned()]) });
            })
            .await;
        session.close().await;
    };
    let server = async {
        let (session, notes, secured) = listen(far, &theirs).await;
        assert_eq!(secured.peer, ours.public().to_peer_id());
        let dialer = session.run(session.identify()).await.unwrap();
        assert_eq!(dialer.claims, Some(ours.public().to_peer_id()));
        let end = session.serve().await;
        (end, notes.take())
    };
    let ((), (end, notes)) = join(client, server).await;
    assert_eq!(end.cause, Cause::Closed);
    let [asked, pinged] = [Noted::AskedIdentify, Noted::Pinged].map(|kind| notes.iter().filter(|noted| **noted == kind).count());
    assert_eq!((asked, pinged), (1, 3), "{notes:?}");
    assert!(notes.contains(&Noted::Refused("/nobody/has/this".to_owned())), "{notes:?}");
}

#[tokio::test]
async fn identified_two_round_trips_after_connect_and_a_ping_costs_one() {
    let (near, far) = pipe();
    let flights = near.flights();
    let keypair = Keypair::generate_ed25519();
    let client = async {
        let ours = Keypair::generate_ed25519();
        let secured = secure_outbound(near, &ours, Security::Noise).await.unwrap();
        assert_eq!(flights.seen(), 2, "secure is one round trip");
        let (session, _) = session(multiplex_outbound(secured.stream).await.unwrap(), still(), &ours);
        let session = session.identify_ahead();
        session
            .run(async {
                session.established().await.unwrap();
                assert_eq!(flights.seen(), 4, "multiplex is one round trip");
                session.identify().await.unwrap();
                assert_eq!(flights.seen(), 4, "identify was in the same flights");
                for seen in [6, 8] {
                    session.ping(1, Duration::ZERO, &mut Pings::default()).await.unwrap();
                    assert_eq!(flights.seen(), seen, "a ping on a new stream is one round trip");
                }
                session.ping(2, Duration::ZERO, &mut Pings::default()).await.unwrap();
                assert_eq!(flights.seen(), 12);
            })
            .await;
    };
    let server = async {
        let (session, ..) = listen(far, &keypair).await;
        session.serve().await
    };
    beside(client, server).await;
}

#[tokio::test]
async fn a_flood_of_streams_is_bounded_and_the_connection_lives() {
    assert_eq!(most_served_of_a_hundred("/ipfs/id/push/1.0.0").await, 64);
}

#[tokio::test]
async fn a_flood_of_pings_is_bounded_and_the_newest_is_answered() {
    // One more is there until it makes room.
    assert!(most_served_of_a_hundred("/ipfs/ping/1.0.0").await <= 5);
}

/// How many streams are served at once, at most, when a hundred are opened for a protocol and held. A ping works all the same.
async fn most_served_of_a_hundred(protocol: &str) -> usize {
    let (near, far) = pipe();
    let keypair = Keypair::generate_ed25519();
    let most = Cell::new(0);
    let flood = async {
        let session = dial(near, still()).await.unwrap();
        session
            .run(async {
                session.established().await.unwrap();
                let mut held = Vec::new();
                for _ in 0..100 {
                    let mut stream = session.open(protocol).await.unwrap();
                    stream.confirmed().await.unwrap();
                    held.push(stream);
                }
                session.ping(1, Duration::ZERO, &mut Pings::default()).await.unwrap();
            })
            .await;
    };
    let server = async {
        let (session, ..) = listen(far, &keypair).await;
        session
            .run(poll_fn(|cx| {
                most.set(most.get().max(session.served()));
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            }))
            .await;
    };
    beside(flood, server).await;
    most.get()
}

#[tokio::test]
async fn tls_in_both_roles_costs_a_dialer_no_round_trip_more() {
    let (near, far) = pipe();
    let flights = near.flights();
    let [ours, theirs] = [(); 2].map(|()| Keypair::generate_secp256k1());
    let client = async {
        let secured = secure_outbound(near, &ours, Security::Tls).await.unwrap();
        assert_eq!(
            (secured.peer, secured.key_type, secured.protocol),
            (theirs.public().to_peer_id(), Some("secp256k1"), "/tls/1.0.0")
        );
        let (session, _) = session(multiplex_outbound(secured.stream).await.unwrap(), still(), &ours);
        let session = session.identify_ahead();
        session
            .run(async {
                session.established().await.unwrap();
                session.identify().await.unwrap();
            })
            .await;
        assert_eq!(flights.seen(), 4);
    };
    let server = async {
        let (session, _, secured) = listen(far, &theirs).await;
        assert_eq!(secured.peer, ours.public().to_peer_id());
        session.serve().await
    };
    beside(client, server).await;
}

/// A muxer of any origin will do, and its errors may carry causes.
#[tokio::test]
async fn a_connection_that_multiplexes_by_itself_is_established_at_once() {
    let (near, far) = pipe();
    let keypair = Keypair::generate_ed25519();
    let [client, server] = [(near, true), (far, false)].map(|(end, dials)| {
        let keypair = keypair.clone();
        async move {
            use libp2p_core::{
                muxing::StreamMuxerBox,
                upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade},
            };
            let yamux = libp2p_yamux::Config::default();
            let muxer = if dials { yamux.upgrade_outbound(end, "").await } else { yamux.upgrade_inbound(end, "").await };
            let (session, _) = session(StreamMuxerBox::new(muxer.unwrap()).into(), still(), &keypair);
            session.established().await.unwrap();
            if dials { session.run(session.identify()).await.map(drop) } else { Err(session.serve().await) }
        }
    });
    assert_eq!(beside(client, server).await, Ok(()));
}
