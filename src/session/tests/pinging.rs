//! Honest times.

use futures::{AsyncReadExt, AsyncWriteExt, FutureExt};
use tokio::sync::Notify;

use super::*;
use crate::model::Cause;

const PING: &[&str] = &["/ipfs/ping/1.0.0"];
/// What the line takes, in microseconds.
const LINE: u64 = 20_000;

/// Pings a peer that plays `script` on its ping streams.
async fn pinged(clock: Clock, count: u32, script: Rc<Script>) -> (Pings, Result<(), Fault>) {
    pinged_every(clock, count, Duration::ZERO, script).await
}

async fn pinged_every(clock: Clock, count: u32, pause: Duration, script: Rc<Script>) -> (Pings, Result<(), Fault>) {
    let (near, far) = pipe();
    let client = async {
        let keypair = Keypair::generate_ed25519();
        let secured = secure_outbound(near, &keypair, Security::Noise).await.unwrap();
        let (session, _) = session(multiplex_outbound(secured.stream).await.unwrap(), clock, &keypair);
        let mut pings = Pings::default();
        let ended = session.run(session.ping(count, pause, &mut pings)).await;
        (pings, ended)
    };
    beside(client, scripted(far, PING, script)).await
}

/// Answers one ping, after `delay` by the clock's hand.
async fn echo(stream: &mut SubstreamBox, hand: &Cell<u64>, delay: u64) {
    let mut payload = [0; 32];
    stream.read_exact(&mut payload).await.unwrap();
    hand.set(hand.get() + delay);
    stream.write_all(&payload).await.unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_responder_that_stalls_does_not_pass_for_a_slow_line() {
    let (clock, hand) = hasty();
    let script: Rc<Script> = Rc::new(move |_, _, mut stream| {
        let hand = hand.clone();
        async move {
            echo(&mut stream, &hand, LINE).await;
            pending::<()>().await;
        }
        .boxed_local()
    });
    let (pings, ended) = pinged(clock, 4, script).await;
    assert_eq!(ended, Ok(()));
    assert_eq!(pings.samples, [Micros(LINE); 4]);
    assert_eq!((pings.sent, pings.received()), (4, 4));
    // Late after four times the first, given as much again, and three more pings passed while it hung.
    assert_eq!(pings.responder_stall, Some(Micros(2 * 4 * LINE + 3 * LINE)));
}

/// Threads of a busy machine answer each in its own time.
#[tokio::test]
async fn a_responder_that_is_overtaken_by_another_does_not_stall() {
    let (clock, hand) = told();
    let overtaken = Rc::new(Notify::new());
    let script: Rc<Script> = Rc::new(move |_, number, mut stream| {
        let (hand, overtaken) = (hand.clone(), overtaken.clone());
        async move {
            echo(&mut stream, &hand, LINE).await;
            if number == 0 {
                let mut payload = [0; 32];
                stream.read_exact(&mut payload).await.unwrap();
                hand.set(hand.get() + 4 * LINE);
                overtaken.notified().await;
                hand.set(hand.get() + LINE);
                stream.write_all(&payload).await.unwrap();
                stream.flush().await.unwrap();
                echo(&mut stream, &hand, LINE).await;
            } else {
                // The echo has to arrive first.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                overtaken.notify_one();
            }
            pending::<()>().await;
        }
        .boxed_local()
    });
    let (pings, ended) = pinged(clock, 3, script).await;
    assert_eq!(ended, Ok(()));
    assert_eq!(pings.responder_stall, None);
    assert_eq!(pings.samples, [Micros(LINE), Micros(4 * LINE + LINE + LINE), Micros(LINE)], "it is the old stream's time");
}

/// libp2p-ping keeps one stream for each connection: a new one makes it drop the one that it sits on.
#[tokio::test]
async fn a_responder_that_drops_the_ping_it_sits_on_for_a_new_one_stalls_too() {
    let (clock, hand) = hasty();
    let (drop_it, dropped) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
    let script: Rc<Script> = Rc::new(move |_, number, mut stream| {
        let (hand, drop_it, dropped) = (hand.clone(), drop_it.clone(), dropped.clone());
        async move {
            if number == 1 {
                drop_it.notify_one();
                dropped.notified().await;
                // It arrives before the answer.
                tokio::task::yield_now().await;
            }
            echo(&mut stream, &hand, LINE).await;
            if number == 0 {
                drop_it.notified().await;
                drop(stream);
                dropped.notify_one();
            } else {
                pending::<()>().await;
            }
        }
        .boxed_local()
    });
    let (pings, ended) = pinged(clock, 3, script).await;
    assert_eq!(ended, Ok(()));
    assert_eq!((pings.sent, pings.samples), (3, vec![Micros(LINE); 3]));
    assert!(pings.responder_stall >= Some(Micros(4 * LINE)), "{:?}", pings.responder_stall);
}

#[tokio::test]
async fn a_slow_line_is_no_stall() {
    let (clock, hand) = hasty();
    let script: Rc<Script> = Rc::new(move |_, number, mut stream| {
        let hand = hand.clone();
        async move {
            echo(&mut stream, &hand, if number == 0 { LINE } else { 50 * LINE }).await;
            pending::<()>().await;
        }
        .boxed_local()
    });
    let (pings, ended) = pinged(clock, 2, script).await;
    assert_eq!(ended, Ok(()));
    assert_eq!(pings.samples, [Micros(LINE), Micros(50 * LINE)]);
    assert_eq!(pings.responder_stall, None);
}

#[tokio::test]
async fn a_peer_that_refuses_a_second_stream_is_waited_for() {
    let (clock, hand) = hasty();
    let script: Rc<Script> = Rc::new(move |_, number, mut stream| {
        let hand = hand.clone();
        async move {
            if number == 0 {
                echo(&mut stream, &hand, LINE).await;
                // The second one is late: the client's clock jumps when it waits.
                tokio::task::yield_now().await;
                echo(&mut stream, &hand, LINE).await;
                pending::<()>().await;
            }
        }
        .boxed_local()
    });
    let (pings, ended) = pinged(clock, 2, script).await;
    assert_eq!(ended, Ok(()));
    assert_eq!((pings.received(), pings.responder_stall), (2, None));
}

#[tokio::test]
async fn a_pause_between_pings_is_no_part_of_them() {
    let (clock, hand) = hasty();
    let script: Rc<Script> = Rc::new(|_, _, mut stream| {
        async move {
            let mut payload = [0; 32];
            // One that is late by this clock is done again on another stream.
            while stream.read_exact(&mut payload).await.is_ok() && stream.write_all(&payload).await.is_ok() {
                let _ = stream.flush().await;
            }
            pending::<()>().await;
        }
        .boxed_local()
    });
    let (pings, ended) = pinged_every(clock, 3, Duration::from_secs(1), script).await;
    assert_eq!(ended, Ok(()));
    assert!(hand.get() >= 2_000_000, "two pauses between three pings: {}", hand.get());
    assert!(pings.samples.len() == 3 && pings.samples.iter().all(|sample| sample.0 < 1_000_000), "{pings:?}");
}

#[tokio::test]
async fn a_wrong_echo() {
    let script: Rc<Script> = Rc::new(|_, _, mut stream| {
        async move {
            let mut payload = [0; 32];
            stream.read_exact(&mut payload).await.unwrap();
            payload[31] ^= 1;
            stream.write_all(&payload).await.unwrap();
            stream.flush().await.unwrap();
            pending::<()>().await;
        }
        .boxed_local()
    });
    let (pings, ended) = pinged(still(), 3, script).await;
    assert_eq!(ended.unwrap_err().cause, Cause::Malformed);
    assert_eq!((pings.sent, pings.received()), (1, 0));
}

#[tokio::test]
async fn closed_after_the_first() {
    let script: Rc<Script> = Rc::new(|_, _, mut stream| async move { echo(&mut stream, &Cell::new(0), 0).await }.boxed_local());
    let (pings, ended) = pinged(still(), 3, script).await;
    assert_eq!(ended.unwrap_err().cause, Cause::Closed);
    assert_eq!((pings.sent, pings.received()), (2, 1), "what was seen before is kept");
}

#[tokio::test]
async fn missing() {
    let (near, far) = pipe();
    let script: Rc<Script> = Rc::new(|_, _, _| unreachable!());
    let client = async {
        let session = dial(near, still()).await.unwrap();
        session.run(session.ping(1, Duration::ZERO, &mut Pings::default())).await
    };
    let fault = beside(client, scripted(far, &["/ipfs/id/1.0.0x"], script)).await.unwrap_err();
    assert_eq!(fault.cause, Cause::ProtocolNotSupported);
}

#[test]
fn the_middle_of_samples() {
    let pings = |samples: &[u64]| Pings { samples: samples.iter().copied().map(Micros).collect(), ..Pings::default() };
    assert_eq!(pings(&[]).median(), None);
    assert_eq!(pings(&[9, 1, 5]).median(), Some(Micros(5)));
    assert_eq!(pings(&[9, 1, 5, 7]).median(), Some(Micros(6)));
    assert_eq!((pings(&[9, 1, 5]).min(), pings(&[9, 1, 5]).max()), (Some(Micros(1)), Some(Micros(9))));
}
