//! The node: where it listens, and whom it serves.

use std::{
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{
    FutureExt as _, StreamExt as _,
    channel::oneshot,
    future::{LocalBoxFuture, poll_fn},
    select_biased,
    stream::FuturesUnordered,
};
use js_sys::{Error, Function};
use libp2p_core::{
    Transport as _,
    transport::{ListenerId, TransportError, TransportEvent},
};
use libp2p_identity::Keypair;
use multiaddr::{Multiaddr, Protocol};
use p2p_probe::{
    inbound::{self, Allowance, Dialer, Host, Limits, Plain, Service},
    model::{Fact, Found, StageName, Transport, ip_of},
    plan::{self, Parsed},
    target,
    transport::limits::Gate,
};
use wasm_bindgen::JsValue;

use super::sink::{Sink, Tell};
use crate::{Connection, JsError, JsTransport, listener::Event, options::usage, platform};

/// A node, and those whom it serves.
pub(super) struct Node {
    transport: Pin<Box<JsTransport>>,
    service: Rc<Service>,
    host: Host<Tell>,
    sink: Sink,
    /// Dropped when the node ends.
    close: oneshot::Sender<()>,
    gate: Arc<Gate>,
    refusals: Allowance,
    dialers: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    /// The number of the last attempt.
    last: u32,
}

/// Somebody who has come, and the connection or why there is none.
type Arrived = (Dialer, Result<Connection, JsError>);

impl Node {
    pub(super) fn new(transport: JsTransport, on_event: Function) -> Self {
        let limits = Limits::default();
        let (close, closing) = oneshot::channel();
        let service = Rc::new(Service {
            clock: platform::clock(),
            identity: Keypair::generate_ed25519(),
            addresses: Vec::new().into(),
            times: limits.times,
            extra: Box::new(Plain),
            closing: closing.shared(),
        });
        let sink = Sink::new(on_event);
        Self {
            transport: Box::pin(transport),
            host: Host::new(Rc::clone(&service), sink.tell()),
            service,
            sink,
            close,
            gate: limits.gate(),
            refusals: Allowance::new(limits.told_refusals),
            dialers: FuturesUnordered::new(),
            last: 0,
        }
    }

    pub(super) fn listen_on(&mut self, text: &str) -> Result<(), JsValue> {
        let address = target::multiaddr(text).map_err(usage)?;
        self.transport.as_mut().listen_on(ListenerId::next(), address.clone()).map_err(|error| match error {
            TransportError::MultiaddrNotSupported(_) => {
                usage(format!("cannot listen on {address}: Node listens on /ip4 and /ip6 with /tcp, and /ws on top"))
            }
            TransportError::Other(error) => Error::new(&format!("cannot listen on {address}: {error}")).into(),
        })
    }

    /// Waits until every port is bound, so that what cannot be is known before anything is told.
    pub(super) async fn bind(&mut self) -> Result<(), JsValue> {
        poll_fn(|cx| self.poll_bound(cx)).await
    }

    fn poll_bound(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), JsValue>> {
        while let Poll::Ready(event) = self.transport.as_mut().poll(cx) {
            // Who comes now was told of no address.
            if let Err(error) = self.moved(&event) {
                return Poll::Ready(Err(error));
            }
        }
        if self.transport.is_bound() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Serves until `stop` ends, or what is told of it is taken no more. Gives the last line for people.
    pub(super) async fn serve(mut self, mut stop: impl Future<Output = ()> + Unpin) -> Result<Option<String>, JsValue> {
        let mut stop = (&mut stop).fuse();
        let bound = self.service.addresses.borrow().clone();
        for address in &bound {
            self.tell_of(address);
        }
        let mut ended = self.sink.failure();
        while ended.is_ok() {
            let transport = &mut self.transport;
            let event = select_biased! {
                () = stop => break,
                () = self.dialers.select_next_some() => None,
                event = poll_fn(|cx| transport.as_mut().poll(cx)).fuse() => Some(event),
            };
            ended = event.map_or(Ok(()), |event| self.happened(event)).and(self.sink.failure());
        }
        let Self { close, transport, mut dialers, sink, .. } = self;
        drop((close, transport));
        while dialers.next().await.is_some() {}
        ended.map(|()| sink.rest())
    }

    /// What happened at a port. The error ends the node.
    fn happened(&mut self, event: Event) -> Result<(), JsValue> {
        if let Some(address) = self.moved(&event)? {
            self.tell_of(&address);
        }
        if let Some(arrived) = arrived(event, self.last.wrapping_add(1)) {
            self.welcome(arrived);
        }
        Ok(())
    }

    /// Notes where it listens now. Gives an address that is new; the error is why it listens no more.
    fn moved(&mut self, event: &Event) -> Result<Option<Multiaddr>, JsValue> {
        let named = |address: &Multiaddr| address.clone().with(Protocol::P2p(self.service.identity.public().to_peer_id()));
        let mut addresses = self.service.addresses.borrow_mut();
        match event {
            TransportEvent::NewAddress { listen_addr, .. } => {
                let new = named(listen_addr);
                addresses.push(new.clone());
                Ok(Some(new))
            }
            TransportEvent::AddressExpired { listen_addr, .. } => {
                let expired = named(listen_addr);
                addresses.retain(|address| *address != expired);
                Ok(None)
            }
            TransportEvent::ListenerClosed { reason: Err(JsError(fault)), .. } => {
                Err(Error::new(&format!("cannot listen: {fault}")).into())
            }
            _ => Ok(None),
        }
    }

    fn tell_of(&self, address: &Multiaddr) {
        self.host.tell(Fact::Listening { address: address.to_string() });
    }

    /// Serves whom the limits let in.
    fn welcome(&mut self, (dialer, connection): Arrived) {
        self.last = dialer.attempt;
        // Where a host does not tell from where somebody comes, all such are from one place.
        let from = ip_of(&dialer.remote).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        match self.gate.enter(from) {
            Some(place) => {
                let served = serve_one(&self.host, &self.service, &dialer, connection);
                self.dialers.push(served.map(|()| drop(place)).boxed_local());
            }
            None if self.refusals.take(platform::now()) => self.host.turned_away(&dialer),
            None => {}
        }
    }
}

/// Who has come, and the connection or why there is none.
fn arrived(event: Event, attempt: u32) -> Option<Arrived> {
    let TransportEvent::Incoming { upgrade, local_addr: local, send_back_addr: remote, .. } = event else { return None };
    let connection = upgrade.now_or_never()?;
    let transport = match plan::parse(&local) {
        Ok(Parsed::Route(route)) => route.transport,
        Ok(Parsed::Dnsaddr { .. }) | Err(_) => return None,
    };
    Some((Dialer { attempt, transport, local, remote }, connection))
}

fn serve_one(
    host: &Host<Tell>,
    service: &Rc<Service>,
    dialer: &Dialer,
    connection: Result<Connection, JsError>,
) -> LocalBoxFuture<'static, ()> {
    let service = Rc::clone(service);
    let (stage, covers) = match dialer.transport {
        Transport::Ws => (StageName::Upgrade, Some(vec![StageName::Connect])),
        _ => (StageName::Connect, None),
    };
    host.serve(dialer, move |record| async move {
        record.enter(stage);
        record.found(Found { covers, ..Found::default() });
        let connection = connection.map_err(|JsError(fault)| fault)?;
        record.found(Found { local: connection.local(), ..Found::default() });
        inbound::secure(&service.identity, &record, Box::new(connection)).await
    })
}
