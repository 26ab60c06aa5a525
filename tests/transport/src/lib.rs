//! Hands the transport of wasm-probe to JavaScript piece by piece, so that tests can hold it against hosts of their own.

#![cfg(target_family = "wasm")]

use std::{cell::RefCell, pin::Pin, rc::Rc};

use futures::{
    AsyncReadExt as _, AsyncWriteExt as _,
    future::{poll_fn, try_join},
    io::{ReadHalf, WriteHalf},
};
use js_sys::{Error, Function};
use libp2p_core::{
    Transport as _,
    transport::{ListenerId, TransportEvent},
};
use p2p_probe::{
    engine::Fault,
    model::{Micros, Security},
    session::{Clock, Session, Us, multiplex_outbound, secure_outbound},
};
use std::io;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use wasm_probe::{Connection, JsTransport};

/// What is written at once.
const CHUNK: usize = 64 * 1024;

fn transport(object: JsValue) -> JsTransport {
    JsTransport::new(object.unchecked_into())
}

/// An error with the code of its cause.
fn failed(fault: &Fault) -> JsValue {
    Error::new(&format!("{}: {fault}", fault.cause.code())).into()
}

fn broken(error: &io::Error) -> JsValue {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
        Some(fault) => failed(fault),
        None => Error::new(&format!("{:?}", error.kind())).into(),
    }
}

/// A connection, to be read and written at once.
#[wasm_bindgen]
pub struct Stream {
    reader: Rc<RefCell<Option<ReadHalf<Connection>>>>,
    writer: Rc<RefCell<Option<WriteHalf<Connection>>>>,
}

/// Takes a half for as long as something is done with it.
macro_rules! with {
    ($half:expr, $name:ident => $done:expr) => {{
        let half = Rc::clone(&$half);
        let Some(mut $name) = half.borrow_mut().take() else { return Err(Error::new("it is in use").into()) };
        let done = $done;
        half.replace(Some($name));
        done.map_err(|error| broken(&error))
    }};
}

#[wasm_bindgen]
#[expect(missing_docs, reason = "as AsyncRead and AsyncWrite have them")]
impl Stream {
    pub async fn read(&self, most: usize) -> Result<Vec<u8>, JsValue> {
        let mut buffer = vec![0; most];
        let count = with!(self.reader, reader => reader.read(&mut buffer).await)?;
        buffer.truncate(count);
        Ok(buffer)
    }

    pub async fn write(&self, bytes: Vec<u8>) -> Result<usize, JsValue> {
        with!(self.writer, writer => writer.write(&bytes).await)
    }

    pub async fn flush(&self) -> Result<(), JsValue> {
        with!(self.writer, writer => writer.flush().await)
    }

    pub async fn close(&self) -> Result<(), JsValue> {
        with!(self.writer, writer => writer.close().await)
    }
}

/// Dials.
#[wasm_bindgen]
pub async fn open(object: JsValue, address: String) -> Result<Stream, JsValue> {
    let connection = transport(object).open(&address, None).await.map_err(|fault| failed(&fault))?;
    let (reader, writer) = connection.split();
    Ok(Stream { reader: Rc::new(RefCell::new(Some(reader))), writer: Rc::new(RefCell::new(Some(writer))) })
}

/// Starts a dial as libp2p does, polls it once and drops it.
#[wasm_bindgen]
pub async fn give_up(object: JsValue, address: String) -> Result<bool, JsValue> {
    let mut transport = transport(object);
    let address = address.parse().map_err(|_| Error::new("no multiaddr"))?;
    let options =
        libp2p_core::transport::DialOpts { role: libp2p_core::Endpoint::Dialer, port_use: libp2p_core::transport::PortUse::New };
    let mut dialing = transport.dial(address, options).map_err(|error| Error::new(&format!("{error:?}")))?;
    let settled = poll_fn(|cx| std::task::Poll::Ready(Pin::new(&mut dialing).poll(cx).is_ready())).await;
    Ok(settled)
}

/// Starts to listen, polls once and drops it.
#[wasm_bindgen]
pub async fn give_up_listening(object: JsValue, address: String) -> Result<bool, JsValue> {
    let mut transport = Box::pin(transport(object));
    let address = address.parse().map_err(|_| Error::new("no multiaddr"))?;
    transport.listen_on(ListenerId::next(), address).map_err(|error| Error::new(&format!("{error:?}")))?;
    Ok(poll_fn(|cx| std::task::Poll::Ready(transport.as_mut().poll(cx).is_ready())).await)
}

/// Sends so many bytes to a host that sends them back, ends its side, and reads to the end. Gives how many came back.
#[wasm_bindgen]
pub async fn echo(object: JsValue, address: String, bytes: usize) -> Result<usize, JsValue> {
    let connection = transport(object).open(&address, None).await.map_err(|fault| failed(&fault))?;
    let (mut reader, mut writer) = connection.split();
    let pattern: Vec<u8> = (0_u8..=250).cycle().take(bytes).collect();
    let write = async {
        writer.write_all(&pattern).await?;
        writer.close().await
    };
    let mut back = Vec::new();
    try_join(write, reader.read_to_end(&mut back)).await.map_err(|error| broken(&error))?;
    if back == pattern { Ok(back.len()) } else { Err(Error::new("other bytes came back").into()) }
}

/// Sends so many bytes over one stream of yamux, secured by noise, to a node that takes `/perf/1.0.0` (libp2p specs, perf/perf.md).
/// Gives the seconds from the first byte until the other side has said that it has them all.
#[wasm_bindgen]
pub async fn upload(object: JsValue, address: String, bytes: usize) -> Result<f64, JsValue> {
    let keypair = libp2p_identity::Keypair::generate_ed25519();
    let connection = transport(object).open(&address, None).await.map_err(|fault| failed(&fault))?;
    let secured = secure_outbound(connection, &keypair, Security::Noise).await.map_err(|fault| failed(&fault))?;
    let multiplexed = multiplex_outbound(secured.stream).await.map_err(|fault| failed(&fault))?;
    let us = Us { key: keypair.public(), listen: Vec::new(), observed: None };
    // Nothing here waits for a time.
    let clock = Clock::new(|| Micros(0), |_| Box::pin(std::future::pending()));
    let session = Session::new(multiplexed, clock, us, |_| ());
    let exchange = session.run(async {
        let mut stream = session.open("/perf/1.0.0").await.map_err(Fault::into_io)?;
        stream.write_all(&1_u64.to_be_bytes()).await?;
        let (begin, buffer) = (js_sys::Date::now(), vec![0; CHUNK]);
        let mut left = bytes;
        while left > 0 {
            let count = left.min(CHUNK);
            stream.write_all(&buffer[..count]).await?;
            left -= count;
        }
        stream.close().await?;
        stream.read_exact(&mut [0]).await?;
        Ok((js_sys::Date::now() - begin) / 1000.0)
    });
    exchange.await.map_err(|error| broken(&error))
}

/// Listens, sends everybody's bytes back, and tells each event: `told(what, detail)`. What `told` returns is true when the
/// listener is to be removed. Ends when it is closed.
#[wasm_bindgen]
pub async fn serve_echo(object: JsValue, address: String, told: Function) -> Result<(), JsValue> {
    let mut transport = Box::pin(transport(object));
    let id = ListenerId::next();
    let address = address.parse().map_err(|_| Error::new("no multiaddr"))?;
    transport.listen_on(id, address).map_err(|error| Error::new(&format!("{error:?}")))?;
    loop {
        let event = poll_fn(|cx| transport.as_mut().poll(cx)).await;
        let (what, detail) = match event {
            TransportEvent::NewAddress { listen_addr, .. } => ("address", listen_addr.to_string()),
            TransportEvent::AddressExpired { listen_addr, .. } => ("expired", listen_addr.to_string()),
            TransportEvent::Incoming { upgrade, send_back_addr, .. } => {
                wasm_bindgen_futures::spawn_local(async move {
                    if let Ok(connection) = upgrade.await {
                        let (reader, mut writer) = connection.split();
                        let copied = futures::io::copy(reader, &mut writer).await;
                        drop((copied, writer.close().await));
                    }
                });
                ("incoming", send_back_addr.to_string())
            }
            TransportEvent::ListenerError { error, .. } => ("error", error.to_string()),
            TransportEvent::ListenerClosed { reason, .. } => {
                let detail = reason.map_err(|error| failed(&error.0)).map(|()| JsValue::UNDEFINED);
                told.call2(&JsValue::NULL, &"closed".into(), &detail.clone().unwrap_or_else(|error| error))?;
                return detail.map(drop);
            }
        };
        if told.call2(&JsValue::NULL, &what.into(), &detail.into())?.is_truthy() && !transport.remove_listener(id) {
            return Err(Error::new("there is no such listener").into());
        }
    }
}
