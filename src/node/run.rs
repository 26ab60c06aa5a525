//! A node at work.

use std::{cell::RefCell, future::Future, pin::pin, rc::Rc, time::Duration};

use futures::{
    FutureExt, StreamExt,
    channel::oneshot,
    future::{LocalBoxFuture, poll_fn, select},
    select_biased,
    stream::{FuturesUnordered, SelectAll},
};

use super::{
    Node, Tally,
    accept::{Arrived, Listener},
    address::Spot,
    common::Common,
    serve::serve,
    tally::Counted,
};
use crate::{
    engine::{Log, Record},
    model::{Direction, Event, Fact, Report, Source, WhyCode},
    native::{self, Native, Settings},
    transport::quic,
};

/// How long the end may take: every connection says goodbye at once.
const FAREWELL: Duration = Duration::from_millis(500);

/// The code of an orderly close of QUIC (libp2p's error code registry: `NO_ERROR`).
const NO_ERROR: u32 = 0;

impl Node {
    /// Serves until `stop` ends, then closes every connection and tells what it was.
    ///
    /// `sink` gets each event as it happens, with the report of the dialer that it belongs to: first the addresses, then the
    /// events of attempts with direction `inbound`.
    pub async fn run(self, sink: impl FnMut(&Event, &Report), stop: impl Future<Output = ()>) -> Tally {
        let (close, closing) = oneshot::channel();
        let Self { listeners, addresses, config } = self;
        let quic: Vec<_> = listeners.iter().filter_map(Listener::as_quic).collect();
        let gate = config.limits.gate();
        let common = Common {
            native: Native::new(Settings::default()),
            identity: config.identity,
            tls: config.tls.map(|tls| tls.config),
            addresses: if config.announce.is_empty() { addresses.clone() } else { config.announce },
            limits: config.limits,
            closing: closing.shared(),
        };
        let host = Host { common: Rc::new(common), sink: Rc::new(RefCell::new(Counted::new(sink, config.limits))) };
        for address in &addresses {
            host.tell(Fact::Listening { address: address.to_string() });
        }

        let mut arrivals: SelectAll<_> = listeners.into_iter().map(Listener::arrivals).collect();
        let mut dialers = FuturesUnordered::new();
        let mut stop = pin!(stop.fuse());
        let mut last: u32 = 0;
        loop {
            select_biased! {
                () = stop => break,
                () = dialers.select_next_some() => {}
                arrived = arrivals.select_next_some() => {
                    // A node that counts so many begins anew: only those at the same time have to differ.
                    last = last.wrapping_add(1);
                    match gate.enter(arrived.remote.ip()) {
                        Some(permit) => dialers.push(host.serve(last, arrived, permit)),
                        None => host.turn_away(last, &arrived),
                    }
                }
            }
        }
        drop((arrivals, close));
        select(pin!(farewell(&mut dialers, &quic)), pin!(native::sleep(FAREWELL))).await;
        drop(dialers);
        let refused = quic.iter().map(|listener| listener.refused()).sum();
        host.sink.borrow().tally(refused)
    }
}

/// Waits until all have been told.
async fn farewell(dialers: &mut FuturesUnordered<LocalBoxFuture<'_, ()>>, quic: &[std::sync::Arc<quic::Listener>]) {
    while dialers.next().await.is_some() {}
    for listener in quic {
        listener.close(NO_ERROR, b"");
    }
    for listener in quic {
        listener.wait_idle().await;
    }
}

/// Where connections and those who hear of them meet.
struct Host<S> {
    common: Rc<Common>,
    sink: Rc<RefCell<Counted<S>>>,
}

impl<S: FnMut(&Event, &Report)> Host<S> {
    fn log(&self) -> Rc<Log> {
        let native = self.common.native.clone();
        Log::since(Duration::ZERO, Box::new(move || native.elapsed()))
    }

    /// A fact that belongs to no dialer.
    fn tell(&self, fact: Fact) {
        let log = self.log();
        log.emit(log.now(), fact);
        self.pass_on(&log);
    }

    /// Hands the events over.
    fn pass_on(&self, log: &Log) {
        let mut sink = self.sink.borrow_mut();
        while let Some(event) = log.take() {
            log.report(|report| sink.take(&event, report));
        }
    }

    /// A connection above the limits: it gets no byte.
    fn turn_away(&self, attempt: u32, arrived: &Arrived) {
        let fact = planned(attempt, arrived, Some(WhyCode::OverLimit));
        let now = self.common.native.elapsed();
        if self.sink.borrow_mut().may_tell_refusal(now) {
            self.tell(fact);
        }
    }

    /// One dialer's life, with a report of its own.
    fn serve<'a>(&self, attempt: u32, arrived: Arrived, permit: quic::Permit) -> LocalBoxFuture<'a, ()>
    where
        S: 'a,
    {
        let log = self.log();
        let host = Self { common: Rc::clone(&self.common), sink: Rc::clone(&self.sink) };
        log.emit(log.now(), planned(attempt, &arrived, None));
        let record = Record::new(&log, attempt);
        let observed = Spot { transport: arrived.transport, socket: arrived.remote }.address();
        let mut served = Box::pin(serve(Rc::clone(&self.common), record, arrived, observed, permit));
        poll_fn(move |cx| {
            let polled = served.as_mut().poll(cx);
            host.pass_on(&log);
            polled
        })
        .boxed_local()
    }
}

/// An inbound attempt: `address` is ours, `remote` the dialer's.
fn planned(attempt: u32, arrived: &Arrived, why: Option<WhyCode>) -> Fact {
    let address = |socket| Spot { transport: arrived.transport, socket }.address().to_string();
    Fact::AttemptPlanned {
        attempt,
        address: address(arrived.local),
        remote: Some(address(arrived.remote)),
        names: Vec::new(),
        transport: Some(arrived.transport),
        source: Source::Own,
        direction: Direction::Inbound,
        version: None,
        why: why.map(Into::into),
        cause: None,
    }
}
