//! A node at work.

use std::{cell::RefCell, future::Future, pin::pin, rc::Rc, time::Duration};

use futures::{
    FutureExt, StreamExt,
    channel::oneshot,
    future::{LocalBoxFuture, join_all, select},
    select_biased,
    stream::{FuturesUnordered, SelectAll},
};

use super::{
    Node, Tally,
    accept::{Arrived, Listener},
    address::Spot,
    common::Common,
    connection::establish,
    dialback::{Asker, Dialback},
    stun,
    tally::Counted,
};
use crate::{
    inbound::{Dialer, Host, Service},
    model::{Event, Fact, Report},
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
        let Self { listeners, addresses, pages, config } = self;
        let quic: Vec<_> = listeners.iter().filter_map(Listener::as_quic).collect();
        let gate = config.limits.gate();
        let native = Native::new(Settings::default());
        let mut stun: Vec<u16> = listeners.iter().filter_map(Listener::udp_port).collect();
        stun.sort_unstable();
        stun.dedup();
        let dialback = Dialback::new(native.clone(), config.identity.clone(), config.partner, &addresses, stun);
        let service = Service {
            clock: native.clock(),
            identity: config.identity,
            addresses: if config.announce.is_empty() { addresses.clone() } else { config.announce },
            times: config.limits.times,
            closing: closing.shared(),
        };
        let service = Rc::new(service);
        let common = Rc::new(Common { service: Rc::clone(&service), dialback, tls: config.tls.map(|tls| tls.config) });
        let counted = Rc::new(RefCell::new(Counted::new(sink, config.limits)));
        let counting = Rc::clone(&counted);
        let host = Host::new(service, move |event: &Event, report: &Report| counting.borrow_mut().take(event, report));
        for address in &addresses {
            host.tell(Fact::Listening { address: address.to_string() });
        }
        for url in pages {
            host.tell(Fact::Page { url });
        }

        let mut arrivals: SelectAll<_> = listeners.into_iter().map(Listener::arrivals).collect();
        let mut dialers = FuturesUnordered::new();
        let mut stop = pin!(stop.fuse());
        let mut stun = pin!(join_all(quic.iter().map(|listener| stun::answer(listener))).fuse());
        let mut last: u32 = 0;
        loop {
            select_biased! {
                () = stop => break,
                () = dialers.select_next_some() => {}
                _ = stun => {}
                arrived = arrivals.select_next_some() => {
                    // A node that counts so many begins anew: only those at the same time have to differ.
                    last = last.wrapping_add(1);
                    let dialer = dialer(last, &arrived);
                    match gate.enter(arrived.remote.ip()) {
                        Some(permit) => {
                            let common = Rc::clone(&common);
                            let served = host.serve(&dialer, |record| async move {
                                let (remote, local) = (arrived.remote, arrived.local.ip());
                                let established = establish(&common, &record, arrived).await?;
                                let asker = Asker { remote, local, peer: established.peer };
                                Ok(established.offering(vec![common.dialback.service(asker)]))
                            });
                            dialers.push(served.map(|()| drop(permit)).boxed_local());
                        }
                        None if counted.borrow_mut().may_tell_refusal(native.elapsed()) => host.turned_away(&dialer),
                        None => {}
                    }
                }
            }
        }
        drop((arrivals, close));
        select(pin!(farewell(&mut dialers, &quic)), pin!(native::sleep(FAREWELL))).await;
        drop(dialers);
        let refused = quic.iter().map(|listener| listener.refused()).sum();
        counted.borrow().tally(refused)
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

/// Somebody at a port, as the host knows them.
fn dialer(attempt: u32, arrived: &Arrived) -> Dialer {
    let address = |socket| Spot { transport: arrived.transport, socket }.address();
    Dialer { attempt, transport: arrived.transport, local: address(arrived.local), remote: address(arrived.remote) }
}
