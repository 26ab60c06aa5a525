//! A dialer that does not punch holes yet.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    time::Duration,
};

use futures::{
    StreamExt as _,
    future::{Either, pending, poll_fn, select},
    stream::FuturesUnordered,
};
use libp2p_core::{
    muxing::{StreamMuxerExt as _, SubstreamBox},
    upgrade::InboundConnectionUpgrade as _,
};
use multiaddr::Protocol;
use multistream_select::listener_select_proto;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use super::*;
use crate::{
    engine::Log,
    model::{Fact, Outcome},
    nat::punch::{DCUTR, Hole},
    native::{Native, Settings, port},
    session::{Session, Us, multiplex_inbound, multiplex_outbound, secure_inbound},
    transport::quic,
};

const YAMUX: &str = "/yamux/1.0.0";
const OURS: &str = "/ip4/11.22.33.44/tcp/4001";
const THEIRS: &str = "/ip4/11.22.33.55/tcp/4002";
/// No test waits this long unless it hangs.
const HANGS: Duration = Duration::from_secs(30);

/// How often a peer was asked, and what it was told.
#[derive(Default)]
struct Heard {
    asked: Cell<usize>,
    holes: RefCell<Vec<Hole>>,
}

/// A peer that knows the protocol once it was asked so many times. It goes on until it is dropped.
async fn dialer(stream: tokio::io::DuplexStream, theirs: &Multiaddr, refusals: usize, heard: &Heard) {
    let (_, stream) = listener_select_proto(stream.compat(), [YAMUX]).await.unwrap();
    let mut muxer = libp2p_yamux::Config::default().upgrade_inbound(stream, YAMUX).await.unwrap();
    let mut answering = FuturesUnordered::new();
    loop {
        let next = poll_fn(|cx| muxer.poll_inbound_unpin(cx));
        // Without a question there is nothing to be answered.
        let answered = async { if answering.is_empty() { pending().await } else { answering.next().await } };
        if let Either::Left((stream, _)) = select(next, pin!(answered)).await {
            let protocols: &[&str] = if heard.asked.get() < refusals { &[] } else { &[DCUTR] };
            heard.asked.set(heard.asked.get() + 1);
            answering.push(answer(SubstreamBox::new(stream.unwrap()), protocols, theirs, heard));
        }
    }
}

async fn answer(stream: SubstreamBox, protocols: &[&str], theirs: &Multiaddr, heard: &Heard) {
    let Ok((_, mut stream)) = listener_select_proto(stream, protocols.iter().copied()).await else { return };
    let ours = std::slice::from_ref(theirs);
    heard.holes.replace(punch::hear(&mut stream, ours).await.unwrap());
    punch::tell(&mut stream, ours).await.unwrap();
    punch::synced(&mut stream).await.unwrap();
}

/// What is done on a connection to a dialer, while that lasts.
async fn with<T>(heard: &Heard, refusals: usize, work: impl AsyncFnOnce(&Record, &Opener, &Clock) -> T) -> T {
    let theirs: Multiaddr = THEIRS.parse().unwrap();
    let (near, far) = tokio::io::duplex(1 << 16);
    let native = Native::new(Settings::default());
    let asking = async {
        let connection = multiplex_outbound(Box::new(near.compat())).await.unwrap();
        let us = Us { key: Keypair::generate_ed25519().public(), listen: Vec::new(), observed: None };
        let session = Session::new(connection, native.clock(), us, |_| ());
        let clock = native.clone();
        let record = Record::new(&Log::new(Box::new(move || clock.elapsed())), 1);
        let (opener, clock) = (session.opener(), native.clock());
        let work = pin!(work(&record, &opener, &clock));
        match select(work, pin!(session.serve())).await {
            Either::Left((done, _)) => done,
            Either::Right((fault, _)) => panic!("the connection ended: {fault}"),
        }
    };
    let (asking, dialing) = (pin!(asking), pin!(dialer(far, &theirs, refusals, heard)));
    let both = select(asking, dialing);
    match tokio::time::timeout(HANGS, both).await.expect("in time") {
        Either::Left((done, _)) => done,
        Either::Right(_) => panic!("the dialer ended"),
    }
}

/// go-libp2p speaks the protocol only once it knows an address of its own, which may be after it has dialed.
#[tokio::test]
async fn who_is_not_ready_is_asked_again() {
    let [ours, theirs]: [Multiaddr; 2] = [OURS, THEIRS].map(|address| address.parse().unwrap());
    let (heard, told) = (Heard::default(), std::slice::from_ref(&ours));
    let asking = async |record: &Record, opener: &Opener, clock: &Clock| round::first(record, opener, clock, told).await;
    let agreed = with(&heard, 1, asking).await.map(|agreed| agreed.holes);
    assert_eq!(agreed.unwrap(), [punch::hole(&theirs).unwrap()]);
    assert_eq!((heard.asked.get(), heard.holes.take()), (2, vec![punch::hole(&ours).unwrap()]));
}

fn of_tcp() -> Ports {
    Ports { tcp: vec!["0.0.0.0:4001".parse().unwrap()], quic: Vec::new() }
}

/// Where a relay sees a port that is not listened on nobody is met.
#[tokio::test]
async fn a_port_that_is_not_listened_on_is_not_told() {
    let (puncher, _sight) = puncher(of_tcp());
    let seen = |address: &str| puncher.seen_at(PeerId::random(), [11, 22, 33, 1].into(), &address.parse().unwrap()).is_some();
    assert!(seen(OURS) && !seen("/ip4/11.22.33.44/udp/4001/quic-v1") && !seen("/ip6/2a11:22::44/tcp/4001"));
}

/// A node that a relay sees.
fn puncher(ports: Ports) -> (Puncher, Sight) {
    let puncher = Puncher::new(ports, Keypair::generate_ed25519(), futures::channel::mpsc::channel(1).0);
    let sight = puncher.seen_at(PeerId::random(), [11, 22, 33, 1].into(), &OURS.parse().unwrap()).unwrap();
    (puncher, sight)
}

/// How the stages of an attempt ended.
fn stages(log: &Log) -> Vec<(StageName, Outcome, Found)> {
    let ended = |fact| match fact {
        Fact::StageEnded { stage, outcome, found, .. } => Some((stage, outcome, found)),
        _ => None,
    };
    std::iter::from_fn(|| log.take()).filter_map(|event| ended(event.fact)).collect()
}

/// How often a peer was asked that never takes part, and why it was not.
async fn asked(puncher: &Puncher, peer: PeerId) -> (usize, Option<WhyCode>) {
    let (heard, log) = (Heard::default(), Log::new(Box::new(|| Duration::ZERO)));
    with(&heard, usize::MAX, async |_: &Record, opener: &Opener, clock: &Clock| {
        let record = Record::new(&log, 1);
        puncher.punch(&record, opener, clock, peer, &[]).await;
        record.end(Ok(()));
    })
    .await;
    let skipped = stages(&log).into_iter().find_map(|(stage, outcome, _)| match outcome {
        Outcome::Skipped { why } if stage == StageName::DcutrConnect => Some(why.code),
        _ => None,
    });
    (heard.asked.get(), skipped)
}

/// Those who come together while eight are punched to, and who comes twice, are not even asked. Why is told.
#[tokio::test]
async fn a_crowd_is_punched_to_so_far() {
    let (puncher, _sight) = puncher(of_tcp());
    let peers: Vec<PeerId> = std::iter::repeat_with(PeerId::random).take(12).collect();
    let mut crowd: FuturesUnordered<_> = peers.iter().map(|peer| asked(&puncher, *peer)).collect();
    for _ in 8..12 {
        assert_eq!(crowd.next().await, Some((0, Some(WhyCode::OverLimit))));
    }
    drop(crowd);
    let mut twice: FuturesUnordered<_> = [peers[0], peers[0]].into_iter().map(|peer| asked(&puncher, peer)).collect();
    assert_eq!(twice.next().await, Some((0, Some(WhyCode::Duplicate))));
}

/// What peers name together is sent to so far, and nothing is spent on what there is no port for.
#[tokio::test]
async fn one_host_is_sent_to_so_often_by_all() {
    let (puncher, _sight) = puncher(of_tcp());
    let named = |transport| Hole { transport, at: "11.22.33.55:80".parse().unwrap() };
    let allowed = |transport, seconds: u64| {
        let holes = (0..50).map(|_| named(transport)).collect();
        let (holes, left_out) = puncher.allowed(holes, Duration::from_secs(seconds).into());
        (holes.len(), left_out)
    };
    assert_eq!(allowed(Transport::Quic, 0), (0, 0));
    let of_tcp = [0, 59, 60].map(|seconds| allowed(Transport::Tcp, seconds));
    assert_eq!(of_tcp, [(9, 41), (0, 50), (9, 41)]);
    assert!(silence(0).message.is_none() && silence(2).message.is_some_and(|words| words.starts_with('2')));
}

/// Every place is sent to so far: where nothing is left, the rounds end, and it is told why.
#[tokio::test]
async fn that_no_address_is_sent_to_is_told() {
    let (puncher, _sight) = puncher(of_tcp());
    let theirs = punch::hole(&THEIRS.parse().unwrap()).unwrap();
    let native = Native::new(Settings::default());
    while puncher.allowance.borrow_mut().take(native.clock().now(), theirs) {}
    let (heard, log) = (Heard::default(), Log::new(Box::new(|| Duration::ZERO)));
    with(&heard, 0, async |_: &Record, opener: &Opener, clock: &Clock| {
        let record = Record::new(&log, 1);
        puncher.punch(&record, opener, clock, PeerId::random(), &[]).await;
        record.end(Ok(()));
    })
    .await;
    assert_eq!(heard.asked.get(), 1);
    let (stage, outcome, found) = stages(&log).pop().unwrap();
    assert_eq!((stage, found.addresses), (StageName::Direct, Some(0)));
    assert_eq!(outcome, Outcome::Skipped { why: WhyCode::OverLimit.into() });
}

/// Ports on this machine, and who arrives.
fn at_home() -> (Puncher, Sight, futures::channel::mpsc::Receiver<Arrived>) {
    let loopback = || "127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap();
    let identity = Keypair::generate_ed25519();
    let tcp = port::listen(loopback()).unwrap().local_addr().unwrap();
    let socket = std::net::UdpSocket::bind(loopback()).unwrap();
    let quic = quic::Listener::new(socket, &identity, quic::Limits::default()).unwrap();
    let (door, arrivals) = futures::channel::mpsc::channel(1);
    let puncher = Puncher::new(Ports { tcp: vec![tcp], quic: vec![quic.into()] }, identity, door);
    let ours = "/ip4/127.0.0.1/tcp/4001".parse().unwrap();
    let sight = puncher.seen_at(PeerId::random(), [127, 0, 0, 1].into(), &ours).unwrap();
    (puncher, sight, arrivals)
}

/// Where a peer listens, and one connection there for as long as it lasts.
fn at_its_own(transport: Transport, keypair: &Keypair) -> (Multiaddr, futures::future::LocalBoxFuture<'_, ()>) {
    let loopback = Multiaddr::from(std::net::IpAddr::from([127, 0, 0, 1]));
    if transport == Transport::Quic {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let listener = quic::Listener::new(socket, keypair, quic::Limits::default()).unwrap();
        let served = async move {
            let _kept = listener.accept().await.unwrap().handshake().await.unwrap();
            pending::<()>().await;
        };
        let address = loopback.with(Protocol::Udp(port)).with(Protocol::QuicV1);
        return (address, Box::pin(served));
    }
    let listener = port::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = loopback.with(Protocol::Tcp(listener.local_addr().unwrap().port()));
    let served = async move {
        let secured = secure_inbound(listener.accept().await.unwrap().0.compat(), keypair).await.unwrap();
        // The other side may have seen that we are another one.
        let _kept = multiplex_inbound(secured.stream).await;
        pending::<()>().await;
    };
    (address, Box::pin(served))
}

/// How the dials of what a peer announces end, and what arrives; `there` is who is at the address.
async fn dialed(transport: Transport, expected: PeerId, there: &Keypair) -> (bool, Vec<(StageName, Outcome, Found)>) {
    let (puncher, _sight, mut arrivals) = at_home();
    let (address, served) = at_its_own(transport, there);
    let (log, native) = (Log::new(Box::new(|| Duration::ZERO)), Native::new(Settings::default()));
    let record = Record::new(&log, 1);
    let announced = [THEIRS, "/ip4/192.168.7.7/tcp/1"].map(|far| far.replace("11.22.33.55", "192.168.7.8").parse().unwrap());
    let announced: Vec<Multiaddr> = announced.into_iter().chain([address]).collect();
    let come = async {
        let arrived = arrivals.next().await.unwrap();
        assert_eq!(arrived.transport, transport);
        puncher.came(expected, &arrived.observed());
        let _kept = arrived;
        pending::<()>().await;
    };
    let clock = native.clock();
    let dials = pin!(puncher.upgraded(&record, &clock, expected, &announced));
    let come = pin!(come);
    let others = pin!(select(come, served));
    let works = match tokio::time::timeout(HANGS, select(dials, others)).await.expect("in time") {
        Either::Left((works, _)) => works,
        Either::Right(_) => panic!("nobody is left"),
    };
    record.end(Ok(()));
    (works, stages(&log))
}

/// A peer with an address of its own is reached there, over each transport, and at none that is not on our network.
#[tokio::test]
async fn who_announces_an_address_is_dialed_there() {
    for transport in [Transport::Tcp, Transport::Quic] {
        let keypair = Keypair::generate_ed25519();
        let (works, stages) = dialed(transport, keypair.public().to_peer_id(), &keypair).await;
        let [(StageName::Direct, Outcome::Passed, found)] = &stages[..] else { panic!("{stages:?}") };
        assert!(works && found.addresses == Some(1) && found.remote.is_some(), "{transport}: {stages:?}");
        // Somebody else is there.
        let (works, stages) = dialed(transport, PeerId::random(), &keypair).await;
        let [(StageName::Direct, Outcome::Failed { cause: Cause::WrongPeer { .. } }, _)] = &stages[..] else {
            panic!("{stages:?}")
        };
        assert!(!works);
    }
}
