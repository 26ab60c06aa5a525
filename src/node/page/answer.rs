//! What a request is answered with: a pure function of its head and of what the site knows.

use hyper::{
    HeaderMap, Method, Response, StatusCode,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};
use serde_json::json;

use super::{
    Site,
    asset::Asset,
    body::Content,
    events::{Events, Refused},
    host,
};

/// No script or style but the page's own files, WebAssembly, and connections to peers: `https:` is for WebTransport.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss: https:; \
                      object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What stands in every answer. Nothing is kept without asking again, since the next version has the same paths.
const ALWAYS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-cache"),
    (header::VARY, "accept-encoding"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn answer(site: &Site, request: &Parts) -> Response<Content> {
    let mut answer = route(site, request);
    for (name, value) in ALWAYS {
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    if request.method == Method::HEAD {
        return without_body(answer);
    }
    answer
}

fn route(site: &Site, request: &Parts) -> Response<Content> {
    if !host::is_own(&request.headers, &site.names) {
        return text(StatusCode::MISDIRECTED_REQUEST, "This page is opened by the IP address that p2p-probe listen prints.\n");
    }
    if request.method != Method::GET && request.method != Method::HEAD {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match request.uri.path() {
        "/listener" | "/listener/events" if host::from_elsewhere(&request.headers) => {
            text(StatusCode::FORBIDDEN, "This is for the page's own origin.\n")
        }
        "/listener" => whole(StatusCode::OK, "application/json", own(site).into()),
        "/listener/events" => events(site, request),
        path => {
            let path = if path == "/" { "index.html" } else { path.trim_start_matches('/') };
            let asset = site.assets.iter().find(|asset| asset.path == path);
            asset.map_or_else(|| text(StatusCode::NOT_FOUND, "There is no such file.\n"), |asset| file(asset, &request.headers))
        }
    }
}

/// What the page shows of its listener.
fn own(site: &Site) -> String {
    json!({ "version": env!("CARGO_PKG_VERSION"), "addresses": site.addresses }).to_string()
}

fn events(site: &Site, request: &Parts) -> Response<Content> {
    match Events::of(request.uri.query().unwrap_or_default(), site.seen.clone(), &site.visits, site.times.visit) {
        Ok(events) => with(StatusCode::OK, "text/event-stream", Content::Events(Box::new(events))),
        Err(Refused::Peers) => text(StatusCode::BAD_REQUEST, "Name the peer IDs of this visit: ?peer=…&peer=…\n"),
        Err(Refused::Busy) => text(StatusCode::SERVICE_UNAVAILABLE, "Too many visits at once.\n"),
    }
}

fn file(asset: &Asset, asked: &HeaderMap) -> Response<Content> {
    // Weak (RFC 9110, section 8.8.3): it is the same for every coding.
    let tag = format!("\"{}\"", asset.tag);
    let known = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let known = known.is_some_and(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let mut answer = if known {
        with(StatusCode::NOT_MODIFIED, asset.mime(), Content::Whole(Bytes::new()))
    } else if let Some((bytes, coding)) = packed(asset, asked) {
        let mut packed = whole(StatusCode::OK, asset.mime(), Bytes::from_static(bytes));
        packed.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        packed
    } else {
        match asset.plain() {
            Ok(bytes) => whole(StatusCode::OK, asset.mime(), bytes.into()),
            Err(damaged) => return text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{damaged}\n")),
        }
    };
    if let Ok(tag) = format!("W/{tag}").parse() {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}

/// The smallest form that the browser takes, and its name.
fn packed(asset: &Asset, asked: &HeaderMap) -> Option<(&'static [u8], &'static str)> {
    let forms = [(asset.brotli, "br"), (asset.gzip, "gzip")];
    forms.into_iter().find(|(_, coding)| takes(asked, coding))
}

/// Whether a browser takes this coding (RFC 9110, section 12.5.3). None says `*`.
fn takes(asked: &HeaderMap, coding: &str) -> bool {
    let encodings = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    encodings.flat_map(|value| value.split(',')).any(|encoding| {
        let mut parts = encoding.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding))
            && !parts.any(|weight| weight.replace(' ', "").trim_end_matches(['0', '.']) == "q=")
    })
}

fn text(status: StatusCode, words: &str) -> Response<Content> {
    whole(status, TEXT, Bytes::copy_from_slice(words.as_bytes()))
}

fn whole(status: StatusCode, mime: &'static str, bytes: Bytes) -> Response<Content> {
    with(status, mime, Content::Whole(bytes))
}

fn with(status: StatusCode, mime: &'static str, content: Content) -> Response<Content> {
    let mut answer = Response::new(content);
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    answer
}

/// The same head, with the length that the body would have.
fn without_body(answer: Response<Content>) -> Response<Content> {
    let (mut head, content) = answer.into_parts();
    if let Content::Whole(bytes) = &content {
        head.headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    }
    Response::from_parts(head, Content::Whole(Bytes::new()))
}
