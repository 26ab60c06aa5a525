//! A node at work.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::pin,
    rc::Rc,
    time::{Duration, SystemTime},
};

use futures::{
    FutureExt, StreamExt,
    channel::oneshot,
    future::{LocalBoxFuture, OptionFuture, join_all, poll_fn, select},
    select_biased,
    stream::{FuturesUnordered, SelectAll},
};
use multiaddr::{Multiaddr, Protocol};

use super::{
    Node, Tally,
    accept::{Arrived, Listener},
    autonat,
    common::Common,
    connection::establish,
    dialback::{Asker, Dialback},
    extra::Extras,
    punch::Puncher,
    stun,
    tally::Counted,
    via::{self, Door},
};
use crate::{
    inbound::{Dialer, Host, Service},
    model::{Event, Fact, Report},
    nat::relay::{Circuits, Relay},
    native::{self, Native, Settings},
    probe::Ports,
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
        let (relay, circuits) = config.relay.map(|limits| Relay::new(limits, native.clock(), seconds_since_1970)).unzip();
        let (door, through_relays) = via::door();
        let ports = if config.via.is_empty() { Ports::default() } else { ports(&listeners) };
        let puncher = Rc::new(Puncher::new(ports, config.identity.clone(), door.0.clone()));
        let told = if config.announce.is_empty() { addresses.clone() } else { config.announce };
        let extra = Extras {
            clock: native.clock(),
            relay,
            addresses: told.clone(),
            us: Protocol::P2p(config.identity.public().to_peer_id()),
            puncher: Rc::clone(&puncher),
        };
        let service = Service {
            clock: native.clock(),
            identity: config.identity,
            addresses: told,
            extra: Box::new(extra),
            times: config.limits.times,
            closing: closing.shared(),
        };
        let service = Rc::new(service);
        let tls = config.tls.map(|tls| tls.config);
        let common = Common { service: Rc::clone(&service), native: native.clone(), puncher, tls, dialback };
        let common = Rc::new(common);
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
        arrivals.push(through_relays);
        let numbers = Numbers::default();
        let slots = config.via.into_iter().map(|relay| keep_slot(&common, &host, &numbers, relay, door.clone()));
        let mut slots = pin!(join_all(slots).fuse());
        let mut circuits = pin!(OptionFuture::from(circuits.map(Circuits::run)).fuse());
        let mut dialers = FuturesUnordered::new();
        let mut stop = pin!(stop.fuse());
        let mut stun = pin!(join_all(quic.iter().map(|listener| stun::answer(listener))).fuse());
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
                            let common = Rc::clone(&common);
                            let served = host.serve(&dialer, |record| async move {
                                let (remote, local) = (arrived.remote, arrived.local.ip());
                                let relayed = arrived.through.is_some();
                                let established = establish(&common, &record, arrived).await?;
                                // Whoever comes through a relay would have the relay dialed.
                                if relayed {
                                    return Ok(established);
                                }
                                let asker = Asker { remote, local, peer: established.peer };
                                let dialing = autonat::services(&common.dialback, asker);
                                Ok(established.offering(vec![common.dialback.service(asker)]).offering(dialing))
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

/// The ports that can dial too.
fn ports(listeners: &[Listener]) -> Ports {
    Ports {
        tcp: listeners.iter().filter_map(Listener::tcp_port).collect(),
        quic: listeners.iter().filter_map(Listener::as_quic).collect(),
    }
}

/// The time of day as relays tell it.
fn seconds_since_1970() -> u64 {
    native::time_of_day().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Somebody who has come, as the host knows them.
fn dialer(attempt: u32, arrived: &Arrived) -> Dialer {
    Dialer { attempt, transport: arrived.transport, local: arrived.address(), remote: arrived.observed() }
}
