//! One connection of a browser: HTTP/1.1, or that within TLS, which its first byte tells.

use std::{convert::Infallible, pin::pin, rc::Rc, sync::Arc, time::Duration};

use futures::future::{Either, LocalBoxFuture, select};
use futures_rustls::TlsAcceptor;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_util::compat::{FuturesAsyncReadCompatExt as _, TokioAsyncReadCompatExt as _};

use super::{Site, answer::answer, events};
use crate::{
    native,
    transport::quic::{self, Gate, Permit},
};

/// Connections at once: a browser opens six.
const CONNECTIONS: usize = 64;
/// Connections at once from one IPv4 address or one IPv6 /64: a few tabs.
const PER_IP: usize = 24;
/// How long a browser may take to begin: its TLS handshake, and the head of each request.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection lives, whatever it does: longer than a visit is told of its dials. A browser opens another.
const LIFETIME: Duration = Duration::from_secs(150);
/// The largest head of a request, in bytes, and the most that is held of an answer: 64 peer IDs are 4 KiB.
const BUFFER: usize = 16 << 10;
/// The most lines in the head of a request.
const HEADERS: usize = 64;
/// How long to wait before the port is asked again that could not give a connection.
pub(super) const PAUSE: Duration = Duration::from_millis(200);
/// The first byte of a TLS record with a handshake (RFC 8446, section 5.1). No request begins with it.
const HANDSHAKE: u8 = 22;

/// How long the site bears with whom.
pub(super) struct Times {
    /// With a browser that is to ask.
    pub(super) head: Duration,
    /// With a connection.
    pub(super) connection: Duration,
    /// With a visit that is told of its dials.
    pub(super) visit: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { head: HEAD, connection: LIFETIME, visit: events::LIFETIME }
    }
}

pub(super) fn gate() -> Arc<Gate> {
    Gate::new(quic::Limits { connections: CONNECTIONS, handshakes: CONNECTIONS, per_ip: PER_IP, ..quic::Limits::default() })
}

/// Serves one connection to its end.
pub(super) fn serve(site: Rc<Site>, stream: TcpStream, permit: Permit) -> LocalBoxFuture<'static, ()> {
    Box::pin(async move {
        let end = native::sleep(site.times.connection);
        // What goes wrong with it is the browser's to show.
        select(pin!(speak(site, stream)), pin!(end)).await;
        drop(permit);
    })
}

async fn speak(site: Rc<Site>, stream: TcpStream) {
    let Some(first) = first_byte(&stream, site.times.head).await else { return };
    // Small answers, each of which somebody waits for.
    let _ = stream.set_nodelay(true);
    match &site.tls {
        Some(tls) if first == HANDSHAKE => {
            let handshake = TlsAcceptor::from(Arc::clone(&tls.config)).accept(stream.compat());
            if let Either::Left((Ok(stream), _)) = select(handshake, pin!(native::sleep(site.times.head))).await {
                http(site, stream.compat()).await;
            }
        }
        _ => http(site, stream).await,
    }
}

/// What a browser begins with, in good time.
async fn first_byte(stream: &TcpStream, time: Duration) -> Option<u8> {
    let mut first = [0];
    let begun = match select(pin!(stream.peek(&mut first)), pin!(native::sleep(time))).await {
        Either::Left((Ok(1), _)) => true,
        Either::Left(_) | Either::Right(_) => false,
    };
    begun.then(|| first[0])
}

async fn http(site: Rc<Site>, stream: impl AsyncRead + AsyncWrite + Unpin + 'static) {
    let head = site.times.head;
    let service = service_fn(move |request: Request<Incoming>| {
        let site = Rc::clone(&site);
        async move { Ok::<_, Infallible>(answer(&site, &request.into_parts().0)) }
    });
    let mut connection = http1::Builder::new();
    connection.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(BUFFER).max_headers(HEADERS);
    // An error is a browser that left, or one that spoke something else.
    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
}
