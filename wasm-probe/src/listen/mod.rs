//! A node in Node: `listen` over what the JS transport can listen on.

mod node;
mod sink;

use std::pin::pin;

use futures::{FutureExt as _, select_biased};
use js_sys::{Array, Function, Promise};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use crate::{
    options::usage,
    panic,
    platform::get,
    run::{settle, stop},
    transport,
};
use node::Node;

/// Listens, and tells what it sees of each dialer, until `options.signal` is aborted.
///
/// `addresses` are multiaddrs to listen on, as `options.transport` can. `onEvent(line, text)` is called with each event, a line
/// of NDJSON as `p2p-probe listen --format ndjson` writes them, and with a line for people where there is something to say. The
/// promise resolves with the last line for people, if there is one.
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
                Ok(last) => settle(&resolve, &last.into()),
                Err(error) => settle(&reject, &error),
            }
            drop(open);
        });
    })
}

async fn run(addresses: &Array, options: &JsValue, on_event: Function) -> Result<Option<String>, JsValue> {
    let transport = transport::transport(get(options, "transport"))
        .ok_or_else(|| usage("options.transport has to be a transport of js/contract.js"))?;
    let mut node = Node::new(transport, on_event);
    for address in addresses.iter() {
        node.listen_on(&address.as_string().unwrap_or_default())?;
    }
    let (stopped, _abort) = stop(&get(options, "signal"));
    let mut stopped = pin!(stopped.fuse());
    select_biased! {
        () = stopped => return Ok(None),
        bound = pin!(node.bind().fuse()) => bound?,
    }
    node.serve(stopped).await
}
