//! WebTransport in a page (libp2p specs, webtransport/README.md), over the browser's own.
//!
//! A browser opens a session in one step: QUIC, TLS and the HTTP request cannot be told apart, and of a failure it says nothing.
//! The crate libp2p-webtransport-websys goes on in the same step through the Noise handshake, and turns what fails in it into a
//! text: here the handshake is a stage of its own, with the causes of every other transport.

mod dial;
mod muxer;
mod platform;
mod stream;

use p2p_probe::{engine::Fault, model::Cause};
use wasm_bindgen::JsValue;

pub(crate) use dial::dial;

use crate::error::words;

/// Whether this runtime has it: a page has it only where it was loaded over HTTPS, or from this machine.
pub(crate) fn is_here() -> bool {
    crate::platform::get(&js_sys::global(), "WebTransport").is_function()
}

/// What broke a stream. Not every browser tells: Firefox breaks a stream, and drops what has come on it, where the peer has no
/// more use for what we send (QUIC's `STOP_SENDING`), as go-libp2p has not once it has answered identify. It says the same of any end,
/// so that the reader is told of this one as a possible one.
fn of_stream(error: &JsValue) -> Fault {
    let word = |name| crate::platform::get(error, name).as_string().unwrap_or_default();
    let cause = match (word("name").as_str(), word("source").as_str()) {
        ("WebTransportError", "stream") => Cause::Reset,
        ("WebTransportError", "session") => Cause::Closed,
        _ => Cause::Opaque,
    };
    if cause == Cause::Opaque {
        return Fault::new(cause, &format!("{}; {BROKEN}", words(error)));
    }
    Fault::new(cause, &words(error))
}

/// What to know of a browser that does not say why.
const BROKEN: &str =
    "some browsers (Firefox) break a stream, and drop the answer on it, when a peer that has answered reads no more";
