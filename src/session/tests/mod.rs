//! Whole connections in memory, with good and bad peers.

mod failures;
mod identifying;
mod negotiating;
mod pinging;
mod pipe;
mod serving;
mod whole;

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending},
    pin::pin,
    rc::Rc,
    time::Duration,
};

use futures::{
    FutureExt,
    future::{Either, LocalBoxFuture, poll_fn, select},
    stream::FuturesUnordered,
};
use futures::{StreamExt, task::Poll};
use libp2p_core::muxing::{StreamMuxerExt, SubstreamBox};
use libp2p_identity::Keypair;

use super::*;
use crate::model::{Micros, Security};
use pipe::{End, pipe};

/// A clock that moves only when told, and whose sleeps never end.
fn still() -> Clock {
    Clock::new(|| Micros(0), |_| pending().boxed_local())
}

/// A clock that jumps over every sleep at once, and its hand.
fn hasty() -> (Clock, Rc<Cell<u64>>) {
    let hand = Rc::new(Cell::new(0));
    let [now, jump] = [hand.clone(), hand.clone()];
    let sleep = move |span: Duration| {
        let jump = jump.clone();
        async move { jump.set(jump.get() + Micros::from(span).0) }.boxed_local()
    };
    (Clock::new(move || Micros(now.get()), sleep), hand)
}

/// A clock that moves only when told, whose sleeps end by it, and its hand.
fn told() -> (Clock, Rc<Cell<u64>>) {
    let hand = Rc::new(Cell::new(0));
    let [now, watched] = [hand.clone(), hand.clone()];
    let sleep = move |span: Duration| {
        let (hand, until) = (watched.clone(), watched.get() + Micros::from(span).0);
        poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            if hand.get() >= until { Poll::Ready(()) } else { Poll::Pending }
        })
        .boxed_local()
    };
    (Clock::new(move || Micros(now.get()), sleep), hand)
}

fn us(keypair: &Keypair) -> Us {
    Us {
        key: keypair.public(),
        listen: vec!["/ip4/192.0.2.1/tcp/4001".parse().unwrap()],
        observed: Some("/ip4/192.0.2.2/tcp/5".parse().unwrap()),
    }
}

/// What a session notes.
type Notes = Rc<RefCell<Vec<Noted>>>;

fn session(connection: Multiplexed, clock: Clock, keypair: &Keypair) -> (Session, Notes) {
    let notes = Notes::default();
    let pen = notes.clone();
    (Session::new(connection, clock, us(keypair), move |noted| pen.borrow_mut().push(noted)), notes)
}

/// Dials up to a session that has asked for identify.
async fn dial(end: End, clock: Clock) -> Result<Session, Fault> {
    let keypair = Keypair::generate_ed25519();
    let secured = secure_outbound(end, &keypair, Security::Noise).await?;
    let connection = multiplex_outbound(secured.stream).await?;
    Ok(session(connection, clock, &keypair).0.identify_ahead())
}

/// Runs `client` beside a peer, until the client is done.
async fn beside<T>(client: impl Future<Output = T>, peer: impl Future) -> T {
    let peer = async {
        peer.await;
        pending::<()>().await;
    };
    match select(pin!(client), pin!(peer)).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => unreachable!(),
    }
}

/// What a scripted peer does with a stream: the protocol agreed on, how many streams came before, the stream.
type Script = dyn Fn(&'static str, usize, SubstreamBox) -> LocalBoxFuture<'static, ()>;

/// A peer that makes a proper connection, and then plays its part on each stream.
async fn scripted(end: End, offers: &'static [&'static str], script: Rc<Script>) {
    let secured = secure_inbound(end, &Keypair::generate_ed25519()).await.unwrap();
    let mut muxer = multiplex_inbound(secured.stream).await.unwrap().muxer;
    let mut parts = FuturesUnordered::new();
    let mut count = 0;
    poll_fn(|cx| {
        while let Poll::Ready(stream) = muxer.poll_inbound_unpin(cx) {
            let Ok(stream) = stream else { return Poll::Ready(()) };
            let (script, number) = (script.clone(), count);
            count += 1;
            parts.push(async move {
                if let Ok((protocol, stream)) = answer(stream, offers).await {
                    script(protocol, number, stream).await;
                }
            });
        }
        while let Poll::Ready(Some(())) = parts.poll_next_unpin(cx) {}
        muxer.poll_unpin(cx).map(drop)
    })
    .await;
}
