//! The exported run.

use std::rc::Rc;

use futures::{StreamExt as _, channel::oneshot};
use js_sys::{Function, Promise};
use p2p_probe::{
    engine::{self, Job},
    model::{self, Event, Source},
    redact::Redactor,
    render::json,
    target,
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use crate::{
    Js, Report,
    options::{self, Asked, usage},
    panic,
    permission::Permissions,
    platform::{get, method},
    report::text_of,
};

/// The version of p2p-probe.
#[wasm_bindgen]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}

/// Probes a peer, named by a multiaddr.
///
/// `options.transport` is a transport of `js/contract.js`; the others have the names and meanings of the command line:
/// `timeout` and `deadline` (`10s`; in milliseconds `timeoutMs`, `deadlineMs`), `pings`, `pingInterval` (`pingIntervalMs`), `concurrency`, `transports`, `family`, `security`, `webrtc`, `learnCerthash`,
/// `announced`, `private`, `redact`. `options.signal` is an `AbortSignal`: aborting it ends the run, with the report of what
/// was seen until then. `onEvent` is called with each event as it happens, a line of NDJSON.
///
/// The promise rejects with a `UsageError` for what cannot be meant, with what `onEvent` throws, and with a `DefectError` when
/// this program panics.
#[wasm_bindgen]
pub fn probe(target: &str, options: &JsValue, on_event: Option<Function>) -> Promise {
    let mut asked = Some((target.to_owned(), options.clone(), on_event));
    Promise::new(&mut |resolve, reject| {
        // A promise calls this once.
        let Some((target, options, on_event)) = asked.take() else { return };
        if let Err(error) = panic::guard() {
            settle(&reject, &error);
            return;
        }
        let open = panic::Open::new(&reject);
        spawn_local(async move {
            match run(&target, &options, on_event).await {
                Ok(report) => settle(&resolve, &report.into()),
                Err(error) => settle(&reject, &error),
            }
            drop(open);
        });
    })
}

/// Settles a promise, which never fails.
pub(crate) fn settle(function: &Function, value: &JsValue) {
    let _ = function.call1(&JsValue::NULL, value);
}

async fn run(target: &str, asked: &JsValue, on_event: Option<Function>) -> Result<Report, JsValue> {
    let Asked { options, transport, names, signal, sources } = options::read(asked)?;
    let (target, addresses) = target::parse(target).map_err(usage)?;
    let mut view = View { redactor: options.redacted.then(Redactor::default), report: model::Report::default(), on_event };
    let (stop, _abort) = stop(&signal);
    let job = Job { target, addresses, source: Source::Target, options };
    let permissions = Permissions::ask().await;
    let mut events = engine::run(Rc::new(Js::new(transport, names, sources, permissions)), job, stop);
    while let Some(event) = events.next().await {
        view.apply(&event)?;
    }
    Ok(Report(view.report))
}

/// What is seen of a run.
struct View {
    redactor: Option<Redactor>,
    report: model::Report,
    on_event: Option<Function>,
}

impl View {
    fn apply(&mut self, event: &Event) -> Result<(), JsValue> {
        let redacted = self.redactor.as_mut().map(|redactor| redactor.apply(event)).transpose().map_err(usage)?;
        let event = redacted.as_ref().unwrap_or(event);
        self.report.apply(event);
        if let Some(on_event) = &self.on_event {
            on_event.call1(&JsValue::NULL, &text_of(json::line(event))?.into())?;
        }
        Ok(())
    }
}

/// A future that ends when a signal is aborted, and what listens to it.
pub(crate) fn stop(signal: &JsValue) -> (impl Future<Output = ()> + use<>, Option<Abort>) {
    let (sender, stopped) = oneshot::channel::<()>();
    let abort = Abort::on(signal, sender);
    let stopped = async move {
        // Without a signal, or when the listener is gone, nothing stops the run.
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    (stopped, abort)
}

/// Listens to an `AbortSignal` until it is dropped.
pub(crate) struct Abort {
    signal: JsValue,
    listener: Closure<dyn FnMut()>,
}

impl Abort {
    fn on(signal: &JsValue, sender: oneshot::Sender<()>) -> Option<Self> {
        let mut sender = Some(sender);
        let mut abort = move || {
            if let Some(sender) = sender.take() {
                // A run that is over need not be stopped.
                let _ = sender.send(());
            }
        };
        if get(signal, "aborted").is_truthy() {
            abort();
            return None;
        }
        let add = method(signal, "addEventListener")?;
        let listener = Closure::<dyn FnMut()>::new(abort);
        add.call2(signal, &"abort".into(), listener.as_ref().unchecked_ref()).ok()?;
        Some(Self { signal: signal.clone(), listener })
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(remove) = method(&self.signal, "removeEventListener") {
            let _ = remove.call2(&self.signal, &"abort".into(), self.listener.as_ref().unchecked_ref());
        }
    }
}
