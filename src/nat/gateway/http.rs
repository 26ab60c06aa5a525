//! HTTP to a gateway: one question a connection, answers of bounded size.

use std::{
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
};

use futures::{FutureExt as _, select_biased};
use hyper::{
    Method, Request, Response,
    body::{Body as _, Incoming},
    client::conn::http1,
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use url::{Host, Url};

use super::{ASK, in_time};
use crate::{
    fault::{Fault, chain},
    model::Cause,
    probe::errors,
};

/// The most of an answer that is read, in bytes: descriptions of gateways with many services have about 16 KiB.
pub(super) const LONGEST_BODY: usize = 64 << 10;
/// The most of an answer's head, in bytes and in headers.
const LONGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Where a URL leads, if it is plain HTTP to this host: nobody else is asked.
pub(super) fn at(url: &Url, host: IpAddr) -> Option<SocketAddr> {
    let named = match host {
        IpAddr::V4(ip) => Host::Ipv4(ip),
        IpAddr::V6(ip) => Host::Ipv6(ip),
    };
    let there = url.scheme() == "http" && url.host() == Some(named) && url.username().is_empty();
    Some(SocketAddr::new(host, url.port_or_known_default().filter(|_| there)?))
}

pub(super) async fn get(own: IpAddr, to: SocketAddr, url: &Url) -> Result<Answer, Fault> {
    let request = Request::builder().method(Method::GET);
    in_time(ASK, ask(own, to, request, url, String::new())).await
}

pub(super) async fn post(own: IpAddr, to: SocketAddr, url: &Url, action: &str, body: String) -> Result<Answer, Fault> {
    let request = Request::builder().method(Method::POST);
    let request = request.header("SOAPAction", action).header(CONTENT_TYPE, "text/xml; charset=\"utf-8\"");
    in_time(ASK, ask(own, to, request, url, body)).await
}

async fn ask(
    own: IpAddr,
    to: SocketAddr,
    request: hyper::http::request::Builder,
    url: &Url,
    body: String,
) -> Result<Answer, Fault> {
    let request = request.uri(&url[url::Position::BeforePath..url::Position::AfterQuery]).header(HOST, to.to_string());
    let request: Request<String> = request.body(body).map_err(|error| Fault::new(Cause::Malformed, &error))?;
    let connect = |error: io::Error| errors::of_connect(&error);
    let socket = if own.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(connect)?;
    socket.bind(SocketAddr::new(own, 0)).map_err(connect)?;
    let stream = socket.connect(to).await.map_err(connect)?;
    let handshake = http1::Builder::new().max_buf_size(LONGEST_HEAD).max_headers(MOST_HEADERS).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|error| fault(&error))?;
    let exchange = async { read(sender.send_request(request).await.map_err(|error| fault(&error))?).await };
    let (mut exchange, mut connection) = (pin!(exchange.fuse()), pin!(connection.fuse()));
    loop {
        select_biased! {
            answer = exchange => return answer,
            // What it brought is still to be read; what broke it shows there.
            _ = connection => {}
        }
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, Fault> {
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame.map_err(|error| fault(&error))?.into_data() {
            if bytes.len() + data.len() > LONGEST_BODY {
                return Err(Cause::TooLarge.into());
            }
            bytes.extend_from_slice(&data);
        }
    }
    // Makers' names come in any encoding; nothing that counts here does.
    Ok(Answer { status, body: String::from_utf8_lossy(&bytes).into_owned() })
}

fn fault(error: &hyper::Error) -> Fault {
    if error.is_parse_too_large() {
        return Fault::new(Cause::TooLarge, error);
    }
    if error.is_parse() || error.is_parse_status() {
        return Fault::new(Cause::Malformed, error);
    }
    match chain(error).find_map(|error| error.downcast_ref::<io::Error>()) {
        Some(io) => Fault::from_io(io, Cause::Closed),
        None => Fault::new(Cause::Closed, error),
    }
}
