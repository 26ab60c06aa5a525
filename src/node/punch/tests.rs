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

/// go-libp2p speaks the protocol only once it knows an address of its own, which may be after it has dialed.
#[tokio::test]
async fn who_is_not_ready_is_asked_again() {
    let [ours, theirs]: [Multiaddr; 2] =
        ["/ip4/11.22.33.44/tcp/4001", "/ip4/11.22.33.55/tcp/4002"].map(|address| address.parse().unwrap());
    let (near, far) = tokio::io::duplex(1 << 16);
    let native = Native::new(Settings::default());
    let asking = async {
        let connection = multiplex_outbound(Box::new(near.compat())).await.unwrap();
        let us = Us { key: Keypair::generate_ed25519().public(), listen: Vec::new(), observed: None };
        let session = Session::new(connection, native.clock(), us, |_| ());
        let clock = native.clone();
        let record = Record::new(&Log::new(Box::new(move || clock.elapsed())), 1);
        let (opener, clock) = (session.opener(), native.clock());
        let told = std::slice::from_ref(&ours);
        let first = pin!(round::first(&record, &opener, &clock, told));
        match select(first, pin!(session.serve())).await {
            Either::Left((agreed, _)) => agreed.map(|agreed| agreed.holes),
            Either::Right((fault, _)) => Err(fault),
        }
    };
    let heard = Heard::default();
    let (asking, dialing) = (pin!(asking), pin!(dialer(far, &theirs, 1, &heard)));
    let both = select(asking, dialing);
    let agreed = match tokio::time::timeout(HANGS, both).await.expect("in time") {
        Either::Left((agreed, _)) => agreed,
        Either::Right(_) => panic!("the dialer ended"),
    };
    assert_eq!(agreed.unwrap(), [punch::hole(&theirs).unwrap()]);
    assert_eq!((heard.asked.get(), heard.holes.take()), (2, vec![punch::hole(&ours).unwrap()]));
}
