//! The page's server, asked as browsers ask and as others do.

use std::{future::Future, net::SocketAddr, time::Duration};

use futures::future::{Either, select};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Asset, Page, Seen, Where, connection::Times};
use crate::model::{Attempt, Event, Fact, Micros, Report};

const PEER: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";
const OTHER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
const HELLO: &[u8] = b"<!DOCTYPE html>hello";

/// A file stored by brotli without compression: window bits, one uncompressed meta-block, an empty last one.
const INDEX: Asset = Asset { path: "index.html", brotli: &STORED, gzip: b"\x1f\x8bstub", size: 20, tag: "00000000deadbeef" };
const STORED: [u8; 24] = {
    // WBITS 16 (1 bit 0), ISLAST 0, MNIBBLES 4 (2 bits 0), MLEN - 1 = 19 (16 bits), ISUNCOMPRESSED 1: 21 bits, padded to 3 bytes.
    let head: u32 = 19 << 4 | 1 << 20;
    let mut bytes = [3; 24];
    [bytes[0], bytes[1], bytes[2], _] = head.to_le_bytes();
    let mut at = 0;
    while at < HELLO.len() {
        bytes[at + 3] = HELLO[at];
        at += 1;
    }
    bytes
};

fn page(seen: Seen) -> (Page, SocketAddr) {
    let addresses = ["/ip4/127.0.0.1/tcp/4012/ws".parse().unwrap(), "/dns4/node.example.org/tcp/4013/wss".parse().unwrap()];
    let page = Page::of(Where::Loopback(0), None, &addresses, seen, &[INDEX]).unwrap();
    let url = page.urls()[0].clone();
    (page, url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap())
}

/// What `visit` comes to while the page is served.
async fn during<T>(page: Page, visit: impl Future<Output = T>) -> T {
    match select(std::pin::pin!(visit), std::pin::pin!(page.run())).await {
        Either::Left((visited, _)) => visited,
        Either::Right(((), _)) => panic!("the page has ended"),
    }
}

/// The answer to a request, to its end.
async fn ask(to: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{more}\r\n")
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or(answer)
}

#[tokio::test]
async fn files_are_served_with_a_strict_policy() {
    let (page, to) = page(Seen::default());
    during(page, async {
        let answer = ask(to, &get("/", "")).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!((status(&answer), body.as_bytes()), ("200", HELLO));
        let policy = head.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).unwrap();
        for part in [
            "default-src 'self'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "connect-src 'self' ws: wss: https:",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        for line in [
            "content-type: text/html; charset=utf-8",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "etag: W/\"00000000deadbeef\"",
        ] {
            assert!(head.contains(line), "{head}");
        }
        let packed = ask(to, &get("/index.html", "Accept-Encoding: gzip, br;q=1.0\r\n")).await;
        assert!(packed.contains("content-encoding: br") && packed.contains("content-length: 24"), "{packed}");
        for coding in ["gzip, deflate", "deflate, GZIP;q=0.8", "br;q=0.0, gzip"] {
            let packed = ask(to, &get("/", &format!("Accept-Encoding: {coding}\r\n"))).await;
            assert!(packed.contains("content-encoding: gzip") && packed.ends_with("stub"), "{coding}: {packed}");
            assert!(packed.contains("vary: accept-encoding"), "{packed}");
        }
        for coding in ["br;q=0", "identity", "deflate, gzip;q=0, br; q=0.000", "gzip2, brotli"] {
            let plain = ask(to, &get("/", &format!("Accept-Encoding: {coding}\r\n"))).await;
            assert!(!plain.contains("content-encoding") && plain.as_bytes().ends_with(HELLO), "{coding}: {plain}");
        }
        let known = ask(to, &get("/", "If-None-Match: W/\"00000000deadbeef\"\r\n")).await;
        assert_eq!((status(&known), known.split_once("\r\n\r\n").unwrap().1), ("304", ""));
        let head = ask(to, &get("/", "").replace("GET", "HEAD")).await;
        assert!(head.ends_with("\r\n\r\n") && head.contains("content-length: 20"), "{head}");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_file_or_not_for_this_site_is_refused() {
    let (page, to) = page(Seen::default());
    let rebound = get("/", "").replace("127.0.0.1", "evil.example");
    let cases = [
        (get("/no/such", ""), "404"),
        (get("/../Cargo.toml", ""), "404"),
        (get("/%2e%2e/Cargo.toml", ""), "404"),
        (get("/", "").replace("GET", "POST"), "405"),
        (rebound.clone(), "421"),
        (rebound.replace("GET / ", "GET /listener "), "421"),
        (get("/", "").replace("127.0.0.1", "node.example.org:4014"), "200"),
        (get("/listener", "Origin: http://evil.example\r\n"), "403"),
        (get("/listener", "Sec-Fetch-Site: cross-site\r\n"), "403"),
        (get(&format!("/listener/events?peer={PEER}"), "Sec-Fetch-Site: same-site\r\n"), "403"),
        (get("/", "Sec-Fetch-Site: cross-site\r\n"), "200"),
        (get("/listener/events", ""), "400"),
        (get("/listener/events?peer=", ""), "400"),
        (get("/listener/events?peer=a&x=b", ""), "400"),
        (get(&format!("/listener/events?{}", vec!["peer=a"; 65].join("&")), ""), "400"),
        (get(&format!("/listener/events?peer={}", "a".repeat(65)), ""), "400"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
        (get("/", &format!("X: {}\r\n", "x".repeat(20_000))), "431"),
        (get("/", &"X: y\r\n".repeat(80)), "431"),
    ];
    during(page, async {
        for (request, expected) in cases {
            let answer = ask(to, &request).await;
            assert_eq!(status(&answer), expected, "{request:.80}: {answer}");
            assert!(
                expected == "400" || expected == "431" || answer.contains("content-security-policy: default-src 'self'"),
                "{answer}"
            );
        }
        let own = ask(to, &get("/listener", "Sec-Fetch-Site: same-origin\r\n")).await;
        assert!(own.contains("application/json") && own.contains("\"/ip4/127.0.0.1/tcp/4012/ws\""), "{own}");
    })
    .await;
}

/// A dialer as the listener saw it.
fn dialer(id: u32, peer: Option<&str>) -> (Event, Report) {
    let mut report: Report = serde_json::from_str(include_str!("../../../tests/schema/example.json")).unwrap();
    let mut attempt: Attempt = report.attempts[0].clone();
    attempt.id = id;
    for stage in &mut attempt.stages {
        stage.found.peer = None;
    }
    attempt.stages[2].found.peer = peer.map(str::to_owned);
    report.attempts = vec![attempt];
    (Event { t_ms: Micros(0), run: 0, fact: Fact::AttemptEnded { attempt: id, why: None } }, report)
}

/// Opens the events of a visit, and reads until `enough`.
async fn visit(to: SocketAddr, peers: &str, enough: impl Fn(&str) -> bool) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(get(&format!("/listener/events?{peers}"), "").as_bytes()).await.unwrap();
    let mut told = String::new();
    let mut buffer = [0; 4096];
    while !enough(&told) {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "{told}");
        told.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    told
}

#[tokio::test]
async fn a_visit_is_told_of_its_own_dials_and_of_no_others() {
    let seen = Seen::default();
    let apply = |id, peer| {
        let (event, report) = dialer(id, peer);
        seen.apply(&event, &report);
    };
    let (page, to) = page(seen.clone());
    apply(1, Some(OTHER));
    apply(2, None);
    apply(3, Some(PEER));
    during(page, async {
        let told = visit(to, &format!("peer={PEER}"), |told| told.contains("\"id\":3")).await;
        assert!(told.contains("content-type: text/event-stream"), "{told}");
        assert!(!told.contains("\"id\":1") && !told.contains("\"id\":2"), "{told}");
        // One that comes later, and one of somebody else before it.
        let peers = format!("peer={PEER}&peer={OTHER}x");
        let later = visit(to, &peers, |told| told.contains("\"id\":5"));
        let told = futures::join!(later, async {
            tokio::task::yield_now().await;
            apply(4, Some(OTHER));
            apply(5, Some(PEER));
        })
        .0;
        assert!(!told.contains("\"id\":4") && !told.contains("\"id\":1"), "{told}");
    })
    .await;
}

#[tokio::test]
async fn what_is_remembered_and_how_many_are_told_is_bounded() {
    let seen = Seen::default();
    for id in 0..1000 {
        let (event, report) = dialer(id, Some(PEER));
        seen.apply(&event, &report);
    }
    let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(seen.since(0, &[PEER.to_owned()], cx).1.len(), 256);
    let (page, to) = page(seen);
    during(page, async {
        let mut open = Vec::new();
        for _ in 0..16 {
            let mut stream = TcpStream::connect(to).await.unwrap();
            stream.write_all(get(&format!("/listener/events?peer={OTHER}"), "").as_bytes()).await.unwrap();
            let mut first = [0; 12];
            stream.read_exact(&mut first).await.unwrap();
            assert!(first.ends_with(b"200"));
            open.push(stream);
        }
        assert_eq!(status(&ask(to, &get(&format!("/listener/events?peer={OTHER}"), "")).await), "503");
        // From one address there are so many connections and no more; the next is closed without a word.
        let mut silent = Vec::new();
        for _ in 0..8 {
            silent.push(TcpStream::connect(to).await.unwrap());
        }
        let mut refused = TcpStream::connect(to).await.unwrap();
        assert_eq!(refused.read(&mut [0]).await.unwrap_or(0), 0);
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_is_slow_to_ask_is_left() {
    let (mut page, to) = page(Seen::default());
    std::rc::Rc::get_mut(&mut page.site).unwrap().times.head = Duration::from_millis(20);
    during(page, async {
        let mut silent = TcpStream::connect(to).await.unwrap();
        assert_eq!(silent.read(&mut [0]).await.unwrap_or(0), 0);
        let mut slow = TcpStream::connect(to).await.unwrap();
        slow.write_all(b"GET / HT").await.unwrap();
        let mut answer = String::new();
        // What it had not read yet may end it by a reset.
        let _ = slow.read_to_string(&mut answer).await;
        assert!(answer.is_empty() || status(&answer) == "408", "{answer}");
    })
    .await;
}

/// What is told to a visit that the listener saw nothing of, to its end.
async fn told(times: impl FnOnce(&mut Times)) -> String {
    let (mut page, to) = page(Seen::default());
    times(&mut std::rc::Rc::get_mut(&mut page.site).unwrap().times);
    during(page, async {
        let mut stream = TcpStream::connect(to).await.unwrap();
        let mut told = Vec::new();
        // A busy machine may not have read what is asked when it ends the connection, which is a reset then.
        let _ = stream.write_all(get(&format!("/listener/events?peer={PEER}"), "").as_bytes()).await;
        let _ = stream.read_to_end(&mut told).await;
        String::from_utf8_lossy(&told).into_owned()
    })
    .await
}

#[tokio::test]
async fn a_visit_is_told_and_a_connection_lives_only_for_so_long() {
    let soon = Duration::from_millis(20);
    let visit = told(|times| times.visit = soon).await;
    // The last chunk is empty: the answer is whole.
    assert!(status(&visit) == "200" && visit.ends_with("\r\n0\r\n\r\n"), "{visit}");
    let connection = told(|times| times.connection = soon).await;
    assert!(!connection.ends_with("\r\n0\r\n\r\n"), "{connection}");
}

#[tokio::test]
async fn with_a_certificate_one_port_serves_both() {
    let folder = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let [chain, key] = ["chain.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&chain, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.key_pair.serialize_pem()).unwrap();
    let tls = crate::node::Certificate::load(&chain, &key).unwrap();
    let page = Page::of(Where::Loopback(0), Some(tls), &[], Seen::default(), &[INDEX]).unwrap();
    let urls = page.urls().to_vec();
    let [https, http] = &urls[..] else { panic!("{urls:?}") };
    assert!(https.starts_with("https://127.0.0.1:") && http.starts_with("http://127.0.0.1:"), "{urls:?}");
    let to: SocketAddr = http.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    during(page, async {
        assert_eq!(status(&ask(to, &get("/", "")).await), "200");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(pair.cert.der().clone()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = tokio_util::compat::TokioAsyncReadCompatExt::compat(TcpStream::connect(to).await.unwrap());
        let name = to.ip().into();
        let mut stream = futures_rustls::TlsConnector::from(std::sync::Arc::new(config)).connect(name, stream).await.unwrap();
        futures::AsyncWriteExt::write_all(&mut stream, get("/", "").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Without a goodbye of TLS the rest is there all the same.
        let _ = futures::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
        assert!(answer.ends_with(HELLO), "{}", String::from_utf8_lossy(&answer));
    })
    .await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_left_to_the_other() {
    let (first, taken) = page(Seen::default());
    let second = Page::of(Where::Loopback(taken.port()), None, &[], Seen::default(), &[INDEX]).unwrap();
    assert_ne!(first.urls(), second.urls());
    let error = Page::of(Where::At(taken), None, &[], Seen::default(), &[INDEX]).unwrap_err().to_string();
    assert!(error.contains(&taken.port().to_string()) && error.contains("--page-addr"), "{error}");
}
