//! What identify may answer.

use futures::{AsyncWriteExt, FutureExt};
use multiaddr::Multiaddr;
use prost::Message as _;

use super::*;
use crate::{
    model::Cause,
    session::{frame, identify::Wire},
};

const ID: &[&str] = &["/ipfs/id/1.0.0"];

/// Asks a peer that answers with these bytes.
async fn asked(answered: Vec<u8>) -> Result<Identified, Fault> {
    let (near, far) = pipe();
    let script: Rc<Script> = Rc::new(move |_, _, mut stream| {
        let answered = answered.clone();
        async move {
            // The reader may have had enough before all is written.
            let _ = stream.write_all(&answered).await;
            let _ = stream.close().await;
        }
        .boxed_local()
    });
    beside(ask(near, still()), scripted(far, ID, script)).await
}

async fn ask(near: End, clock: Clock) -> Result<Identified, Fault> {
    let session = dial(near, clock).await?;
    session.run(session.identify()).await
}

fn framed<'a>(messages: impl IntoIterator<Item = &'a Wire>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        frame::put(&mut bytes, &message.encode_to_vec());
    }
    bytes
}

fn address(port: u16) -> Vec<u8> {
    format!("/ip4/192.0.2.1/tcp/{port}").parse::<Multiaddr>().unwrap().to_vec()
}

fn addresses(count: u16) -> Vec<Vec<u8>> {
    (0..count).map(address).collect()
}

#[tokio::test]
async fn several_messages_are_one() {
    let one =
        Wire { agent_version: Some("one".into()), protocols: vec!["/b".into()], listen_addrs: addresses(1), ..Wire::default() };
    let two = Wire {
        agent_version: Some("two".into()),
        protocols: vec!["/a".into(), "/b".into()],
        listen_addrs: addresses(2),
        ..Wire::default()
    };
    let identified = asked(framed([&one, &two])).await.unwrap();
    assert_eq!(identified.agent.as_deref(), Some("two"));
    assert_eq!(identified.protocols, ["/a", "/b"]);
    assert_eq!(identified.announced_total, 3);
}

#[tokio::test]
async fn a_thousand_addresses_are_counted_and_a_hundred_kept() {
    let mut listen_addrs = addresses(1000);
    listen_addrs.insert(0, vec![0xff; 8]);
    let identified = asked(framed([&Wire { listen_addrs, ..Wire::default() }])).await.unwrap();
    assert_eq!((identified.announced_total, identified.unreadable, identified.announced.len()), (1001, 1, 100));
    assert_eq!(identified.announced[0].to_string(), "/ip4/192.0.2.1/tcp/0");
}

#[tokio::test]
async fn texts_are_bounded() {
    let wire = Wire { agent_version: Some("ä".repeat(5000)), protocols: vec!["/ö".repeat(300); 2000], ..Wire::default() };
    let Wire { protocols, .. } = &wire;
    assert!(protocols.len() > 1000);
    let identified = Identified::from(wire);
    assert_eq!(identified.agent.unwrap(), "ä".repeat(256));
    assert_eq!(identified.protocols, ["/ö".repeat(128)]);
}

#[tokio::test]
async fn too_large() {
    let large = Wire { agent_version: Some("a".repeat(70_000)), ..Wire::default() };
    assert_eq!(asked(framed([&large])).await.unwrap_err().cause, Cause::TooLarge);
    let half = Wire { agent_version: Some("a".repeat(40_000)), ..Wire::default() };
    assert_eq!(asked(framed([&half, &half])).await.unwrap_err().cause, Cause::TooLarge, "in all");
    let small = Wire::default();
    assert!(asked(framed([&small; 10])).await.is_ok());
    assert_eq!(asked(framed([&small; 11])).await.unwrap_err().cause, Cause::TooLarge, "too many");
    assert_eq!(asked(vec![0xff; 10]).await.unwrap_err().cause, Cause::TooLarge, "a length without end");
}

#[tokio::test]
async fn broken() {
    assert_eq!(asked(b"\x04\xff\xff\xff\xff".to_vec()).await.unwrap_err().cause, Cause::Malformed);
    assert_eq!(asked(b"\x04\x0a".to_vec()).await.unwrap_err().cause, Cause::Closed, "cut short");
    assert_eq!(asked(Vec::new()).await.unwrap_err().cause, Cause::Closed, "nothing");
}

#[tokio::test]
async fn missing() {
    let (near, far) = pipe();
    let script: Rc<Script> = Rc::new(|_, _, _| unreachable!());
    let fault = beside(ask(near, still()), scripted(far, &[], script)).await.unwrap_err();
    assert_eq!(fault.cause, Cause::ProtocolNotSupported);
}

#[tokio::test]
async fn a_stream_left_open_is_not_waited_for() {
    let (near, far) = pipe();
    let bytes = framed([&Wire { agent_version: Some("open".into()), ..Wire::default() }]);
    let script: Rc<Script> = Rc::new(move |_, _, mut stream| {
        let bytes = bytes.clone();
        async move {
            stream.write_all(&bytes).await.unwrap();
            stream.flush().await.unwrap();
            pending::<()>().await;
        }
        .boxed_local()
    });
    let identified = beside(ask(near, hasty().0), scripted(far, ID, script)).await.unwrap();
    assert_eq!(identified.agent.as_deref(), Some("open"));
}

/// Lets the other side do what it can.
async fn turns() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Of two messages, `between` after the first, which took `first`: the agent that the second names.
async fn second_after(first: u64, between: u64) -> String {
    let (near, far) = pipe();
    let (clock, hand) = told();
    let named = |agent: &str| framed([&Wire { agent_version: Some(agent.into()), ..Wire::default() }]);
    let messages = [(first, named("first")), (between, named("second"))];
    let script: Rc<Script> = Rc::new(move |_, _, mut stream| {
        let (hand, messages) = (hand.clone(), messages.clone());
        async move {
            for (after, message) in messages {
                // What was written before has to arrive first, and whoever is not to wait for so long has to stop.
                turns().await;
                hand.set(hand.get() + after);
                turns().await;
                let _ = stream.write_all(&message).await;
                let _ = stream.flush().await;
            }
            let _ = stream.close().await;
        }
        .boxed_local()
    });
    beside(ask(near, clock), scripted(far, ID, script)).await.unwrap().agent.unwrap()
}

#[tokio::test]
async fn on_a_slow_line_the_second_message_is_waited_for_longer() {
    assert_eq!(second_after(100_000, 400_000).await, "second");
    assert_eq!(second_after(100_000, 600_000).await, "first");
    assert_eq!(second_after(800_000, 1_500_000).await, "second");
    assert_eq!(second_after(800_000, 1_700_000).await, "first");
}

#[tokio::test]
async fn a_push_is_noted() {
    let (near, far) = pipe();
    let keypair = Keypair::generate_ed25519();
    let bytes = framed([&Wire { agent_version: Some("pushed".into()), ..Wire::default() }]);
    let dialer = async {
        let session = dial(near, still()).await.unwrap();
        session
            .run(async {
                let mut stream = session.open("/ipfs/id/push/1.0.0").await.unwrap();
                stream.write_all(&bytes).await.unwrap();
                stream.close().await.unwrap();
                pending::<()>().await;
            })
            .await;
    };
    let listener = async {
        let secured = secure_inbound(far, &keypair).await.unwrap();
        let (session, notes) = session(multiplex_inbound(secured.stream).await.unwrap(), still(), &keypair);
        session
            .run(poll_fn(|cx| {
                cx.waker().wake_by_ref();
                let pushed =
                    notes.borrow().iter().find_map(|noted| if let Noted::Pushed(who) = noted { who.agent.clone() } else { None });
                pushed.map_or(Poll::Pending, Poll::Ready)
            }))
            .await
    };
    assert_eq!(beside(listener, dialer).await, "pushed");
}
