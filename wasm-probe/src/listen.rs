//! A node in Node: `listen` over what the JS transport can listen on.

use std::{cell::Cell, pin::Pin, rc::Rc};

use futures::{
    FutureExt as _, StreamExt as _,
    channel::oneshot,
    future::{LocalBoxFuture, poll_fn},
    select_biased,
    stream::FuturesUnordered,
};
use js_sys::{Array, Error, Function, Promise};
use libp2p_core::{
    Transport as _,
    transport::{ListenerId, TransportError, TransportEvent},
};
use libp2p_identity::Keypair;
use multiaddr::{Multiaddr, Protocol};
use p2p_probe::{
    inbound::{self, Dialer, Host, Plain, Service, Times},
    model::{Event, Fact, Found, Report, StageName, Transport},
    plan::{self, Parsed},
    render::{Style, json},
    target,
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use crate::{
    Connection, JsError, JsTransport,
    options::usage,
    panic,
    platform::{self, get},
    report::text_of,
    run::{settle, stop},
    transport,
};

/// Connections at once: what a single thread serves without being slow to all.
const CONNECTIONS: usize = 256;

/// Listens, and tells what it sees of each dialer, until `options.signal` is aborted.
///
/// `addresses` are multiaddrs to listen on, as `options.transport` can. `onEvent(line, text)` is called with each event, a line
/// of NDJSON as `p2p-probe listen --format ndjson` writes them, and with a line for people where there is something to say.
#[wasm_bindgen]
pub fn listen(addresses: Array, options: &JsValue, on_event: Function) -> Promise {
    let mut asked = Some((addresses, options.clone(), on_event));
    Promise::new(&mut |resolve, reject| {
        // A promise calls this once.
        let Some((addresses, options, on_event)) = asked.take() else { return };
        if let Err(error) = panic::guard() {
            settle(&reject, &error);
            return;
        }
        let open = panic::Open::new(&reject);
        spawn_local(async move {
            match run(&addresses, &options, on_event).await {
                Ok(()) => settle(&resolve, &JsValue::UNDEFINED),
                Err(error) => settle(&reject, &error),
            }
            drop(open);
        });
    })
}

async fn run(addresses: &Array, options: &JsValue, on_event: Function) -> Result<(), JsValue> {
    let transport = transport::transport(get(options, "transport"))
        .ok_or_else(|| usage("options.transport has to be a transport of js/contract.js"))?;
    let mut node = Node::new(transport, on_event);
    for address in addresses.iter() {
        node.listen_on(&address.as_string().unwrap_or_default())?;
    }
    node.bind().await?;
    let (stopped, _abort) = stop(&get(options, "signal"));
    node.serve(stopped).await
}

/// What was listened on, before anybody is served.
struct Node {
    transport: Pin<Box<JsTransport>>,
    /// Addresses that are asked for and have not been bound, by their listener.
    pending: Vec<ListenerId>,
    addresses: Vec<Multiaddr>,
    identity: Keypair,
    on_event: Function,
}

type Step = TransportEvent<futures::future::Ready<Result<Connection, JsError>>, JsError>;

impl Node {
    fn new(transport: JsTransport, on_event: Function) -> Self {
        let identity = Keypair::generate_ed25519();
        Self { transport: Box::pin(transport), pending: Vec::new(), addresses: Vec::new(), identity, on_event }
    }

    fn listen_on(&mut self, text: &str) -> Result<(), JsValue> {
        let address = target::multiaddr(text).map_err(usage)?;
        let id = ListenerId::next();
        self.transport.as_mut().listen_on(id, address.clone()).map_err(|error| match error {
            TransportError::MultiaddrNotSupported(_) => {
                usage(format!("cannot listen on {address}: Node listens on /ip4 and /ip6 with /tcp, and /ws on top"))
            }
            TransportError::Other(error) => refused(&address, &error),
        })?;
        self.pending.push(id);
        Ok(())
    }

    async fn next(&mut self) -> Step {
        poll_fn(|cx| self.transport.as_mut().poll(cx)).await
    }

    /// Waits until every port is bound.
    async fn bind(&mut self) -> Result<(), JsValue> {
        let peer = Protocol::P2p(self.identity.public().to_peer_id());
        while !self.pending.is_empty() {
            match self.next().await {
                TransportEvent::NewAddress { listener_id, listen_addr } => {
                    self.pending.retain(|id| *id != listener_id);
                    self.addresses.push(listen_addr.with(peer.clone()));
                }
                TransportEvent::ListenerClosed { reason: Err(JsError(fault)), .. } => {
                    return Err(Error::new(&format!("cannot listen: {fault}")).into());
                }
                // Nobody knows where to dial yet.
                _ => {}
            }
        }
        Ok(())
    }

    async fn serve(mut self, stop: impl Future<Output = ()>) -> Result<(), JsValue> {
        let (close, closing) = oneshot::channel();
        let service = Rc::new(Service {
            clock: platform::clock(),
            identity: self.identity.clone(),
            addresses: self.addresses.clone(),
            times: Times::default(),
            extra: Box::new(Plain),
            closing: closing.shared(),
        });
        let sink = Sink { on_event: self.on_event.clone(), failed: Rc::default() };
        let failed = Rc::clone(&sink.failed);
        let host = Host::new(Rc::clone(&service), move |event: &Event, report: &Report| sink.take(event, report));
        // What the host told while ports were bound may name more addresses; those come as events.
        for address in &self.addresses {
            host.tell(Fact::Listening { address: address.to_string() });
        }
        let mut dialers: FuturesUnordered<LocalBoxFuture<'static, ()>> = FuturesUnordered::new();
        let mut stop = Box::pin(stop.fuse());
        let mut last: u32 = 0;
        let mut thrown = failed.take();
        while thrown.is_none() {
            let event = select_biased! {
                () = stop => break,
                () = dialers.select_next_some() => None,
                event = self.next().fuse() => Some(event),
            };
            thrown = failed.take();
            if let Some((dialer, connection)) = event.and_then(|event| arrived(event, last.wrapping_add(1))) {
                last = dialer.attempt;
                if dialers.len() < CONNECTIONS {
                    dialers.push(serve_one(&host, &service, &dialer, connection));
                } else {
                    host.turned_away(&dialer);
                }
            }
        }
        drop(close);
        while dialers.next().await.is_some() {}
        thrown.map_or(Ok(()), Err)
    }
}

/// What a step of the transport brings: somebody, and the connection or why there is none.
fn arrived(step: Step, attempt: u32) -> Option<(Dialer, Result<Connection, JsError>)> {
    let TransportEvent::Incoming { upgrade, local_addr: local, send_back_addr: remote, .. } = step else { return None };
    let connection = upgrade.now_or_never()?;
    let transport = match plan::parse(&local) {
        Ok(Parsed::Route(route)) => route.transport,
        Ok(Parsed::Dnsaddr { .. }) | Err(_) => return None,
    };
    Some((Dialer { attempt, transport, local, remote }, connection))
}

fn serve_one<S: FnMut(&Event, &Report) + 'static>(
    host: &Host<S>,
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

fn refused(address: &Multiaddr, error: &JsError) -> JsValue {
    Error::new(&format!("cannot listen on {address}: {error}")).into()
}

/// Whom events are told.
struct Sink {
    on_event: Function,
    /// What it threw: then nothing more is told, and the node ends.
    failed: Rc<Cell<Option<JsValue>>>,
}

impl Sink {
    fn take(&self, event: &Event, report: &Report) {
        let text = line(event, report);
        let told = text_of(json::line(event)).and_then(|json| self.on_event.call2(&JsValue::NULL, &json.into(), &text.into()));
        if let Err(error) = told {
            self.failed.set(Some(error));
        }
    }
}

/// A line for people, where an event is worth one.
fn line(event: &Event, report: &Report) -> Option<String> {
    match &event.fact {
        Fact::Listening { address } => Some(format!("{address}\n")),
        Fact::AttemptPlanned { attempt, why: Some(_), .. } | Fact::AttemptEnded { attempt, .. } => {
            Some(inbound::dialer_line(report.attempt(*attempt)?, report.peers.first(), Style::PLAIN))
        }
        _ => None,
    }
}
