//! The heads of HTTP/1 requests and answers: read within bounds, and given up at the first byte that is none.

use std::{io, pin::Pin, task::Poll};

use futures::{AsyncRead, AsyncReadExt, future::poll_fn};
use httparse::{EMPTY_HEADER, Header, Status};

use super::{MAX_HEAD_BYTES, MAX_HEADERS, error::HeadError};
use crate::transport::tap::{FIRST_BYTES, printable};

/// How much is read at once: a usual head is one read.
const READ_BYTES: usize = 2048;

/// A head as it came, up to and with its empty line, and what was read behind it.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    pub(super) rest: Vec<u8>,
}

/// Reads a head. `begins` tells whether bytes can be the begin of one.
pub(super) async fn read<S>(stream: &mut S, begins: fn(&[u8]) -> bool) -> Result<Head, HeadError>
where
    S: AsyncRead + Unpin,
{
    let mut bytes = Vec::new();
    let mut chunk = [0; READ_BYTES];
    loop {
        let count = stream.read(&mut chunk).await.map_err(HeadError::Io)?;
        if count == 0 {
            return Err(HeadError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        // The end may lie across two reads: at most three bytes of it came before.
        let unsearched = bytes.len().saturating_sub(3);
        bytes.extend_from_slice(&chunk[..count]);
        if !begins(&bytes) {
            return Err(HeadError::NotHttp(what_is_there(stream, bytes).await));
        }
        if let Some(end) = end_of_head(&bytes[unsearched..]) {
            let rest = bytes.split_off(unsearched + end);
            return if bytes.len() > MAX_HEAD_BYTES { Err(TOO_LARGE) } else { Ok(Head { bytes, rest }) };
        }
        if bytes.len() > MAX_HEAD_BYTES {
            return Err(TOO_LARGE);
        }
    }
}

pub(super) const TOO_LARGE: HeadError = HeadError::Failed("the HTTP head is too large");

/// Adds to `first` what has arrived already, so that a greeting in pieces is named; waits for nothing.
async fn what_is_there<S: AsyncRead + Unpin>(stream: &mut S, mut first: Vec<u8>) -> Vec<u8> {
    let mut chunk = [0; FIRST_BYTES];
    while first.len() < FIRST_BYTES {
        let more = poll_fn(|cx| Poll::Ready(Pin::new(&mut *stream).poll_read(cx, &mut chunk))).await;
        match more {
            Poll::Ready(Ok(count)) if count > 0 => first.extend_from_slice(&chunk[..count]),
            Poll::Ready(_) | Poll::Pending => break,
        }
    }
    first.truncate(FIRST_BYTES);
    first
}

/// Where the empty line ends. A bare line feed ends a line too (RFC 9112, section 2.2).
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').find_map(|(at, _)| match bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// Whether bytes can be the begin of an answer.
pub(super) fn begins_response(bytes: &[u8]) -> bool {
    const VERSION: &[u8] = b"HTTP/1.";
    let length = bytes.len().min(VERSION.len());
    bytes[..length] == VERSION[..length]
}

/// Whether bytes can be the begin of a request: a method of capital letters, at most as long as any that is registered,
/// then a space and a printable target.
pub(super) fn begins_request(bytes: &[u8]) -> bool {
    const LONGEST_METHOD: usize = 17;
    let method = bytes.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'-').count();
    match bytes[method..] {
        [] => method <= LONGEST_METHOD,
        [b' '] => (1..=LONGEST_METHOD).contains(&method),
        [b' ', target, ..] => (1..=LONGEST_METHOD).contains(&method) && target.is_ascii_graphic(),
        _ => false,
    }
}

/// Parses an answer.
pub(super) fn response<T>(head: &[u8], then: impl FnOnce(u16, u8, Headers<'_>) -> T) -> Result<T, HeadError> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match (response.parse(head).map_err(malformed)?, response.code, response.version) {
        (Status::Complete(_), Some(code), Some(version)) => Ok(then(code, version, Headers(response.headers))),
        _ => Err(malformed(httparse::Error::Status)),
    }
}

/// Parses a request.
pub(super) fn request<T>(head: &[u8], then: impl FnOnce(&str, &str, Headers<'_>) -> T) -> Result<T, HeadError> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match (request.parse(head).map_err(malformed)?, request.method, request.path) {
        (Status::Complete(_), Some(method), Some(path)) => Ok(then(method, path, Headers(request.headers))),
        _ => Err(malformed(httparse::Error::Token)),
    }
}

fn malformed(error: httparse::Error) -> HeadError {
    HeadError::Failed(match error {
        httparse::Error::TooManyHeaders => "too many HTTP headers",
        httparse::Error::HeaderName | httparse::Error::HeaderValue | httparse::Error::NewLine => "a malformed HTTP header",
        httparse::Error::Version => "an unknown HTTP version",
        httparse::Error::Status | httparse::Error::Token => "a malformed HTTP start line",
    })
}

/// The headers of a parsed head.
pub(super) struct Headers<'a>(&'a [Header<'a>]);

impl Headers<'_> {
    /// The value of the first header of that name.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    }

    /// The same, safe to print.
    pub(super) fn text(&self, name: &str, limit: usize) -> Option<String> {
        self.get(name).map(|value| printable(value, limit))
    }

    /// Whether a header of that name lists `token`: proxies add tokens of their own, and repeat headers.
    pub(super) fn lists(&self, name: &str, token: &str) -> bool {
        self.0
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name))
            .flat_map(|header| header.value.split(|byte| *byte == b','))
            .any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_line_is_found() {
        let cases: &[(&[u8], Option<usize>)] = &[
            (b"a\r\n\r\nrest", Some(5)),
            (b"a\n\nrest", Some(3)),
            (b"a\n\r\nrest", Some(4)),
            (b"a\r\nb\r\n", None),
            (b"a\r\n\r", None),
            (b"", None),
        ];
        for (bytes, end) in cases {
            assert_eq!(end_of_head(bytes), *end, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_request_begins_with_a_method_and_a_target() {
        for begin in [&b"G"[..], b"GET", b"GET ", b"GET /", b"OPTIONS *", b"VERSION-CONTROL /"] {
            assert!(begins_request(begin), "{}", begin.escape_ascii());
        }
        for other in
            [&b"\x16\x03\x01"[..], b"SSH-2.0-x", b" GET", b"get /", b"\x13/multistream", b"GET \r\n", b"QQQQQQQQQQQQQQQQQQ"]
        {
            assert!(!begins_request(other), "{}", other.escape_ascii());
        }
    }

    #[test]
    fn an_answer_begins_with_its_version() {
        for begin in [&b"H"[..], b"HTTP/1.", b"HTTP/1.0 404"] {
            assert!(begins_response(begin));
        }
        for other in [&b"h"[..], b"HTTP/2", b"SSH-2.0-x", b"\r\n"] {
            assert!(!begins_response(other));
        }
    }
}
