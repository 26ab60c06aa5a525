//! Dialers, seen from the side that they dial: from a byte stream or a connection to the events of an attempt with direction
//! `inbound`, and served on until they leave. Whatever they come over, and wherever this runs.

mod extra;
mod limits;
mod lines;
mod secure;
mod sentence;
mod serve;

use std::{cell::RefCell, net::IpAddr, rc::Rc, time::Duration};

use futures::{
    FutureExt as _,
    channel::oneshot,
    future::{LocalBoxFuture, Shared, poll_fn},
};
use libp2p_identity::{Keypair, PeerId};
use multiaddr::{Multiaddr, Protocol};

pub use extra::{Extra, Plain, Visitor, Welcome};
pub use limits::{Allowance, Limits};
pub use lines::Lines;
pub use secure::secure;
pub use sentence::{dialer_line, sentence};

use crate::{
    engine::{Fault, Log, Record},
    model::{Direction, Event, Fact, Report, Scope, Source, Transport, WhyCode},
    session::{self, Clock, Multiplexed},
};

/// What every dialer of a node meets.
pub struct Service {
    /// The runtime's clock.
    pub clock: Clock,
    /// Who is dialed.
    pub identity: Keypair,
    /// Where it can be dialed, as dialers are told from now on.
    pub addresses: RefCell<Vec<Multiaddr>>,
    /// How long a dialer may take.
    pub times: Times,
    /// What else it does for them.
    pub extra: Box<dyn Extra>,
    /// Ends when the node does.
    pub closing: Shared<oneshot::Receiver<()>>,
}

/// How long a dialer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// From its first packet until the connection is secured and multiplexed.
    pub handshake: Duration,
    /// Until it has told who it is.
    pub identify: Duration,
    /// A connection on which nothing was asked for is closed after this time, and before twice of it.
    pub idle: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(10), identify: Duration::from_secs(10), idle: Duration::from_secs(300) }
    }
}

/// Somebody who has come.
#[derive(Clone, Debug)]
pub struct Dialer {
    /// Its number, which no other has at the same time.
    pub attempt: u32,
    /// What it came over.
    pub transport: Transport,
    /// The address of ours that it dialed.
    pub local: Multiaddr,
    /// Its own.
    pub remote: Multiaddr,
}

/// A connection that stands, and who proved to be at its other end.
pub struct Established {
    /// Who.
    pub peer: PeerId,
    /// From where, if that was proved later than its first word was heard.
    pub remote: Option<Multiaddr>,
    /// The connection.
    pub connection: Multiplexed,
    /// What is served on it besides identify and ping.
    pub services: Vec<session::Service>,
}

impl Established {
    /// A connection on which nothing but identify and ping is served.
    #[must_use]
    pub fn new(peer: PeerId, connection: Multiplexed) -> Self {
        Self { peer, remote: None, connection, services: Vec::new() }
    }

    /// Serves these protocols too.
    #[must_use]
    pub fn offering(mut self, services: Vec<session::Service>) -> Self {
        self.services.extend(services);
        self
    }
}

/// Where dialers and who hears of them meet.
pub struct Host<S> {
    service: Rc<Service>,
    sink: Rc<RefCell<S>>,
}

impl<S: FnMut(&Event, &Report)> Host<S> {
    /// A host whose `sink` gets each event as it happens, with the report of the dialer that it belongs to.
    pub fn new(service: Rc<Service>, sink: S) -> Self {
        Self { service, sink: Rc::new(RefCell::new(sink)) }
    }

    pub(crate) fn log(&self) -> Rc<Log> {
        let clock = self.service.clock.clone();
        Log::since(Duration::ZERO, Box::new(move || clock.now().into()))
    }

    /// A fact that belongs to no dialer.
    pub fn tell(&self, fact: Fact) {
        let log = self.log();
        log.emit(log.now(), fact);
        self.pass_on(&log);
    }

    /// Hands the events over.
    pub(crate) fn pass_on(&self, log: &Log) {
        let mut sink = self.sink.borrow_mut();
        while let Some(event) = log.take() {
            log.report(|report| sink(&event, report));
        }
    }

    /// Tells of a dialer above the limits: it gets no byte.
    pub fn turned_away(&self, dialer: &Dialer) {
        self.tell(planned(dialer, Some(WhyCode::OverLimit)));
    }

    /// One dialer's life, with a report of its own. `establish` goes through the stages of its dial from this side.
    pub fn serve<'a, E>(&self, dialer: &Dialer, establish: impl FnOnce(Rc<Record>) -> E) -> LocalBoxFuture<'a, ()>
    where
        S: 'a,
        E: Future<Output = Result<Established, Fault>> + 'a,
    {
        let log = self.log();
        log.emit(log.now(), planned(dialer, None));
        let record = Record::new(&log, dialer.attempt);
        let establish = establish(Rc::clone(&record)).boxed_local();
        let host = Self { service: Rc::clone(&self.service), sink: Rc::clone(&self.sink) };
        let mut served = Box::pin(serve::serve(Rc::clone(&self.service), record, dialer.remote.clone(), establish));
        let mut log = Some(log);
        poll_fn(move |cx| {
            let polled = served.as_mut().poll(cx);
            if let Some(told) = &log {
                host.pass_on(told);
                // A connection that is held may outlast its attempt by hours. Nobody tells anything of it then.
                if Rc::strong_count(told) == 1 {
                    log = None;
                }
            }
            polled
        })
        .boxed_local()
    }
}

/// An inbound attempt: `address` is ours, `remote` the dialer's.
fn planned(dialer: &Dialer, why: Option<WhyCode>) -> Fact {
    Fact::AttemptPlanned {
        attempt: dialer.attempt,
        address: dialer.local.to_string(),
        remote: Some(dialer.remote.to_string()),
        names: Vec::new(),
        transport: Some(dialer.transport),
        source: Source::Own,
        direction: Direction::Inbound,
        version: None,
        why: why.map(Into::into),
        cause: None,
    }
}

/// What a dialer is told of where the node listens: to others than this machine its loopback addresses mean nothing.
pub(crate) fn told(addresses: &[Multiaddr], to: Option<IpAddr>) -> Vec<Multiaddr> {
    let here = to.is_some_and(|ip| ip.is_loopback());
    let means_something = |address: &&Multiaddr| here || Scope::of(address) != Scope::Loopback;
    let without_peer = |address: &Multiaddr| address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect();
    addresses.iter().filter(means_something).map(without_peer).collect()
}
