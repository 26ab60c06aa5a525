//! What the users of a session share with what drives it.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};

use futures::{channel::oneshot, future::LocalBoxFuture};
use libp2p_core::muxing::SubstreamBox;

use super::{Clock, Confirmation, Fault, Noted, Opener, Proposal, Service, Us, inbound, propose};
use crate::model::Cause;

/// Streams on which the other side may ping at once: twice what the ping specification asks a listener for, since a new one
/// may overtake the end of an old one. Each may hold as much as yamux lets a stream send ahead.
const MAX_PINGING: usize = 4;

/// One stream of a session on which a protocol is proposed.
pub(super) type Stream = Proposal<SubstreamBox>;

/// A handle to an open connection.
#[derive(Clone)]
pub(super) struct Link(Rc<Shared>);

struct Shared {
    clock: Clock,
    us: Us,
    note: Box<dyn Fn(Noted)>,
    confirmation: Option<Confirmation>,
    confirmed: Cell<bool>,
    wanted: RefCell<VecDeque<oneshot::Sender<SubstreamBox>>>,
    ended: RefCell<Option<Fault>>,
    /// The streams on which the other side pings, oldest first. Dropping one ends it.
    pinging: RefCell<VecDeque<oneshot::Sender<()>>>,
    /// Who waits for `confirmed` or `ended`: the few futures of one probe.
    watchers: RefCell<Vec<Waker>>,
    /// What is served besides.
    services: RefCell<Vec<Service>>,
    /// Who polls the connection: a request from elsewhere has to reach them.
    driver: RefCell<Option<Waker>>,
}

/// A handle that does not keep the connection.
#[derive(Clone)]
pub(super) struct WeakLink(Weak<Shared>);

impl WeakLink {
    pub(super) fn upgrade(&self) -> Option<Link> {
        self.0.upgrade().map(Link)
    }
}

impl Link {
    pub(super) fn new(clock: Clock, us: Us, note: Box<dyn Fn(Noted)>, confirmation: Option<Confirmation>) -> Self {
        let confirmed = Cell::new(confirmation.is_none());
        Self(Rc::new(Shared {
            clock,
            us,
            note,
            confirmation,
            confirmed,
            wanted: RefCell::default(),
            ended: RefCell::default(),
            pinging: RefCell::default(),
            watchers: RefCell::default(),
            services: RefCell::default(),
            driver: RefCell::default(),
        }))
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn us(&self) -> &Us {
        &self.0.us
    }

    pub(super) fn offer(&self, services: Vec<Service>) {
        self.0.services.borrow_mut().extend(services);
    }

    /// The protocols that the session offers.
    pub(super) fn offers(&self) -> Vec<&'static str> {
        inbound::OFFERS.into_iter().chain(self.0.services.borrow().iter().map(Service::protocol)).collect()
    }

    /// Serves a stream by the service of that name.
    pub(super) fn serve(&self, protocol: &str, stream: SubstreamBox) -> LocalBoxFuture<'static, ()> {
        let services = self.0.services.borrow();
        match services.iter().find(|service| service.protocol() == protocol) {
            Some(service) => service.serve(stream),
            None => Box::pin(std::future::ready(())),
        }
    }

    pub(super) fn opener(&self) -> Opener {
        Opener::new(WeakLink(Rc::downgrade(&self.0)))
    }

    /// Notes who polls the connection.
    pub(super) fn driven_by(&self, waker: &Waker) {
        let mut driver = self.0.driver.borrow_mut();
        if !driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *driver = Some(waker.clone());
        }
    }

    /// Asks for a new stream; its coming may wait for the driver, which is woken.
    pub(super) fn ask(&self) -> oneshot::Receiver<SubstreamBox> {
        let (sender, stream) = oneshot::channel();
        if self.ended().is_none() {
            self.0.wanted.borrow_mut().push_back(sender);
            if let Some(driver) = &*self.0.driver.borrow() {
                driver.wake_by_ref();
            }
        }
        stream
    }

    /// A place among the streams on which the other side pings. It ends when newer ones take it.
    pub(super) fn place_to_ping(&self) -> oneshot::Receiver<()> {
        let (place, taken) = oneshot::channel();
        let mut pinging = self.0.pinging.borrow_mut();
        pinging.retain(|place| !place.is_canceled());
        if pinging.len() == MAX_PINGING {
            pinging.pop_front();
        }
        pinging.push_back(place);
        taken
    }

    pub(super) fn note(&self, noted: Noted) {
        (self.0.note)(noted);
    }

    /// A new stream, once there is one. The proposal leaves with what is written first.
    pub(super) async fn open(&self, protocol: &str) -> Result<Stream, Fault> {
        let stream = self.ask().await.map_err(|_| self.explain(Cause::Closed.into()))?;
        Ok(propose(stream, protocol))
    }

    /// The oldest request for a stream that somebody still waits for.
    pub(super) fn wants(&self) -> bool {
        let mut wanted = self.0.wanted.borrow_mut();
        wanted.retain(|sender| !sender.is_canceled());
        !wanted.is_empty()
    }

    pub(super) fn deliver(&self, stream: SubstreamBox) {
        let sender = self.0.wanted.borrow_mut().pop_front();
        if let Some(sender) = sender {
            // Whoever asked may be gone by now: then the stream is dropped.
            let _ = sender.send(stream);
        }
    }

    pub(super) fn ended(&self) -> Option<Fault> {
        self.0.ended.borrow().clone()
    }

    pub(super) fn end(&self, fault: Fault) {
        // The connection may have been agreed to in the same breath.
        self.look();
        self.0.ended.borrow_mut().get_or_insert(fault);
        self.0.wanted.borrow_mut().clear();
        self.wake();
    }

    /// Looks whether the other side has agreed to the multiplexer by now.
    pub(super) fn look(&self) {
        if !self.0.confirmed.get() && self.0.confirmation.as_ref().is_some_and(Confirmation::arrived) {
            self.0.confirmed.set(true);
            self.wake();
        }
    }

    pub(super) fn poll_established(&self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        // What follows an agreement has to be what was agreed on.
        let spoiled = self.0.ended.borrow().as_ref().is_some_and(|fault| fault.cause == Cause::Malformed);
        if self.0.confirmed.get() && !spoiled {
            return Poll::Ready(Ok(()));
        }
        self.poll_ended(cx).map(Err)
    }

    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<Fault> {
        if let Some(fault) = self.ended() {
            return Poll::Ready(fault);
        }
        let mut watchers = self.0.watchers.borrow_mut();
        if !watchers.iter().any(|waker| waker.will_wake(cx.waker())) {
            watchers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    fn wake(&self) {
        self.0.watchers.take().into_iter().for_each(Waker::wake);
    }

    /// A stream that closed because the connection did failed for the connection's reason.
    pub(super) fn explain(&self, fault: Fault) -> Fault {
        match fault.cause {
            Cause::Closed => self.ended().unwrap_or(fault),
            _ => fault,
        }
    }

    /// What a fault of a stream means to the protocol on it: the words of a negotiation are those of a connection.
    pub(super) fn on_stream(&self, fault: Fault) -> Fault {
        match fault.cause {
            Cause::NoCommonProtocol { .. } => Fault { cause: Cause::ProtocolNotSupported, ..fault },
            Cause::NotLibp2p { .. } | Cause::HandshakeFailed { .. } => Fault { cause: Cause::Malformed, ..fault },
            _ => self.explain(fault),
        }
    }
}
