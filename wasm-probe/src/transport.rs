//! The JS transport as a libp2p [`Transport`].

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{
    future::Ready,
    stream::{SelectAll, StreamExt},
};
use libp2p_core::{
    Transport,
    transport::{DialOpts, ListenerId, TransportError},
};
use libp2p_wasm_ext::ffi;
use multiaddr::Multiaddr;
use p2p_probe::engine::Fault;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::{
    Connection,
    contract::{Host, promised},
    error,
    listener::{Event, Listener},
    platform::method,
};

#[wasm_bindgen]
extern "C" {
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
    object: SendWrapper<Host>,
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
        Self { object: SendWrapper::new(object.unchecked_into()), listeners: SelectAll::new() }
    }

    /// Starts a dial. Dropping it aborts it.
    fn start(&self, address: &str, role_override: bool, name: Option<&str>) -> Result<Dialing, JsValue> {
        let controller = AbortController::new();
        let promise = promised(&self.object.dial(address, role_override, &controller.signal(), name)?);
        Ok(Dialing(SendWrapper::new(Started(Some((promise, controller))))))
    }

    /// Dials. `name` is what the IP address was looked up by.
    pub async fn open(&self, address: &str, name: Option<&str>) -> Result<Connection, Fault> {
        let dialing = self.start(address, false, name).map_err(|error| error::fault(&error))?;
        dialing.await.map_err(|JsError(fault)| fault)
    }

    /// Whether all that is listened on is bound. A wildcard on a machine without such an address is, at no address yet.
    pub(crate) fn is_bound(&self) -> bool {
        self.listeners.iter().all(|listener| listener.bound)
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

/// What it brings and what aborts it; nothing once it has settled.
struct Started(Option<(JsFuture, AbortController)>);

impl fmt::Debug for Dialing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialing").finish_non_exhaustive()
    }
}

impl Future for Dialing {
    type Output = Result<Connection, JsError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Nothing more comes of one that has settled.
        let Some((promise, _)) = &mut self.0.0 else { return Poll::Pending };
        let settled = ready!(Pin::new(promise).poll(cx));
        self.0.0 = None;
        Poll::Ready(settled.map_err(|error| JsError::from(&error)).and_then(|value| Connection::new(value).map_err(JsError)))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let Some((promise, controller)) = self.0.take() else { return };
        controller.abort();
        // A host that knows no signal connects all the same, and nobody else would close what it brings.
        spawn_local(async move { drop(promise.await.map(Connection::new)) });
    }
}

impl Transport for JsTransport {
    type Output = Connection;
    type Error = JsError;
    type ListenerUpgrade = Ready<Result<Connection, JsError>>;
    type Dial = Dialing;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<JsError>> {
        let events = self.object.listen_on(&address.to_string()).and_then(|events| Listener::new(id, events));
        self.listeners.push(events.map_err(|error| Self::refused(address, &error))?);
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
    Some(JsTransport::new(object.unchecked_into()))
}
