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
use multistream_select::listener_select_proto;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use super::*;
use crate::{
    engine::Log,
    nat::punch::{DCUTR, Hole},
    native::{Native, Settings},
    session::{Session, Us, multiplex_outbound},
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

fn puncher(ports: Ports) -> Puncher {
    let puncher = Puncher::new(ports, Keypair::generate_ed25519(), futures::channel::mpsc::channel(1).0);
    puncher.seen_at([11, 22, 33, 1].into(), &OURS.parse().unwrap());
    puncher
}

/// How often a peer was asked that never takes part.
async fn asked(puncher: &Puncher, peer: PeerId) -> usize {
    let heard = Heard::default();
    with(&heard, usize::MAX, async |record: &Record, opener: &Opener, clock: &Clock| {
        puncher.punch(record, opener, clock, peer).await;
    })
    .await;
    heard.asked.get()
}

/// Those who come together while eight are punched to, and who comes twice, are not even asked.
#[tokio::test]
async fn a_crowd_is_punched_to_so_far() {
    let puncher = puncher(Ports::default());
    let peers: Vec<PeerId> = std::iter::repeat_with(PeerId::random).take(12).collect();
    let mut crowd: FuturesUnordered<_> = peers.iter().map(|peer| asked(&puncher, *peer)).collect();
    for _ in 8..12 {
        assert_eq!(crowd.next().await, Some(0));
    }
    drop(crowd);
    let mut twice: FuturesUnordered<_> = [peers[0], peers[0]].into_iter().map(|peer| asked(&puncher, peer)).collect();
    assert_eq!(twice.next().await, Some(0));
}

/// What peers name together is sent to so far, and nothing is spent on what there is no port for.
#[tokio::test]
async fn one_host_is_sent_to_so_often_by_all() {
    let puncher = puncher(Ports { tcp: vec!["0.0.0.0:4001".parse().unwrap()], quic: Vec::new() });
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
