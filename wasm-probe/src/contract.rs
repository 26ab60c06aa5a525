//! The calls of the contract (`js/contract.js`), to whatever host.
//!
//! Every one of them catches. An exception passes through WebAssembly without running a destructor: the task that called would be
//! lost without a panic, and whoever waits for it would wait for ever. Members are read by [`get`], to which a getter that throws
//! is one that is missing, and what should be a promise is made one.

use js_sys::{Error, Iterator, Promise};
use p2p_probe::engine::Fault;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use crate::{
    error,
    platform::{get, method},
};

#[wasm_bindgen]
extern "C" {
    /// A transport, whose `dial` takes more than `ffi::Transport` says.
    pub(crate) type Host;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn dial(
        this: &Host,
        address: &str,
        role_override: bool,
        signal: &JsValue,
        name: Option<&str>,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn listen_on(this: &Host, address: &str) -> Result<JsValue, JsValue>;

    /// An open connection.
    pub(crate) type Wire;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn write(this: &Wire, bytes: &[u8]) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn shutdown(this: &Wire) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn close(this: &Wire) -> Result<JsValue, JsValue>;
}

/// What a value promises, or the value itself where it is no promise.
pub(crate) fn promised(value: &JsValue) -> JsFuture {
    Promise::resolve(value).into()
}

/// Leaves what a call gave to itself. Were it a promise that nobody looks at, its rejection would be unhandled.
pub(crate) fn ignored(value: &JsValue) {
    drop(promised(value));
}

/// An iterator of promises. The error says of which thing it is missing.
pub(crate) fn iterator(value: JsValue, of: &str) -> Result<Iterator, JsValue> {
    match method(&value, "next") {
        Some(_) => Ok(value.unchecked_into()),
        None => Err(broken(&format!("{of} is no iterator"))),
    }
}

/// The promise of the next thing; none when there is nothing more.
pub(crate) fn next(iterator: &Iterator) -> Result<Option<JsFuture>, JsValue> {
    let step: JsValue = iterator.next()?.into();
    if !step.is_object() {
        return Err(broken("an iterator gave no result"));
    }
    Ok((!get(&step, "done").is_truthy()).then(|| promised(&get(&step, "value"))))
}

/// The error of a host that does not keep to the contract.
pub(crate) fn broken(what: &str) -> JsValue {
    Error::new(&format!("the JS transport breaks its contract: {what}")).into()
}

/// The same, as a fault of this machine.
pub(crate) fn fault(what: &str) -> Fault {
    error::fault(&broken(what))
}
