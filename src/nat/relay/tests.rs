//! A relay, a peer with a slot and a dialer, in memory: what works, and what breaks each limit.

use std::{net::IpAddr, rc::Rc, time::Duration};

use futures::{AsyncReadExt, AsyncWriteExt, FutureExt, StreamExt, channel::mpsc, future::join};
use libp2p_core::muxing::SubstreamBox;
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;
use tokio::{
    io::duplex,
    sync::watch,
    task::{JoinHandle, LocalSet},
};
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use super::{
    wire::{HopMessage, hop, status},
    *,
};
use crate::{
    model::{Cause, Micros, Security},
    native::{Native, Settings},
    session::{
        Clock, Fault, Opener, Service, Session, Us, multiplex_inbound, multiplex_outbound, secure_inbound, secure_outbound,
    },
};

/// The present, in seconds since 1970.
const NOW: u64 = 1_800_000_000;
const ADDRESS: &str = "/ip4/11.22.33.44/tcp/4001";
/// No test waits this long unless it hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Somebody connected to the relay.
struct Client {
    peer: PeerId,
    relay: Opener,
    /// The streams on which the relay spoke STOP.
    stops: mpsc::UnboundedReceiver<SubstreamBox>,
    driver: JoinHandle<()>,
    /// The relay's end of the connection. It ends once the relay knows that nobody is there.
    host: JoinHandle<()>,
}

/// What moves a relay's time. Nothing else does, so that no slow machine is taken for one that does not answer.
#[derive(Clone)]
struct Hand(Rc<watch::Sender<u64>>);

impl Hand {
    fn new() -> Self {
        Self(Rc::new(watch::Sender::new(0)))
    }

    fn clock(&self) -> Clock {
        let [now, sleeping] = [(); 2].map(|()| self.0.clone());
        let sleep = move |span: Duration| {
            let (hand, end) = (sleeping.clone(), *sleeping.borrow() + Micros::from(span).0);
            async move { drop(hand.subscribe().wait_for(|now| *now >= end).await) }.boxed_local()
        };
        Clock::new(move || Micros(*now.borrow()), sleep)
    }

    fn move_by(&self, span: Duration) {
        self.0.send_modify(|now| *now += Micros::from(span).0);
    }
}

fn session(connection: crate::session::Multiplexed, key: &Keypair) -> Session {
    let us = Us { key: key.public(), listen: Vec::new(), observed: None };
    Session::new(connection, Native::new(Settings::default()).clock(), us, |_| ())
}

/// A relay whose circuits are carried, and which is in no hurry.
fn relay(limits: RelayLimits) -> Relay {
    timed(limits).0
}

/// One whose time the test moves.
fn timed(limits: RelayLimits) -> (Relay, Hand) {
    let hand = Hand::new();
    let (relay, circuits) = Relay::new(Keypair::generate_ed25519(), limits, hand.clock(), || NOW);
    tokio::task::spawn_local(circuits.run());
    (relay, hand)
}

/// Connects to the relay from `ip`.
async fn arrive(relay: &Relay, ip: [u8; 4], relayed: bool, offers_stop: bool) -> Client {
    let addresses = vec![ADDRESS.parse().unwrap()];
    let guest = move |peer, opener| Guest { peer, ip: IpAddr::from(ip), relayed, opener, addresses };
    arrive_as(relay, guest, offers_stop).await
}

/// Connects as the guest that is made of a peer and what opens streams to it.
async fn arrive_as(relay: &Relay, guest: impl FnOnce(PeerId, Opener) -> Guest + 'static, offers_stop: bool) -> Client {
    let [ours, theirs] = [(); 2].map(|()| Keypair::generate_ed25519());
    let (near, far) = duplex(4096);
    let (relay, peer) = (relay.clone(), ours.public().to_peer_id());
    let host = tokio::task::spawn_local(async move {
        let secured = secure_inbound(far.compat(), &theirs).await.unwrap();
        let session = session(multiplex_inbound(secured.stream).await.unwrap(), &theirs);
        let (service, registration) = relay.welcome(guest(secured.peer, session.opener()));
        session.offering(vec![service]).serve().await;
        drop(registration);
    });
    let secured = secure_outbound(near.compat(), &ours, Security::Noise).await.unwrap();
    let (sender, stops) = mpsc::unbounded();
    let stop = Service::new(STOP, move |stream| {
        let _ = sender.unbounded_send(stream);
        std::future::ready(())
    });
    let session = session(multiplex_outbound(secured.stream).await.unwrap(), &ours);
    let session = session.offering(offers_stop.then_some(stop).into_iter().collect());
    let opener = session.opener();
    let driver = tokio::task::spawn_local(async move { drop(session.serve().await) });
    Client { peer, relay: opener, stops, driver, host }
}

async fn guest(relay: &Relay, last: u8) -> Client {
    arrive(relay, [11, 22, 33, last], false, true).await
}

/// One that has a slot.
async fn holder(relay: &Relay, last: u8) -> Client {
    let client = guest(relay, last).await;
    assert_eq!(reserved(&client).await, status::OK);
    client
}

async fn reserved(client: &Client) -> u32 {
    reserve(&client.relay).await.unwrap().0.status
}

/// The status that a dialer gets, while nobody answers STOP.
async fn connected(client: &Client, target: PeerId) -> u32 {
    connect(&client.relay, target).await.unwrap().0.status
}

/// Joins a dialer to a target that says yes.
async fn joined(
    dialer: &Client,
    target: &mut Client,
) -> (Circuit<crate::session::Proposal<SubstreamBox>>, Circuit<SubstreamBox>) {
    let asked = connect(&dialer.relay, target.peer);
    let taken = async {
        let incoming = Incoming::receive(target.stops.next().await.unwrap()).await.unwrap();
        assert_eq!(incoming.from, dialer.peer);
        incoming.accept().await.unwrap()
    };
    let (asked, taken) = join(asked, taken).await;
    let (answer, stream) = asked.unwrap();
    assert_eq!(answer.granted(), Ok(()));
    (Circuit::new(stream, answer.limits), taken)
}

async fn run(test: impl Future<Output = ()>) {
    tokio::time::timeout(HANGS, LocalSet::new().run_until(test)).await.expect("no test hangs");
}

#[tokio::test]
async fn a_peer_behind_the_relay_is_reached() {
    run(async {
        let relay = relay(RelayLimits::default());
        let mut target = guest(&relay, 1).await;
        let (answer, reservation) = reserve(&target.relay).await.unwrap();
        assert_eq!(answer.granted(), Ok(()));
        assert_eq!(answer.limits, Limits { duration: Some(Duration::from_secs(120)), bytes: Some(131_072) });
        assert_eq!(reservation.expires, Some(NOW + 3600));
        assert_eq!(reservation.addresses, [ADDRESS.parse::<Multiaddr>().unwrap()]);
        assert!(reservation.voucher);
        let dialer = guest(&relay, 2).await;
        let (mut near, mut far) = joined(&dialer, &mut target).await;
        near.write_all(b"question").await.unwrap();
        near.close().await.unwrap();
        let mut heard = Vec::new();
        far.read_to_end(&mut heard).await.unwrap();
        far.write_all(&heard.repeat(1000)).await.unwrap();
        far.close().await.unwrap();
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer.len(), 8000);
    })
    .await;
}

#[tokio::test]
async fn refusals_say_why() {
    run(async {
        let (relay, hand) = timed(RelayLimits::default());
        let dialer = guest(&relay, 1).await;
        assert_eq!(connected(&dialer, PeerId::random()).await, status::NO_RESERVATION);
        let through = arrive(&relay, [11, 22, 33, 2], true, true).await;
        assert_eq!(reserved(&through).await, status::PERMISSION_DENIED);
        // Also to somebody who is there, and would answer.
        let there = holder(&relay, 9).await;
        assert_eq!(connected(&through, there.peer).await, status::PERMISSION_DENIED);
        // A target that does not offer STOP, one that does not answer it, and one that is gone.
        let deaf = arrive(&relay, [11, 22, 33, 3], false, false).await;
        assert_eq!(reserved(&deaf).await, status::OK);
        assert_eq!(connected(&dialer, deaf.peer).await, status::CONNECTION_FAILED);
        let mut silent = holder(&relay, 4).await;
        let hearing = async {
            let asked = silent.stops.next().await.unwrap();
            hand.move_by(RelayLimits::default().patience);
            asked
        };
        assert_eq!(join(connected(&dialer, silent.peer), hearing).await.0, status::CONNECTION_FAILED);
        silent.driver.abort();
        silent.host.await.unwrap();
        assert_eq!(connected(&dialer, silent.peer).await, status::NO_RESERVATION);
    })
    .await;
}

#[tokio::test]
async fn a_target_may_say_no() {
    run(async {
        let relay = relay(RelayLimits::default());
        let (mut target, dialer) = (holder(&relay, 1).await, guest(&relay, 2).await);
        let refuse = async { Incoming::receive(target.stops.next().await.unwrap()).await.unwrap().refuse().await.unwrap() };
        let (asked, ()) = join(connected(&dialer, target.peer), refuse).await;
        assert_eq!(asked, status::CONNECTION_FAILED);
    })
    .await;
}

/// What the relay answers to these bytes; none when it ends the stream without a word.
async fn said(relay: &Relay, bytes: &[u8]) -> Option<u32> {
    let client = guest(relay, 1).await;
    let mut stream = client.relay.open(HOP).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
    let answer: Result<HopMessage, Fault> = wire::receive(&mut stream).await;
    answer.ok().and_then(|answer| answer.status)
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    run(async {
        let (relay, hand) = timed(RelayLimits::default());
        let message = |message: HopMessage| prost::Message::encode_length_delimited_to_vec(&message);
        let kind = |kind| message(HopMessage { kind, ..HopMessage::default() });
        assert_eq!(said(&relay, &kind(Some(hop::CONNECT))).await, Some(status::MALFORMED_MESSAGE));
        assert_eq!(said(&relay, &kind(Some(hop::STATUS))).await, Some(status::UNEXPECTED_MESSAGE));
        assert_eq!(said(&relay, &kind(None)).await, Some(status::UNEXPECTED_MESSAGE));
        assert_eq!(said(&relay, &[3, 0xff, 0xff, 0xff]).await, Some(status::MALFORMED_MESSAGE));
        // 4,097 bytes are announced, and none of them is read.
        assert_eq!(said(&relay, &[0x81, 0x20]).await, Some(status::MALFORMED_MESSAGE));
        // Half a message, and nothing more: the time is bounded.
        let going_on = async {
            loop {
                hand.move_by(RelayLimits::default().patience);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            said = said(&relay, &[9, 0]) => assert_eq!(said, None),
            () = going_on => unreachable!(),
        }
    })
    .await;
}

#[tokio::test]
async fn requests_are_limited() {
    run(async {
        let relay = relay(RelayLimits { requests_per_peer: 2, ..RelayLimits::default() });
        let client = holder(&relay, 1).await;
        assert_eq!(connected(&client, PeerId::random()).await, status::NO_RESERVATION);
        assert_eq!(reserved(&client).await, status::RESERVATION_REFUSED);
        assert_eq!(connected(&client, PeerId::random()).await, status::RESOURCE_LIMIT_EXCEEDED);
    })
    .await;
}

/// A full house is no limit of a connection: the specification has a status for each.
#[tokio::test]
async fn a_full_house_refuses_a_slot() {
    run(async {
        let relay = relay(RelayLimits { reservations: 1, ..RelayLimits::default() });
        let _holder = holder(&relay, 1).await;
        let (answer, _) = reserve(&guest(&relay, 2).await.relay).await.unwrap();
        assert_eq!(answer.granted(), Err(Cause::RelayRefused { status: 200 }));
    })
    .await;
}

/// However many and long its addresses are, a relay's answer fits the message, and those that fit are told.
#[tokio::test]
async fn addresses_that_do_not_fit_are_left_out() {
    run(async {
        let relay = relay(RelayLimits::default());
        let name = |place: usize| [format!("{place:02}"), vec!["a".repeat(50); 4].join(".")].join(".");
        let long: Vec<Multiaddr> = (0..30).map(|place| format!("/dns4/{}/tcp/1", name(place)).parse().unwrap()).collect();
        for (addresses, count) in [(long, 14), (vec![ADDRESS.parse().unwrap(); 30], 16)] {
            let told = addresses.clone();
            let guest = |peer, opener| Guest { peer, ip: [11, 22, 33, 1].into(), relayed: false, opener, addresses: told };
            let client = arrive_as(&relay, guest, false).await;
            let (_, reservation) = reserve(&client.relay).await.unwrap();
            assert_eq!(reservation.addresses, addresses[..count]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_circuit_ends_at_its_bytes_and_both_sides_know_why() {
    run(async {
        let relay = relay(RelayLimits { circuit_bytes: 1000, circuits: 1, ..RelayLimits::default() });
        let (mut target, dialer) = (holder(&relay, 1).await, guest(&relay, 2).await);
        let (mut near, mut far) = joined(&dialer, &mut target).await;
        assert_eq!(connected(&dialer, target.peer).await, status::RESOURCE_LIMIT_EXCEEDED);
        near.write_all(&[7; 1001]).await.unwrap();
        near.flush().await.unwrap();
        let [there, here] = [read_to_fault(&mut far).await, read_to_fault(&mut near).await];
        assert!(there.0 <= 1000, "{there:?}");
        assert_eq!(here, (0, Cause::RelayLimit));
        // Its place is free again.
        let (_near, _far) = joined(&dialer, &mut target).await;
    })
    .await;
}

/// How many bytes came, and what ended them.
async fn read_to_fault(stream: &mut (impl futures::AsyncRead + Unpin)) -> (usize, Cause) {
    let mut bytes = Vec::new();
    let fault = match stream.read_to_end(&mut bytes).await {
        Ok(_) => Cause::Closed.into(),
        Err(error) => Fault::from_io(&error, Cause::Closed),
    };
    (bytes.len(), fault.cause)
}

#[tokio::test]
async fn a_circuit_ends_when_its_time_is_over() {
    run(async {
        let (relay, hand) = timed(RelayLimits::default());
        let (mut target, dialer) = (holder(&relay, 1).await, guest(&relay, 2).await);
        let (mut near, mut far) = joined(&dialer, &mut target).await;
        near.write_all(b"x").await.unwrap();
        near.flush().await.unwrap();
        far.read_exact(&mut [0]).await.unwrap();
        hand.move_by(RelayLimits::default().circuit_time);
        let ended = [read_to_fault(&mut far).await, read_to_fault(&mut near).await];
        assert!(ended.iter().all(|(bytes, cause)| *bytes == 0 && matches!(cause, Cause::Closed | Cause::Reset)), "{ended:?}");
    })
    .await;
}

#[tokio::test]
async fn a_slot_keeps_a_connection_in_use() {
    run(async {
        let (relay, _circuits) = Relay::new(Keypair::generate_ed25519(), RelayLimits::default(), Hand::new().clock(), || NOW);
        let connection = arrive(&relay, [11, 22, 33, 1], false, true).await;
        assert_eq!(reserved(&connection).await, status::OK);
        let held = Registration { relay: relay.clone(), peer: connection.peer, connection: 0 };
        assert!(held.in_use());
        let (_, idle) = relay.welcome(Guest {
            peer: PeerId::random(),
            ip: IpAddr::from([11, 22, 33, 2]),
            relayed: false,
            opener: connection.relay.clone(),
            addresses: Vec::new(),
        });
        assert!(!idle.in_use());
    })
    .await;
}
