//! A node at work.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::pin,
    rc::Rc,
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    channel::oneshot,
    future::{LocalBoxFuture, OptionFuture, join_all, poll_fn, select},
    select_biased,
    stream::{FuturesUnordered, SelectAll},
};
use multiaddr::Multiaddr;

use super::{
    Node, Tally,
    accept::{Arrived, Listener},
    autonat,
    common::Common,
    connection::establish,
    dialback::Asker,
    setup::Setup,
    stun,
    tally::Counted,
    via::{self, Door},
};
use crate::{
    engine::{Fault, Record},
    inbound::{Dialer, Established, Host},
    model::{Cause, Event, Fact, Report, socket_of},
    nat::relay::Circuits,
    native,
    transport::quic::{self, Permit},
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
        let Setup { common, limits, circuits, via, door, let_in } = Setup::new(config, &listeners, &addresses, closing);
        let gate = limits.gate();
        let counted = Rc::new(RefCell::new(Counted::new(sink, limits)));
        let counting = Rc::clone(&counted);
        let sink = move |event: &Event, report: &Report| counting.borrow_mut().take(event, report);
        let host = Host::new(Rc::clone(&common.service), sink);
        tell_where(&host, &addresses, pages);

        let mut arrivals: SelectAll<_> = listeners.into_iter().map(Listener::arrivals).collect();
        arrivals.push(let_in);
        let numbers = Numbers::default();
        let slots = via.into_iter().map(|relay| keep_slot(&common, &host, &numbers, relay, door.clone()));
        let mut slots = pin!(join_all(slots).fuse());
        let mut circuits = pin!(OptionFuture::from(circuits.map(Circuits::run)).fuse());
        let mut dialers = FuturesUnordered::new();
        let mut stop = pin!(stop.fuse());
        let mut stun = pin!(join_all(quic.iter().map(|listener| stun::answer(listener, &common.native))).fuse());
        loop {
            select_biased! {
                () = stop => break,
                () = dialers.select_next_some() => {}
                _ = stun => {}
                _ = slots => {}
                _ = circuits => {}
                arrived = arrivals.select_next_some() => {
                    let dialer = dialer(numbers.next(), &arrived);
                    match gate.enter(arrived.remote.ip()) {
                        Some(permit) => {
                            let permit = Rc::new(RefCell::new(permit));
                            let place = Rc::clone(&permit);
                            let served = host.serve(&dialer, |record| welcomed(Rc::clone(&common), record, arrived, place));
                            dialers.push(served.map(|()| drop(permit)).boxed_local());
                        }
                        None if counted.borrow_mut().may_tell_refusal(common.native.elapsed()) => host.turned_away(&dialer),
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

/// Tells where the node listens.
fn tell_where<S: FnMut(&Event, &Report)>(host: &Host<S>, addresses: &[Multiaddr], pages: Vec<String>) {
    for address in addresses {
        host.tell(Fact::Listening { address: address.to_string() });
    }
    for url in pages {
        host.tell(Fact::Page { url });
    }
}

/// A dialer whose connection stands, and what is done for it: at the address that it proved to be at.
async fn welcomed(
    common: Rc<Common>,
    record: Rc<Record>,
    arrived: Arrived,
    place: Rc<RefCell<Permit>>,
) -> Result<Established, Fault> {
    let (first, local) = (arrived.remote, arrived.local.ip());
    let relayed = arrived.through.is_some();
    let established = establish(&common, &record, arrived).await?;
    // Whoever comes through a relay would have the relay dialed.
    if relayed {
        return Ok(established);
    }
    let proved = established.remote.as_ref().and_then(socket_of).map(|(_, remote)| remote);
    let remote = proved.unwrap_or(first);
    if !place.borrow_mut().is_of(remote.ip()) {
        return Err(Fault::new(Cause::LocalFault { errno: None }, &"too many connections from there"));
    }
    let asker = Asker { remote, local, peer: established.peer };
    let dialing = autonat::services(&common.dialback, asker);
    Ok(established.offering(vec![common.dialback.service(asker)]).offering(dialing))
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

/// The numbers of attempts. A node that counts so many begins anew: only those at the same time have to differ.
#[derive(Default)]
struct Numbers(Cell<u32>);

impl Numbers {
    fn next(&self) -> u32 {
        self.0.set(self.0.get().wrapping_add(1));
        self.0.get()
    }
}

/// Keeps a slot at a relay, and lets in whom it brings.
async fn keep_slot<S: FnMut(&Event, &Report)>(
    common: &Rc<Common>,
    host: &Host<S>,
    numbers: &Numbers,
    relay: Multiaddr,
    door: Door,
) {
    let mut pause = via::Pause::default();
    loop {
        let log = host.log();
        let mut slot = Box::pin(via::slot(Rc::clone(common), Rc::clone(&log), numbers.next(), &relay, &door));
        let held = poll_fn(|cx| {
            let polled = slot.as_mut().poll(cx);
            host.pass_on(&log);
            polled
        });
        let held = held.await;
        native::sleep(pause.after(held)).await;
    }
}

/// Somebody who has come, as the host knows them.
fn dialer(attempt: u32, arrived: &Arrived) -> Dialer {
    Dialer { attempt, transport: arrived.transport, local: arrived.address(), remote: arrived.observed() }
}
