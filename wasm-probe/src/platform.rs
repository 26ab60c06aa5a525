//! What this runs in: time, and what a page or Node tells of itself.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use js_sys::{Function, Promise, Reflect, global};
use p2p_probe::{
    model::{RuntimeKind, Stamp},
    plan::Loaded,
    session::Clock,
};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, ms: i32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
}

/// Time since the page or the process began; never goes back.
pub(crate) fn now() -> Duration {
    Duration::try_from_secs_f64(performance_now() / 1000.0).unwrap_or_default()
}

/// The same clock, for a session.
pub(crate) fn clock() -> Clock {
    Clock::new(|| now().into(), |span| Box::pin(sleep(span)))
}

/// The time of day.
pub(crate) fn utc() -> Stamp {
    let since = Duration::try_from_secs_f64(date_now() / 1000.0).unwrap_or_default();
    Stamp::at(SystemTime::UNIX_EPOCH + since)
}

/// Ends after `span`. Dropping it stops its timer, so that it keeps no process alive.
pub(crate) fn sleep(span: Duration) -> Sleep {
    // Half a millisecond that is cut off would end it before its time.
    let ms = i32::try_from(span.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
    let mut timer = JsValue::UNDEFINED;
    let promise = Promise::new(&mut |resolve, _| timer = set_timeout(&resolve, ms));
    Sleep { timer, ended: JsFuture::from(promise) }
}

/// A timer that runs.
pub(crate) struct Sleep {
    timer: JsValue,
    ended: JsFuture,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.ended).poll(cx).map(|_| ())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        clear_timeout(&self.timer);
    }
}

/// A member of a member of the global object; undefined where any of them is missing.
pub(crate) fn member(path: &[&str]) -> JsValue {
    path.iter().fold(global().into(), |object, name| get(&object, name))
}

/// A member of an object; undefined where there is none.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    if !object.is_object() && !object.is_function() {
        return JsValue::UNDEFINED;
    }
    // A getter that throws has nothing to say.
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A function of an object.
pub(crate) fn method(object: &JsValue, name: &str) -> Option<Function> {
    get(object, name).dyn_into().ok()
}

/// Where this runs.
pub(crate) fn kind() -> RuntimeKind {
    if member(&["process", "versions", "node"]).is_string() { RuntimeKind::Node } else { RuntimeKind::Browser }
}

/// What the browser says of itself; in Node its version.
pub(crate) fn user_agent() -> Option<String> {
    match kind() {
        RuntimeKind::Node => Some(format!("Node.js/{}", member(&["process", "versions", "node"]).as_string()?)),
        RuntimeKind::Browser | RuntimeKind::Native => member(&["navigator", "userAgent"]).as_string(),
    }
}

/// Where the page was loaded from.
pub(crate) fn loaded() -> Loaded {
    let https = member(&["location", "protocol"]).as_string().is_some_and(|protocol| protocol == "https:");
    match member(&["isSecureContext"]).as_bool() {
        _ if https => Loaded::Securely,
        Some(false) => Loaded::Insecurely,
        _ => Loaded::Here,
    }
}
