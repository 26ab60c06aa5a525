//! The browser's WebTransport (W3C), as far as it is needed here. The crate web-sys has it only behind a flag of the compiler.

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use p2p_probe::transport::webrtc_direct::Fingerprint;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    pub(super) type WebTransport;

    #[wasm_bindgen(constructor, catch)]
    fn new(url: &str, options: &JsValue) -> Result<WebTransport, JsValue>;

    /// Settles when the session stands, or will not.
    #[wasm_bindgen(method, getter)]
    pub(super) fn ready(this: &WebTransport) -> Promise;

    /// Settles when the session has ended.
    #[wasm_bindgen(method, getter)]
    pub(super) fn closed(this: &WebTransport) -> Promise;

    #[wasm_bindgen(method, catch)]
    pub(super) fn close(this: &WebTransport) -> Result<(), JsValue>;

    #[wasm_bindgen(method, js_name = createBidirectionalStream)]
    pub(super) fn open(this: &WebTransport) -> Promise;

    #[wasm_bindgen(method, getter, js_name = incomingBidirectionalStreams)]
    pub(super) fn incoming(this: &WebTransport) -> Readable;

    /// `ReadableStream`.
    pub(super) type Readable;

    #[wasm_bindgen(method, js_name = getReader)]
    pub(super) fn reader(this: &Readable) -> Reader;

    /// `ReadableStreamDefaultReader`.
    pub(super) type Reader;

    #[wasm_bindgen(method)]
    pub(super) fn read(this: &Reader) -> Promise;

    #[wasm_bindgen(method)]
    pub(super) fn cancel(this: &Reader) -> Promise;

    /// `WritableStream`.
    pub(super) type Writable;

    #[wasm_bindgen(method, js_name = getWriter)]
    pub(super) fn writer(this: &Writable) -> Writer;

    /// `WritableStreamDefaultWriter`.
    pub(super) type Writer;

    /// Settles when there is room.
    #[wasm_bindgen(method, getter)]
    pub(super) fn ready(this: &Writer) -> Promise;

    #[wasm_bindgen(method)]
    pub(super) fn write(this: &Writer, bytes: &Uint8Array) -> Promise;

    #[wasm_bindgen(method)]
    pub(super) fn close(this: &Writer) -> Promise;

    #[wasm_bindgen(method)]
    pub(super) fn abort(this: &Writer) -> Promise;

    /// `WebTransportBidirectionalStream`.
    pub(super) type Bidirectional;

    #[wasm_bindgen(method, getter)]
    pub(super) fn readable(this: &Bidirectional) -> Readable;

    #[wasm_bindgen(method, getter)]
    pub(super) fn writable(this: &Bidirectional) -> Writable;
}

/// Begins a session with a server that shows one of these certificates.
pub(super) fn connect(url: &str, certificates: &[Fingerprint]) -> Result<WebTransport, JsValue> {
    let hashes = Array::new();
    for certificate in certificates {
        let hash = Object::new();
        Reflect::set(&hash, &"algorithm".into(), &"sha-256".into())?;
        Reflect::set(&hash, &"value".into(), &Uint8Array::from(certificate.digest().as_slice()))?;
        hashes.push(&hash);
    }
    let options = Object::new();
    Reflect::set(&options, &"serverCertificateHashes".into(), &hashes)?;
    WebTransport::new(url, &options)
}
