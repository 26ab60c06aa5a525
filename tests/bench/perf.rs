//! One stream of bytes in one direction over webrtc-direct, as `/perf/1.0.0` has it (libp2p specs, perf/perf.md): the dialer
//! says how much it wants back, sends, and is answered once everything has arrived. Go's side is `go-peer upload`.

use anyhow::{Context as _, bail};
use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, future::poll_fn};
use libp2p_core::muxing::StreamMuxerExt as _;
use libp2p_identity::Keypair;
use multiaddr::Protocol;
use p2p_probe::{
    session, target,
    transport::{
        quic::{Limits, Progress},
        webrtc_direct::{Arrival, Ask, Certificate, Connection, Dial, Fingerprint, Listener, Stream, Version},
    },
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    pin::pin,
    thread,
    time::Instant,
};

pub const PROTOCOL: &str = "/perf/1.0.0";
/// What is written and read at once.
const CHUNK: usize = 64 * 1024;

/// A listener of ours that takes uploads, on a thread of its own, for as long as the process lives. Its address.
pub fn serve(ip: IpAddr) -> anyhow::Result<String> {
    let (socket, keypair) = (UdpSocket::bind((ip, 0))?, Keypair::generate_ed25519());
    let (port, peer) = (socket.local_addr()?.port(), keypair.public().to_peer_id());
    let certificate = Certificate::generate()?;
    let certhash = certificate.fingerprint();
    thread::Builder::new().name("perf-server".to_owned()).spawn(move || {
        let served: anyhow::Result<()> = runtime().and_then(|runtime| runtime.block_on(listen(socket, &keypair, certificate)));
        served.inspect_err(|error| eprintln!("the listener of uploads ended: {error:#}"))
    })?;
    Ok(format!("/ip4/{ip}/udp/{port}/webrtc-direct/certhash/{certhash}/p2p/{peer}"))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

async fn listen(socket: UdpSocket, keypair: &Keypair, certificate: Certificate) -> anyhow::Result<()> {
    let listener = Listener::new(socket, keypair, certificate, Limits::default())?;
    while let Some(arrival) = listener.accept().await {
        // A dialer that fails tells so itself.
        let _ = take(arrival).await;
    }
    bail!("it accepts nobody any more")
}

async fn take(arrival: Arrival) -> anyhow::Result<()> {
    let mut connection = arrival.handshake(|_| ()).await?.connection;
    loop {
        let stream = poll_fn(|cx| connection.poll_inbound_unpin(cx)).await?;
        // Others ask for identify first, and are refused.
        let _ = moved(&mut connection, receive(stream)).await?;
    }
}

async fn receive(stream: Stream) -> anyhow::Result<()> {
    let (_, mut stream) = session::answer(stream, &[PROTOCOL]).await.ok().context("another protocol was asked for")?;
    let (mut wanted, mut buffer) = ([0; 8], vec![0; CHUNK]);
    stream.read_exact(&mut wanted).await?;
    while stream.read(&mut buffer).await? > 0 {}
    stream.write_all(&vec![0; usize::try_from(u64::from_be_bytes(wanted))?]).await?;
    Ok(stream.close().await?)
}

/// Polls a connection along with what works on it.
async fn moved<T>(connection: &mut Connection, work: impl Future<Output = T>) -> anyhow::Result<T> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if let std::task::Poll::Ready(Err(ended)) = connection.poll_unpin(cx) {
            return std::task::Poll::Ready(Err(ended.into()));
        }
        work.as_mut().poll(cx).map(Ok)
    })
    .await
}

/// Sends so many bytes on a stream. The seconds from the first byte until the other side has said that it has them all.
pub async fn send(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: usize) -> anyhow::Result<f64> {
    stream.write_all(&1_u64.to_be_bytes()).await?;
    let (begin, buffer) = (Instant::now(), vec![0; CHUNK]);
    let mut left = bytes;
    while left > 0 {
        let count = left.min(CHUNK);
        stream.write_all(&buffer[..count]).await?;
        left -= count;
    }
    stream.close().await?;
    stream.read_exact(&mut [0]).await?;
    Ok(begin.elapsed().as_secs_f64())
}

/// Sends so many bytes to this address. The seconds from the first byte until the other side has said that it has them all.
pub fn upload(address: &str, bytes: usize) -> anyhow::Result<f64> {
    runtime()?.block_on(async {
        let keypair = Keypair::generate_ed25519();
        let mut connection = dial(address, &keypair, Ipv4Addr::UNSPECIFIED).await?;
        let stream = poll_fn(|cx| connection.poll_outbound_unpin(cx)).await?;
        let exchange = send(session::propose(stream, PROTOCOL), bytes);
        let seconds = moved(&mut connection, exchange).await??;
        poll_fn(|cx| connection.poll_close_unpin(cx)).await?;
        Ok(seconds)
    })
}

/// Dials from this address.
pub async fn dial(address: &str, keypair: &Keypair, from: Ipv4Addr) -> anyhow::Result<Connection> {
    let address = target::multiaddr(address)?;
    let (mut ip, mut port, mut certhashes) = (None, None, Vec::new());
    for part in &address {
        match part {
            Protocol::Ip4(v4) => ip = Some(v4),
            Protocol::Udp(udp) => port = Some(udp),
            Protocol::Certhash(hash) => certhashes.extend(Fingerprint::of_certhash(&hash)),
            _ => {}
        }
    }
    let remote = SocketAddr::from(ip.zip(port).with_context(|| format!("{address} is no IPv4 address with a UDP port"))?);
    let (socket, beside) = (UdpSocket::bind((from, 0))?, UdpSocket::bind((from, 0))?);
    let ask = Ask::Only(Version::V2, beside);
    let dial = Dial { socket, remote, ask, certhashes, keypair, progress: Progress::default() };
    Ok(dial.run(|_| ()).await?.connection)
}
