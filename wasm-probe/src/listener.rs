//! One address that the JS transport listens on.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures::{
    future::{Future, Ready, ready},
    stream::Stream,
};
use js_sys::{Array, Iterator};
use libp2p_core::transport::{ListenerId, TransportEvent};
use multiaddr::Multiaddr;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::{
    Connection, JsError,
    contract::{self, fault, next},
    platform::{get, method},
};

pub(crate) type Event = TransportEvent<Ready<Result<Connection, JsError>>, JsError>;

/// One address that is listened on.
pub(crate) struct Listener {
    pub(crate) id: ListenerId,
    iterator: SendWrapper<Iterator>,
    asked: Option<SendWrapper<JsFuture>>,
    events: VecDeque<Event>,
    /// What is listened on now, to be expired when it ends.
    addresses: Vec<Multiaddr>,
    /// Whether it listens: the first event says so, which may name no address yet.
    pub(crate) bound: bool,
    pub(crate) ended: bool,
    /// Who waits for the next event.
    waiting: Option<Waker>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        if !self.ended {
            self.stop();
        }
    }
}

impl Listener {
    /// A listener over what `listen_on` gave.
    pub(crate) fn new(id: ListenerId, events: JsValue) -> Result<Self, JsValue> {
        let iterator = SendWrapper::new(contract::iterator(events, "what listen_on gives")?);
        Ok(Self {
            id,
            iterator,
            asked: None,
            events: VecDeque::new(),
            addresses: Vec::new(),
            bound: false,
            ended: false,
            waiting: None,
        })
    }

    /// JavaScript's own way to stop an iterator. A host that cannot stop says so in vain.
    fn stop(&mut self) {
        if let Some(stop) = method(&self.iterator, "return") {
            let _ = stop.call0(&self.iterator);
        }
        // What has come and was not seen is the driver's to close.
        if let Some(asked) = self.asked.take() {
            spawn_local(async move {
                let event = asked.take().await.unwrap_or_default();
                for connection in list(&event, "new_connections").iter() {
                    drop(Connection::new(get(&connection, "connection")));
                }
            });
        }
    }

    /// The end, after what is listened on has expired. The host is told, unless it said so itself.
    pub(crate) fn end(&mut self, reason: Result<(), JsError>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if reason.is_ok() {
            self.stop();
        }
        self.asked = None;
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
        let listener_id = self.id;
        let expired = std::mem::take(&mut self.addresses).into_iter();
        self.events.extend(expired.map(|listen_addr| TransportEvent::AddressExpired { listener_id, listen_addr }));
        self.events.push_back(TransportEvent::ListenerClosed { listener_id, reason });
    }

    /// Asks for the next event; false when there is none.
    fn ask(&mut self) -> Result<bool, JsValue> {
        if self.asked.is_none() {
            self.asked = next(&self.iterator)?.map(SendWrapper::new);
        }
        Ok(self.asked.is_some())
    }

    fn took(&mut self, event: &JsValue) {
        let listener_id = self.id;
        if !event.is_object() {
            return self.wrong(JsError(fault("an event is none")));
        }
        self.bound = true;
        for address in addresses(event, "new_addrs") {
            match address {
                Ok(listen_addr) => {
                    self.addresses.push(listen_addr.clone());
                    self.events.push_back(TransportEvent::NewAddress { listener_id, listen_addr });
                }
                Err(error) => self.wrong(error),
            }
        }
        for connection in list(event, "new_connections").iter() {
            match self.incoming(&connection) {
                Ok(event) => self.events.push_back(event),
                Err(error) => self.wrong(error),
            }
        }
        self.events.extend(list(event, "failed_connections").iter().filter_map(|failed| failed_connection(listener_id, &failed)));
        for address in addresses(event, "expired_addrs").flatten() {
            self.addresses.retain(|known| *known != address);
            self.events.push_back(TransportEvent::AddressExpired { listener_id, listen_addr: address });
        }
    }

    /// Something that the host should not have told.
    fn wrong(&mut self, error: JsError) {
        self.events.push_back(TransportEvent::ListenerError { listener_id: self.id, error });
    }

    fn incoming(&self, event: &JsValue) -> Result<Event, JsError> {
        // From here on it is closed when it is dropped.
        let connection = Connection::new(get(event, "connection")).map_err(JsError)?;
        let end = |name| address(&get(event, name));
        let (local_addr, send_back_addr) = (end("local_addr")?, end("observed_addr")?);
        Ok(TransportEvent::Incoming { listener_id: self.id, local_addr, send_back_addr, upgrade: ready(Ok(connection)) })
    }
}

/// A connection that came to nothing, see js/contract.js. A host need not tell of it, nor of both its ends.
fn failed_connection(listener_id: ListenerId, event: &JsValue) -> Option<Event> {
    let end = |name| address(&get(event, name)).ok();
    let upgrade = ready(Err((&get(event, "error")).into()));
    Some(TransportEvent::Incoming { listener_id, local_addr: end("local_addr")?, send_back_addr: end("observed_addr")?, upgrade })
}

impl Stream for Listener {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Some(event));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match self.ask() {
                Ok(true) => {}
                Ok(false) => self.end(Ok(())),
                Err(error) => self.end(Err((&error).into())),
            }
            let Some(asked) = &mut self.asked else { continue };
            let Poll::Ready(settled) = Pin::new(&mut **asked).poll(cx) else {
                self.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            };
            self.asked = None;
            match settled {
                Ok(event) => self.took(&event),
                Err(error) => self.end(Err((&error).into())),
            }
        }
    }
}

/// A member of an event that is a list; empty where there is none.
fn list(event: &JsValue, name: &str) -> Array {
    get(event, name).dyn_into().unwrap_or_default()
}

fn addresses(event: &JsValue, name: &str) -> impl std::iter::Iterator<Item = Result<Multiaddr, JsError>> {
    list(event, name).to_vec().into_iter().map(|text| address(&text))
}

fn address(text: &JsValue) -> Result<Multiaddr, JsError> {
    let address = text.as_string().and_then(|text| text.parse().ok());
    address.ok_or_else(|| JsError(fault("an address is none")))
}
