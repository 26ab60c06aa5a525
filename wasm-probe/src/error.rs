//! What the errors of the JS transport mean: its codes are those of causes (`js/errors.js`).

use std::io;

use js_sys::{Array, Error, Uint8Array};
use p2p_probe::{engine::Fault, model::Cause, transport::tap::speaks};
use wasm_bindgen::{JsCast, JsValue};

use crate::platform::get;

/// How much is kept of the words of an error, in characters.
const WORDS: usize = 300;

/// How much is looked at of what had come before an error, in bytes: more than any greeting needs.
const RECEIVED: u32 = 256;

/// How many names of a certificate are told.
const NAMES: usize = 100;

/// What a thrown or rejected value means.
pub(crate) fn fault(error: &JsValue) -> Fault {
    let fault = Fault::from(cause(error));
    match said(error) {
        Some(words) => fault.say(&words),
        None => fault,
    }
}

/// The same as an I/O error, of the kind that layers look at.
pub(crate) fn io(error: &JsValue) -> io::Error {
    let fault = fault(error);
    let kind = match fault.cause {
        Cause::Refused => io::ErrorKind::ConnectionRefused,
        Cause::Reset => io::ErrorKind::ConnectionReset,
        Cause::Closed => io::ErrorKind::BrokenPipe,
        Cause::TimedOut => io::ErrorKind::TimedOut,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, fault)
}

/// Whether the transport cannot do what was asked for at all.
pub(crate) fn is_not_supported(error: &JsValue) -> bool {
    error.is_instance_of::<Error>() && get(error, "name").as_string().as_deref() == Some("NotSupportedError")
}

/// The words of an error, for a reader; that there are none, where there are none.
pub(crate) fn words(error: &JsValue) -> String {
    said(error).unwrap_or_else(|| "the platform does not say why".to_owned())
}

fn said(error: &JsValue) -> Option<String> {
    let words = get(error, "message").as_string().or_else(|| error.as_string())?;
    (!words.is_empty()).then(|| words.chars().take(WORDS).collect())
}

/// What had come before it failed.
fn received(error: &JsValue) -> Option<Vec<u8>> {
    let bytes = get(error, "received").dyn_into::<Uint8Array>().ok()?;
    Some(bytes.subarray(0, bytes.length().min(RECEIVED)).to_vec())
}

fn cause(error: &JsValue) -> Cause {
    let text = |name| get(error, name).as_string();
    match text("code").unwrap_or_default().as_str() {
        // The plan leaves out what cannot be dialed at all. Some of the rest could be if something were installed, some a platform
        // does not take for reasons of its own: the words say what.
        "unsupported-address" | "not-in-this-runtime" => Cause::LocalFault { errno: None },
        "mixed-content" => Cause::MixedContent,
        "name-not-found" => Cause::NameNotFound,
        "name-lookup-failed" => Cause::NameLookupFailed { rcode: text("rcode") },
        "refused" => Cause::Refused,
        "unreachable" => Cause::Unreachable { what: text("what").unwrap_or_else(|| "host".into()) },
        "forbidden-locally" => Cause::ForbiddenLocally,
        "timed-out" => Cause::TimedOut,
        "reset" => Cause::Reset,
        "closed" => Cause::Closed,
        "tls-failed" => tls(error, text("system").unwrap_or_default().as_str()),
        "http-status" => Cause::HttpStatus { status: number(error, "status").unwrap_or_default(), location: text("location") },
        "not-http" => {
            Cause::NotHttp { speaks: received(error).and_then(|bytes| speaks(&bytes)).map(|speaks| speaks.to_string()) }
        }
        "websocket-failed" => Cause::WebsocketFailed { what: text("what").unwrap_or_default() },
        "interrupted" => Cause::Interrupted,
        "opaque" => Cause::Opaque,
        // An event of a WebSocket, which other hosts reject with as it comes, says nothing of why.
        "" if !error.is_instance_of::<Error>() && text("type").is_some() => Cause::Opaque,
        // Also what has no code: an error of this program's own side, and a limit of it (`overrun`).
        _ => Cause::LocalFault { errno: number(error, "errno") },
    }
}

/// What OpenSSL says of a certificate that nobody trusted has signed.
const UNTRUSTED: [&str; 5] = [
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_GET_ISSUER_CERT",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];

/// What OpenSSL says of a certificate, as Node spells it, where a cause says the same with nothing that Node hides.
fn tls(error: &JsValue, system: &str) -> Cause {
    if let Ok(names) = get(error, "names").dyn_into::<Array>() {
        let names = names.iter().filter_map(|name| name.as_string()).take(NAMES).collect();
        return Cause::CertificateWrongName { names };
    }
    match system {
        "CERT_HAS_EXPIRED" => Cause::CertificateExpired { not_after: None },
        "CERT_NOT_YET_VALID" => Cause::CertificateNotYetValid { not_before: None },
        system if UNTRUSTED.contains(&system) => Cause::CertificateUntrusted { issuer: None },
        _ => Cause::TlsFailed { alert: None },
    }
}

/// A whole number in the range of its type.
fn number<N: TryFrom<i64>>(error: &JsValue, name: &str) -> Option<N> {
    let number = get(error, name).as_f64().filter(|number| number.fract() == 0.0 && number.abs() < f64::from(i32::MAX))?;
    #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
    N::try_from(number as i64).ok()
}
