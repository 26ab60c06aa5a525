//! `upload ADDRESS BYTES`: one stream of yamux over TCP, secured by noise, as `/perf/1.0.0` has it (libp2p specs, perf/perf.md).
//! Prints the seconds. It is what `node.mjs` and `page.mjs` measure the JS transport beside.

use std::net::SocketAddr;

use crate::perf::{PROTOCOL, send};
use anyhow::Context as _;
use libp2p_identity::Keypair;
use multiaddr::Protocol;
use p2p_probe::{
    engine::Fault,
    model::{Micros, Security},
    session::{Clock, Session, Us, multiplex_outbound, secure_outbound},
    target,
};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

/// The word that it is asked for by.
pub const COMMAND: &str = "upload";

pub fn run(words: &[String]) -> anyhow::Result<()> {
    let [address, bytes] = words else { anyhow::bail!("upload takes an address and how many bytes") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("{}", runtime.block_on(upload(address, bytes.parse()?))?);
    Ok(())
}

async fn upload(address: &str, bytes: usize) -> anyhow::Result<f64> {
    let stream = TcpStream::connect(remote(address)?).await?;
    stream.set_nodelay(true)?;
    let keypair = Keypair::generate_ed25519();
    let secured = secure_outbound(stream.compat(), &keypair, Security::Noise).await?;
    let multiplexed = multiplex_outbound(secured.stream).await?;
    let us = Us { key: keypair.public(), listen: Vec::new(), observed: None };
    // Nothing here waits for a time.
    let clock = Clock::new(|| Micros(0), |_| Box::pin(std::future::pending()));
    let session = Session::new(multiplexed, clock, us, |_| ());
    let exchange = session.run(async {
        let stream = session.open(PROTOCOL).await.map_err(Fault::into_io)?;
        send(stream, bytes).await
    });
    exchange.await
}

fn remote(address: &str) -> anyhow::Result<SocketAddr> {
    let (mut ip, mut port) = (None, None);
    for part in &target::multiaddr(address)? {
        match part {
            Protocol::Ip4(v4) => ip = Some(v4),
            Protocol::Tcp(tcp) => port = Some(tcp),
            _ => {}
        }
    }
    Ok(ip.zip(port).with_context(|| format!("{address} is no IPv4 address with a TCP port"))?.into())
}
