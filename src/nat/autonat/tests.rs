//! What the answers of servers mean, whatever they are.

use std::{
    future::{pending, ready},
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, FutureExt as _, StreamExt as _, channel::mpsc, future::join};
use libp2p_identity::Keypair;
use prost::Message as _;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use super::{
    Answer, DIAL_REQUEST, ask,
    wire::{self, MAX_V2, v1, v2},
};
use crate::{
    model::{Micros, Security, WhyCode},
    session::{Clock, Multiplexed, Service, Session, Us, multiplex_inbound, multiplex_outbound, secure_inbound, secure_outbound},
};

fn v1(status: Option<u32>, text: Option<&str>) -> Answer {
    super::v1::read(v1::Response { status, text: text.map(Into::into), addr: None })
}

fn v2(status: u32, address: u32, dial: u32) -> Answer {
    super::v2::read(v2::DialResponse { status, address, dial })
}

fn not_tested(why: WhyCode, words: &str) -> Answer {
    Answer::not_tested(why, words)
}

#[test]
fn only_a_dial_that_failed_is_a_failure() {
    use WhyCode::{OverLimit, VantageRefuses};
    let failed = |words: &str| Answer::Failed { words: words.into() };
    let table = [
        (v1(Some(100), Some("dial failed")), failed("E_DIAL_ERROR: dial failed")),
        (v1(Some(101), Some("too many dials")), not_tested(VantageRefuses, "E_DIAL_REFUSED: too many dials")),
        (v1(Some(200), None), not_tested(VantageRefuses, "E_BAD_REQUEST")),
        (v1(Some(300), None), not_tested(VantageRefuses, "E_INTERNAL_ERROR")),
        (v1(Some(7), Some("?")), not_tested(VantageRefuses, "status 7: ?")),
        (v1(None, None), not_tested(VantageRefuses, "no status")),
        (v2(200, 0, 100), failed("E_DIAL_ERROR")),
        (v2(100, 0, 0), not_tested(OverLimit, "E_REQUEST_REJECTED")),
        (v2(101, 0, 0), not_tested(VantageRefuses, "E_DIAL_REFUSED")),
        (v2(0, 0, 0), not_tested(VantageRefuses, "E_INTERNAL_ERROR")),
        (v2(200, 0, 0), not_tested(VantageRefuses, "dial status 0")),
        (v2(200, 1, 200), not_tested(VantageRefuses, "answers for address 1 of one")),
        (v2(77, 0, 200), not_tested(VantageRefuses, "status 77")),
    ];
    for (answer, expected) in table {
        assert_eq!(answer, expected);
    }
}

#[test]
fn a_dial_that_came_through_is_told_with_what_is_told_of_it() {
    let address: multiaddr::Multiaddr = "/ip4/11.22.33.9/tcp/4001".parse().unwrap();
    let response = |addr| v1::Response { status: Some(0), text: None, addr };
    let connected = |over| Answer::Connected { over, words: None };
    assert_eq!(super::v1::read(response(Some(address.to_vec()))), connected(Some(address)));
    assert_eq!(super::v1::read(response(Some(vec![0xff]))), connected(None));
    assert_eq!(v2(200, 0, 200), connected(None));
    assert_eq!(v2(200, 0, 101), Answer::Connected { over: None, words: Some("E_DIAL_BACK_ERROR".into()) });
}

#[test]
fn words_of_a_server_are_cut_and_hold_nothing_that_a_terminal_obeys() {
    let Answer::NotTested { words, .. } = v1(Some(101), Some(&format!("\u{1b}[2J\r\n{}", "x".repeat(4000)))) else { panic!() };
    assert!(words.starts_with("E_DIAL_REFUSED: [2Jxxx") && words.len() < 250, "{words}");
}

/// The bytes of both specifications, written down by hand.
#[test]
fn messages_are_those_of_the_specifications() {
    let peer = v1::PeerInfo { id: Some(vec![1, 2]), addrs: vec![vec![3]] };
    let dial = v1::Message { kind: Some(v1::DIAL), dial: Some(v1::Dial { peer: Some(peer) }), response: None };
    assert_eq!(dial.encode_to_vec(), [8, 0, 18, 9, 10, 7, 10, 2, 1, 2, 18, 1, 3]);
    let response = [8, 1, 26, 9, 8, 100, 18, 2, b'n', b'o', 26, 1, 4];
    let response = v1::Message::decode(&response[..]).unwrap().response.unwrap();
    assert_eq!((response.status, response.text.as_deref(), response.addr), (Some(100), Some("no"), Some(vec![4])));

    let request = Some(v2::DialRequest { addrs: vec![vec![3]], nonce: 0x0102_0304_0506_0708 });
    let request = v2::Message { request, ..v2::Message::default() };
    assert_eq!(request.encode_to_vec(), [10, 12, 10, 1, 3, 17, 8, 7, 6, 5, 4, 3, 2, 1]);
    let wants = v2::Message::decode(&[26, 4, 16, 0xb0, 0xea, 1][..]).unwrap().wants_data.unwrap();
    assert_eq!((wants.address, wants.bytes), (0, 30_000));
    let told = v2::Message::decode(&[18, 6, 8, 200, 1, 24, 200, 1][..]).unwrap().response.unwrap();
    assert_eq!((told.status, told.address, told.dial), (200, 0, 200));
}

/// A connection whose time stands still.
fn session(connection: Multiplexed, key: &Keypair) -> Session {
    let us = Us { key: key.public(), listen: Vec::new(), observed: None };
    Session::new(connection, Clock::new(|| Micros(0), |_| pending().boxed_local()), us, |_| ())
}

/// Whether a stream that was answered on came to its end, or was given up.
#[tokio::test]
async fn a_stream_with_an_answer_is_closed() {
    let [ours, theirs] = [(); 2].map(|()| Keypair::generate_ed25519());
    let (near, far) = tokio::io::duplex(4096);
    let (sender, mut ends) = mpsc::unbounded();
    let answers = Service::new(DIAL_REQUEST, move |mut stream| {
        let sender = sender.clone();
        async move {
            wire::receive::<v2::Message>(&mut stream, MAX_V2).await.unwrap();
            let response = Some(v2::DialResponse { status: v2::OK, address: 0, dial: v2::DIAL_OK });
            wire::send(&mut stream, &v2::Message { response, ..v2::Message::default() }).await.unwrap();
            // yamux ends a reset stream like one that was closed, but no more can be said on it.
            let end = (stream.read(&mut [0]).await.ok(), stream.write_all(b"x").await.is_ok());
            sender.unbounded_send(end).unwrap();
        }
    });
    let serving = async {
        let secured = secure_inbound(far.compat(), &theirs).await.unwrap();
        session(multiplex_inbound(secured.stream).await.unwrap(), &theirs).offering(vec![answers]).serve().await
    };
    let asking = async {
        let secured = secure_outbound(near.compat(), &ours, Security::Noise).await.unwrap();
        let session = session(multiplex_outbound(secured.stream).await.unwrap(), &ours);
        let address = "/ip4/11.22.33.9/tcp/4001".parse().unwrap();
        let opener = session.opener();
        let (answer, end) = session.run(join(ask::v2(&opener, &address, 7), ends.next())).await;
        assert_eq!(answer.unwrap(), Answer::Connected { over: None, words: None });
        assert_eq!(end, Some((Some(0), true)));
    };
    join(tokio::time::timeout(Duration::from_secs(30), asking).map(|ended| ended.expect("no test hangs")), serving).await;
}

/// What never ends.
struct Stuck;

impl AsyncWrite for Stuck {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[test]
fn a_stream_that_does_not_close_is_not_waited_for() {
    assert_eq!(super::v2::close(&mut Stuck, ready(())).now_or_never(), Some(()));
}
