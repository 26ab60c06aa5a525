//! The server's side of AutoNAT, versions 1 and 2, as the script has it.

use super::script::{Autonat, Autonats, DialsBack};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p_core::muxing::{StreamMuxerBox, StreamMuxerExt};
use libp2p_core::upgrade::OutboundConnectionUpgrade;
use libp2p_identity::Keypair;
use multiaddr::{Multiaddr, Protocol};
use multistream_select::{Version, dialer_select_proto};
use prost::Message;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt;

pub const FIRST: &str = "/libp2p/autonat/1.0.0";
pub const SECOND: &str = "/libp2p/autonat/2/dial-request";
const DIAL_BACK: &str = "/libp2p/autonat/2/dial-back";

/// Of both versions.
const REFUSED: u32 = 101;

/// What is asked, in either version.
#[derive(Clone, PartialEq, Message)]
struct Asked {
    #[prost(message, optional, tag = "1")]
    second: Option<Request>,
}

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(bytes = "vec", repeated, tag = "1")]
    addrs: Vec<Vec<u8>>,
    #[prost(fixed64, tag = "2")]
    nonce: u64,
}

#[derive(Clone, PartialEq, Message)]
struct AskedFirst {
    #[prost(message, optional, tag = "2")]
    dial: Option<Dial>,
}

#[derive(Clone, PartialEq, Message)]
struct Dial {
    #[prost(message, optional, tag = "1")]
    peer: Option<Peer>,
}

#[derive(Clone, PartialEq, Message)]
struct Peer {
    #[prost(bytes = "vec", repeated, tag = "2")]
    addrs: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(message, optional, tag = "2")]
    second: Option<Second>,
    #[prost(message, optional, tag = "3")]
    wants: Option<Wants>,
}

#[derive(Clone, PartialEq, Message)]
struct Second {
    #[prost(uint32, tag = "1")]
    status: u32,
    #[prost(uint32, tag = "3")]
    dial: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Wants {
    #[prost(uint64, tag = "2")]
    bytes: u64,
}

#[derive(Clone, PartialEq, Message)]
struct AnswerFirst {
    #[prost(uint32, tag = "1")]
    kind: u32,
    #[prost(message, optional, tag = "3")]
    first: Option<First>,
}

#[derive(Clone, PartialEq, Message)]
struct First {
    #[prost(uint32, optional, tag = "1")]
    status: Option<u32>,
    #[prost(string, tag = "2")]
    text: String,
    #[prost(bytes = "vec", tag = "3")]
    addr: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(fixed64, tag = "1")]
    nonce: u64,
}

/// One request. The connection back is made by the same key.
pub async fn answer(
    script: &Autonat,
    name: &str,
    key: &Keypair,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> io::Result<()> {
    let asked = read(stream).await?;
    let (mut addresses, nonce) = if name == SECOND {
        let asked = Asked::decode(&asked[..])?.second.unwrap_or_default();
        (asked.addrs, asked.nonce)
    } else {
        let asked = AskedFirst::decode(&asked[..])?.dial.unwrap_or_default().peer.unwrap_or_default();
        (asked.addrs, 0)
    };
    let address = if script.dials == DialsBack::Last { addresses.pop() } else { addresses.into_iter().next() };
    let address = Multiaddr::try_from(address.unwrap_or_default()).map_err(io::Error::other)?;
    match script.does {
        Autonats::Hang => pending().await,
        Autonats::Leave => return Err(io::ErrorKind::ConnectionAborted.into()),
        Autonats::Close => return stream.close().await,
        Autonats::Malformed => stream.write_all(&[&[10][..], &[0xFF; 10]].concat()).await?,
        Autonats::Misplaced => stream.write_all(&Answer::default().encode_length_delimited_to_vec()).await?,
        // A message of a gigabyte, without end.
        Autonats::Flood => flood(stream, &[0x80, 0x80, 0x80, 0x80, 0x04], &[0; 4096]).await?,
        // Wishes, without end.
        Autonats::Wishes => {
            let wish = Answer { second: None, wants: Some(Wants { bytes: 1 }) }.encode_length_delimited_to_vec();
            flood(stream, &[], &wish).await?;
        }
        Autonats::Answer => {
            if name == SECOND && script.data > 0 {
                take_data(script, stream).await?;
            }
            let late = script.dials == DialsBack::Late;
            let dialed = late || dial_back(script, key, &address, nonce).await;
            stream.write_all(&script.response(name, &address, dialed)).await?;
            if late {
                stream.flush().await?;
                // The request goes on being read, which is how it is known that its answer was.
                while stream.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {}
                dial_back(script, key, &address, nonce).await;
            }
        }
    }
    stream.flush().await?;
    stream.close().await
}

impl Autonat {
    fn response(&self, name: &str, address: &Multiaddr, dialed: bool) -> Vec<u8> {
        let status = if dialed { self.status } else { REFUSED };
        if name == SECOND {
            let second = Some(Second { status, dial: self.dial });
            return Answer { second, wants: None }.encode_length_delimited_to_vec();
        }
        let addr = self.over.as_ref().map_or_else(|| address.clone(), |over| over.parse().expect("a multiaddr"));
        let status = self.first.filter(|_| dialed).unwrap_or(status);
        let first = Some(First { status: Some(status), text: self.text.clone(), addr: addr.to_vec() });
        AnswerFirst { kind: 1, first }.encode_length_delimited_to_vec()
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut length = 0;
    for place in 0.. {
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        length |= usize::from(byte[0] & 0x7f) << (7 * place);
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

async fn flood(stream: &mut (impl AsyncWrite + Unpin), first: &[u8], then: &[u8]) -> io::Result<()> {
    stream.write_all(first).await?;
    loop {
        stream.write_all(then).await?;
        stream.flush().await?;
    }
}

/// Wants bytes, and waits until they are there.
async fn take_data(script: &Autonat, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    let wants = Answer { second: None, wants: Some(Wants { bytes: script.data }) };
    stream.write_all(&wants.encode_length_delimited_to_vec()).await?;
    stream.flush().await?;
    let mut come = 0;
    while come < script.data {
        let message = read(stream).await?;
        assert!(message.len() <= 4096 + 8, "a message of dial data has {} bytes", message.len());
        come += message.len() as u64;
    }
    Ok(())
}

/// Whether there was an address to dial: it dials TCP alone.
async fn dial_back(script: &Autonat, key: &Keypair, address: &Multiaddr, nonce: u64) -> bool {
    let mut parts = address.iter();
    let (Some(Protocol::Ip4(ip)), Some(Protocol::Tcp(port)), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let nonce = match script.dials {
        DialsBack::Never => return true,
        DialsBack::InFirst if nonce != 0 => return true,
        DialsBack::WrongNumber => !nonce,
        DialsBack::Number | DialsBack::Late | DialsBack::Holds | DialsBack::InFirst | DialsBack::Last => nonce,
    };
    let bringing = bring(key.clone(), TcpStream::connect((ip, port)), nonce, script.dials == DialsBack::Holds);
    if script.dials == DialsBack::Holds {
        // Whether it succeeds is seen by the program under test.
        tokio::spawn(async move { drop(bringing.await) });
    } else {
        let _ = bringing.await;
    }
    true
}

/// Connects as libp2p does, and says the number.
async fn bring(key: Keypair, tcp: impl Future<Output = io::Result<TcpStream>>, nonce: u64, hold: bool) -> io::Result<()> {
    let (_, bytes) = dialer_select_proto(tcp.await?.compat(), ["/noise"], Version::V1).await.map_err(io::Error::other)?;
    let noise = libp2p_noise::Config::new(&key).map_err(io::Error::other)?;
    let (_, bytes) = noise.upgrade_outbound(bytes, "/noise").await.map_err(io::Error::other)?;
    let (_, bytes) = dialer_select_proto(bytes, ["/yamux/1.0.0"], Version::V1).await.map_err(io::Error::other)?;
    let muxer = libp2p_yamux::Config::default().upgrade_outbound(bytes, "/yamux/1.0.0").await?;
    let mut muxer = StreamMuxerBox::new(muxer);
    let stream = poll_fn(|cx| muxer.poll_outbound_unpin(cx)).await?;
    let saying = async {
        let (_, mut stream) = dialer_select_proto(stream, [DIAL_BACK], Version::V1).await.map_err(io::Error::other)?;
        stream.write_all(&Number { nonce }.encode_length_delimited_to_vec()).await?;
        stream.flush().await?;
        let heard = stream.read(&mut [0; 16]).await;
        if hold {
            pending::<()>().await;
        }
        heard.map(drop)
    };
    driven(&mut muxer, saying).await
}

/// Moves a connection while something is done on it.
async fn driven<T>(muxer: &mut StreamMuxerBox, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        let _ = muxer.poll_unpin(cx);
        while let Poll::Ready(Ok(_)) = muxer.poll_inbound_unpin(cx) {}
        Poll::Pending
    })
    .await
}
