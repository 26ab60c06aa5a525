//! The target's side of a hole punch, which begins each round, as the script has it.

use super::script::{Begins, Punch, Round};
use futures::channel::{mpsc, oneshot};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p_core::muxing::SubstreamBox;
use multiaddr::Multiaddr;
use multistream_select::{Version, dialer_select_proto};
use prost::Message;
use std::io;
use std::time::Duration;

const DCUTR: &str = "/libp2p/dcutr";
const CONNECT: u32 = 100;
const SYNC: u32 = 300;
/// The longest message.
const LONGEST: usize = 4096;

#[derive(Clone, PartialEq, Message)]
struct HolePunch {
    #[prost(uint32, optional, tag = "1")]
    kind: Option<u32>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    addresses: Vec<Vec<u8>>,
}

/// Where streams are asked for.
pub type Asks = mpsc::UnboundedSender<oneshot::Sender<SubstreamBox>>;

/// All rounds, one after the other.
pub async fn begin(punch: &Punch, asks: Asks) -> io::Result<()> {
    // A stream that is dropped would be reset.
    let mut kept = Vec::new();
    for round in &punch.rounds {
        let (give, given) = oneshot::channel();
        asks.unbounded_send(give).map_err(io::Error::other)?;
        let stream = given.await.map_err(io::Error::other)?;
        let (_, mut stream) = dialer_select_proto(stream, [DCUTR], Version::V1).await.map_err(io::Error::other)?;
        play(round, &addresses(round, punch.port), &mut stream).await?;
        kept.push(stream);
    }
    std::future::pending().await
}

async fn play(round: &Round, addresses: &[Multiaddr], stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    let addresses = addresses.iter().map(Multiaddr::to_vec).collect();
    let connect = HolePunch { kind: Some(CONNECT), addresses }.encode_length_delimited_to_vec();
    let sync = HolePunch { kind: Some(SYNC), addresses: Vec::new() }.encode_length_delimited_to_vec();
    let first = match round.does {
        Begins::Hang => return stream.flush().await,
        Begins::SyncFirst => &sync,
        // A length of ten, then a field of a wire type that does not exist.
        Begins::Malformed => &[&[10][..], &[0xFF; 10]].concat(),
        Begins::Sync | Begins::NeverSync | Begins::Close => &connect,
    };
    stream.write_all(first).await?;
    stream.flush().await?;
    let mut heard = [0; LONGEST];
    let _ = stream.read(&mut heard).await?;
    match round.does {
        Begins::Close => stream.close().await,
        Begins::Sync => {
            tokio::time::sleep(Duration::from_millis(round.late_ms)).await;
            stream.write_all(&sync).await?;
            stream.close().await
        }
        _ => Ok(()),
    }
}

fn addresses(round: &Round, port: u16) -> Vec<Multiaddr> {
    let filled = |address: &String| address.replace("{port}", &port.to_string());
    let named = round.addresses.iter().map(filled);
    let counted = (1..=round.ports).map(|port| format!("/ip4/127.0.0.1/tcp/{port}"));
    named.chain(counted).map(|address| address.parse().expect("a multiaddr")).collect()
}
