//! A libp2p node over any byte stream: security, muxer, streams, each as its script says.

use super::flood::Flood;
use super::script::{Key, Script, Step, Transport};
use super::{Running, punch, quic, rust_webrtc, secure, streams, webrtc};
use crate::certificate::Authority;
use async_tungstenite::bytes::{ByteReader, ByteWriter};
use async_tungstenite::tungstenite::Message;
use futures::channel::{mpsc, oneshot};
use futures::future::{BoxFuture, poll_fn};
use futures::stream::FuturesUnordered;
use futures::{AsyncRead, AsyncWrite, FutureExt, StreamExt};
use futures_rustls::TlsAcceptor;
use libp2p_core::muxing::{StreamMuxerBox, StreamMuxerExt, SubstreamBox};
use libp2p_core::upgrade::InboundConnectionUpgrade;
use libp2p_identity::Keypair;
use multiaddr::{Multiaddr, Protocol};
use multistream_select::listener_select_proto;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::compat::TokioAsyncReadCompatExt;

/// Any byte stream.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}
pub type Bytes = Box<dyn Duplex>;

pub struct Node {
    pub script: Script,
    pub key: Keypair,
    pub port: u16,
    /// Who is behind it, where it is a relay.
    pub behind: Option<Arc<Node>>,
}

impl Node {
    pub fn new(script: Script, key: Keypair, port: u16, target: Option<Keypair>) -> Self {
        let behind = script.hop.as_ref().zip(target).map(|(hop, key)| {
            let (script, behind) = ((*hop.target).clone(), None);
            Arc::new(Self { script, key, port, behind })
        });
        Self { script, key, port, behind }
    }
}

pub async fn start(script: &Script, authority: &Authority) -> Running {
    let key = generate(script.key);
    let target = script.hop.as_ref().map(|hop| generate(hop.target.key));
    let script = &directly_too(script, authority, target.as_ref()).await;
    let name = |key: &Keypair| key.public().to_peer_id().to_string();
    let (id, target_id) = (Some(name(&key)), target.as_ref().map(name));
    let (port, certhash) = match script.transport {
        Transport::Quic => (quic::start(script.clone(), key, target), None),
        Transport::WebrtcDirect => {
            let (port, certhash) = match script.as_libp2p_webrtc {
                Some(breaks) => rust_webrtc::start(breaks).await,
                None => webrtc::start(script.clone(), key, target).await,
            };
            (port, Some(certhash))
        }
        Transport::Tcp | Transport::Ws | Transport::Wss => (listen(script, authority, key, target).await, None),
    };
    Running { id, certhash, target: target_id, ..Running::serving(port) }
}

/// A target that punches holes listens by itself.
async fn directly_too(script: &Script, authority: &Authority, target: Option<&Keypair>) -> Script {
    let mut script = script.clone();
    if let (Some(hop), Some(key)) = (&mut script.hop, target)
        && let Some(mut punch) = hop.target.punch.take()
    {
        let key = if punch.impostor { generate(Key::Ed25519) } else { key.clone() };
        punch.port = listen(&hop.target, authority, key, None).await;
        hop.target.punch = Some(punch);
    }
    script
}

fn generate(kind: Key) -> Keypair {
    match kind {
        Key::Ed25519 => Keypair::generate_ed25519(),
        Key::Secp256k1 => Keypair::generate_secp256k1(),
        Key::Ecdsa => Keypair::generate_ecdsa(),
    }
}

/// Serves over TCP on the current runtime and returns the port.
async fn listen(script: &Script, authority: &Authority, key: Keypair, target: Option<Keypair>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let node = Arc::new(Node::new(script.clone(), key, port, target));
    let acceptor = authority.acceptor(script.certificate);
    tokio::spawn(async move {
        while let Ok((stream, from)) = listener.accept().await {
            let (node, acceptor) = (Arc::clone(&node), acceptor.clone());
            tokio::spawn(async move {
                // As every implementation does: what is sent in small pieces must not wait for acknowledgements.
                stream.set_nodelay(true)?;
                let bytes = carry(&node.script, &acceptor, stream).await?;
                node.serve(bytes, observed(Protocol::Tcp(from.port()), from)).await
            });
        }
    });
    port
}

/// The byte stream that libp2p runs on.
async fn carry(script: &Script, acceptor: &TlsAcceptor, tcp: TcpStream) -> io::Result<Bytes> {
    let bytes: Bytes = Box::new(tcp.compat());
    match script.transport {
        Transport::Tcp | Transport::Quic | Transport::WebrtcDirect => Ok(bytes),
        Transport::Ws => websocket(script, bytes).await,
        Transport::Wss => websocket(script, Box::new(acceptor.accept(bytes).await?)).await,
    }
}

async fn websocket(script: &Script, bytes: Bytes) -> io::Result<Bytes> {
    let mut socket = async_tungstenite::accept_async(bytes).await.map_err(io::Error::other)?;
    if script.text_frame {
        socket.send(Message::text("hello")).await.map_err(io::Error::other)?;
    }
    let (sender, receiver) = socket.split();
    Ok(Box::new(Joined { reader: ByteReader::new(receiver), writer: ByteWriter::new(sender) }))
}

impl Node {
    /// The same as `serve`, of a type that can be named: a relay serves its target within its own streams.
    pub fn boxed(&self, bytes: Bytes, seen: Multiaddr) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.serve(bytes, seen))
    }

    async fn serve(&self, bytes: Bytes, seen: Multiaddr) -> io::Result<()> {
        let (name, bytes) = listener_select_proto(bytes, self.script.security.iter()).await.map_err(io::Error::other)?;
        let bytes = secure::accept(self, name, Box::new(bytes)).await?;
        let bytes = self.pause(Step::Secure, bytes).await?;
        let (_, bytes) = listener_select_proto(bytes, self.script.muxers.iter()).await.map_err(io::Error::other)?;
        let bytes = self.pause(Step::Multiplex, Box::new(bytes)).await?;
        let muxer = libp2p_yamux::Config::default().upgrade_inbound(bytes, "/yamux/1.0.0").await?;
        self.multiplex(StreamMuxerBox::new(muxer), seen).await;
        Ok(())
    }

    /// Ends or hangs where the script says so.
    async fn pause(&self, step: Step, mut bytes: Bytes) -> io::Result<Bytes> {
        use futures::{AsyncReadExt, AsyncWriteExt};
        if self.script.hangs_after == Some(step) {
            let () = std::future::pending().await;
        }
        if self.script.closes_after == Some(step) {
            bytes.close().await?;
            // Reads on, so that the end arrives as an end and not as a reset.
            while matches!(bytes.read(&mut [0; 1024]).await, Ok(1..)) {}
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(bytes)
    }

    /// Answers on every stream until the connection ends.
    pub async fn multiplex(&self, mut muxer: StreamMuxerBox, seen: Multiaddr) {
        let mut open = FuturesUnordered::new();
        let (asks, mut asked) = mpsc::unbounded();
        let mut wanted = None;
        let through_a_relay = seen.iter().any(|part| part == Protocol::P2pCircuit);
        if let Some(punch) = self.script.punch.as_ref().filter(|_| through_a_relay) {
            open.push(punch::begin(punch, asks).boxed());
        }
        let mut flood = self.script.floods.then(Flood::default);
        poll_fn(|cx| {
            let _ = muxer.poll_unpin(cx);
            if let Some(flood) = &mut flood {
                flood.poll(&mut muxer, cx);
            }
            if wanted.is_none()
                && let Poll::Ready(ask) = asked.poll_next_unpin(cx)
            {
                wanted = ask;
            }
            if wanted.is_some()
                && let Poll::Ready(Ok(stream)) = muxer.poll_outbound_unpin(cx)
            {
                // Who asked may be gone.
                let _: Option<Result<(), SubstreamBox>> = wanted.take().map(|ask: oneshot::Sender<_>| ask.send(stream));
                cx.waker().wake_by_ref();
            }
            loop {
                match muxer.poll_inbound_unpin(cx) {
                    Poll::Ready(Ok(stream)) => open.push(streams::answer(self, stream, &seen).boxed()),
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => break,
                }
            }
            while let Poll::Ready(Some(done)) = open.poll_next_unpin(cx) {
                if done.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionAborted) {
                    return Poll::Ready(());
                }
            }
            Poll::Pending
        })
        .await;
    }
}

/// The dialer's address as a multiaddr.
pub fn observed(port: Protocol<'_>, from: SocketAddr) -> Multiaddr {
    Multiaddr::from(from.ip()).with(port.acquire())
}

/// A reader and a writer as one stream.
pub struct Joined<R, W> {
    pub reader: R,
    pub writer: W,
}

mod joined {
    use super::Joined;
    use futures::{AsyncRead, AsyncWrite};
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    impl<R: AsyncRead + Unpin, W: Unpin> AsyncRead for Joined<R, W> {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.reader).poll_read(cx, buffer)
        }
    }

    impl<R: Unpin, W: AsyncWrite + Unpin> AsyncWrite for Joined<R, W> {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.writer).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.writer).poll_flush(cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.writer).poll_close(cx)
        }
    }
}
