//! The JS transport as a libp2p [`Transport`].

use std::{
    collections::VecDeque,
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures::{
    future::{Ready, ready},
    stream::{SelectAll, Stream, StreamExt},
};
use js_sys::{Array, Iterator, Promise};
use libp2p_core::{
    Transport,
    transport::{DialOpts, ListenerId, TransportError, TransportEvent},
};
use libp2p_wasm_ext::ffi;
use multiaddr::Multiaddr;
use p2p_probe::engine::Fault;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use crate::{
    Connection, error,
    platform::{get, method},
};

#[wasm_bindgen]
extern "C" {
    /// A transport that takes a signal as well, see js/contract.js.
    type Abortable;

    #[wasm_bindgen(method, catch)]
    fn dial(
        this: &Abortable,
        address: &str,
        role_override: bool,
        signal: &JsValue,
        name: Option<&str>,
    ) -> Result<Promise, JsValue>;

    type AbortController;

    #[wasm_bindgen(constructor)]
    fn new() -> AbortController;

    #[wasm_bindgen(method, getter)]
    fn signal(this: &AbortController) -> JsValue;

    #[wasm_bindgen(method)]
    fn abort(this: &AbortController);
}

/// A transport over a JS object of the contract.
pub struct JsTransport {
    object: SendWrapper<ffi::Transport>,
    listeners: SelectAll<Listener>,
}

/// What a call to the JS transport came back with.
#[derive(Clone, Debug)]
pub struct JsError(pub Fault);

impl fmt::Display for JsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for JsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl From<&JsValue> for JsError {
    fn from(error: &JsValue) -> Self {
        Self(error::fault(error))
    }
}

impl JsTransport {
    /// A transport over an object that has what `ffi` names.
    #[must_use]
    pub fn new(object: ffi::Transport) -> Self {
        Self { object: SendWrapper::new(object), listeners: SelectAll::new() }
    }

    /// Starts a dial. Dropping it aborts it.
    fn start(&self, address: &str, role_override: bool, name: Option<&str>) -> Result<Dialing, JsValue> {
        let controller = AbortController::new();
        let object: &Abortable = self.object.unchecked_ref();
        let promise = object.dial(address, role_override, &controller.signal(), name)?;
        Ok(Dialing(SendWrapper::new(Started { promise: promise.into(), controller: Some(controller) })))
    }

    /// Dials. `name` is what the IP address was looked up by.
    pub async fn open(&self, address: &str, name: Option<&str>) -> Result<Connection, Fault> {
        let dialing = self.start(address, false, name).map_err(|error| error::fault(&error))?;
        dialing.await.map_err(|JsError(fault)| fault)
    }

    fn refused(address: Multiaddr, error: &JsValue) -> TransportError<JsError> {
        if error::is_not_supported(error) {
            TransportError::MultiaddrNotSupported(address)
        } else {
            TransportError::Other(error.into())
        }
    }
}

impl fmt::Debug for JsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsTransport").field("listeners", &self.listeners.len()).finish_non_exhaustive()
    }
}

/// A dial that is on its way.
#[must_use = "futures do nothing unless polled"]
pub struct Dialing(SendWrapper<Started>);

struct Started {
    promise: JsFuture,
    /// Taken when the dial has settled.
    controller: Option<AbortController>,
}

impl fmt::Debug for Dialing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialing").finish_non_exhaustive()
    }
}

impl Future for Dialing {
    type Output = Result<Connection, JsError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let settled = Pin::new(&mut self.0.promise).poll(cx);
        if settled.is_ready() {
            self.0.controller = None;
        }
        settled.map_ok(|connection| Connection::new(connection.unchecked_into())).map_err(|error| (&error).into())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(controller) = self.controller.take() {
            controller.abort();
        }
    }
}

type Event = TransportEvent<Ready<Result<Connection, JsError>>, JsError>;

/// One address that is listened on.
struct Listener {
    id: ListenerId,
    iterator: SendWrapper<Iterator>,
    asked: Option<SendWrapper<JsFuture>>,
    events: VecDeque<Event>,
    /// What is listened on now, to be expired when it ends.
    addresses: Vec<Multiaddr>,
    ended: bool,
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
    /// JavaScript's own way to stop an iterator. A host that cannot stop says so in vain.
    fn stop(&self) {
        if let Some(stop) = method(&self.iterator, "return") {
            let _ = stop.call0(&self.iterator);
        }
    }

    /// The end, after what is listened on has expired. The host is told, unless it said so itself.
    fn end(&mut self, reason: Result<(), JsError>) {
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
            let step = self.iterator.next()?;
            if step.done() {
                return Ok(false);
            }
            self.asked = Some(SendWrapper::new(Promise::resolve(&step.value()).into()));
        }
        Ok(true)
    }

    fn took(&mut self, event: &ffi::ListenEvent) {
        let listener_id = self.id;
        for address in parsed(event.new_addrs()) {
            self.events.push_back(match address {
                Ok(listen_addr) => {
                    self.addresses.push(listen_addr.clone());
                    TransportEvent::NewAddress { listener_id, listen_addr }
                }
                Err(error) => TransportEvent::ListenerError { listener_id, error },
            });
        }
        for connection in event.new_connections().into_iter().flat_map(<[JsValue]>::into_vec) {
            let event = self.incoming(&connection.unchecked_into());
            self.events.push_back(event);
        }
        let failed = get(event, "failed_connections").dyn_into::<Array>().unwrap_or_default();
        self.events.extend(failed.iter().filter_map(|failed| failed_connection(self.id, &failed)));
        for address in parsed(event.expired_addrs()).flatten() {
            self.addresses.retain(|known| *known != address);
            self.events.push_back(TransportEvent::AddressExpired { listener_id, listen_addr: address });
        }
    }

    fn incoming(&self, event: &ffi::ConnectionEvent) -> Event {
        let listener_id = self.id;
        // From here on it is closed when it is dropped.
        let connection = Connection::new(event.connection());
        match (address(&event.local_addr()), address(&event.observed_addr())) {
            (Ok(local_addr), Ok(send_back_addr)) => {
                TransportEvent::Incoming { listener_id, local_addr, send_back_addr, upgrade: ready(Ok(connection)) }
            }
            (Err(error), _) | (_, Err(error)) => TransportEvent::ListenerError { listener_id, error },
        }
    }
}

/// A connection that came to nothing, see js/contract.js. A host need not tell of it, nor of both its ends.
fn failed_connection(listener_id: ListenerId, event: &JsValue) -> Option<Event> {
    let end = |name| get(event, name).as_string()?.parse().ok();
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
                Ok(event) => self.took(event.unchecked_ref()),
                Err(error) => self.end(Err((&error).into())),
            }
        }
    }
}

fn parsed(addresses: Option<Box<[JsValue]>>) -> impl std::iter::Iterator<Item = Result<Multiaddr, JsError>> {
    addresses.into_iter().flat_map(<[JsValue]>::into_vec).map(|text| address(&text.as_string().unwrap_or_default()))
}

fn address(text: &str) -> Result<Multiaddr, JsError> {
    text.parse().map_err(|_| {
        let fault = Fault::from(p2p_probe::model::Cause::LocalFault { errno: None });
        JsError(fault.say("the JS transport named an address that is none"))
    })
}

impl Transport for JsTransport {
    type Output = Connection;
    type Error = JsError;
    type ListenerUpgrade = Ready<Result<Connection, JsError>>;
    type Dial = Dialing;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<JsError>> {
        let iterator = self.object.listen_on(&address.to_string()).map_err(|error| Self::refused(address, &error))?;
        self.listeners.push(Listener {
            id,
            iterator: SendWrapper::new(iterator),
            asked: None,
            events: VecDeque::new(),
            addresses: Vec::new(),
            ended: false,
            waiting: None,
        });
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let listener = self.listeners.iter_mut().find(|listener| listener.id == id && !listener.ended);
        let Some(listener) = listener else { return false };
        listener.end(Ok(()));
        true
    }

    fn dial(&mut self, address: Multiaddr, options: DialOpts) -> Result<Dialing, TransportError<JsError>> {
        let listens = options.role.is_listener();
        self.start(&address.to_string(), listens, None).map_err(|error| Self::refused(address, &error))
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Event> {
        match self.listeners.poll_next_unpin(cx) {
            Poll::Ready(Some(event)) => Poll::Ready(event),
            // Nothing is listened on; `listen_on` is followed by another poll.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// Whether a value looks like a transport of the contract.
pub(crate) fn transport(object: JsValue) -> Option<JsTransport> {
    method(&object, "dial")?;
    get(&object, "dial").is_function().then(|| JsTransport::new(object.unchecked_into()))
}
