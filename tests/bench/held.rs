//! What each of many webrtc-direct connections costs a listener that stay.

use crate::{
    listen::Listener,
    perf,
    table::{MEBIBYTE, Row, Target, Unit},
};
use futures::{StreamExt as _, stream::FuturesUnordered};
use libp2p_core::muxing::StreamMuxerBox;
use libp2p_identity::Keypair;
use p2p_probe::{
    native::{Native, Settings},
    session::{Multiplexed, Pings, Session, Us},
};
use std::net::Ipv4Addr;

const LISTEN: &str = "/ip4/127.0.0.1/udp/0/webrtc-direct";
/// Fewer than a listener takes.
const HELD: u16 = 200;
/// Fewer than a listener takes from one address.
const FROM_EACH: u16 = 20;
const TARGET: Target = Target::AtMost(60.0);

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let listener = Listener::start(&[LISTEN])?;
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio.block_on(async {
        // What the first dialer has brought into memory serves all.
        hold(&listener, 1).await?;
        let before = listener.resident()?;
        let after = hold(&listener, HELD).await?;
        let each = (after - before) * MEBIBYTE / 1000.0 / f64::from(HELD);
        Ok(vec![Row::new("listen, webrtc: memory of each of 200 connections", each, Unit::Kilobytes, TARGET)])
    })
}

/// The memory of a listener while all stand, each identified and pinged.
async fn hold(listener: &Listener, count: u16) -> anyhow::Result<f64> {
    let native = Native::new(Settings::default());
    let keypair = Keypair::generate_ed25519();
    let mut sessions = FuturesUnordered::new();
    for number in 0..count {
        let from = Ipv4Addr::from_bits(Ipv4Addr::new(127, 0, 1, 1).to_bits() + u32::from(number / FROM_EACH));
        let connection = perf::dial(&listener.addresses[0], &keypair, from).await?;
        let us = Us { key: keypair.public(), listen: Vec::new(), observed: None };
        let session = Session::new(Multiplexed::from(StreamMuxerBox::new(connection)), native.clock(), us, |_| ());
        session.run(used(&session)).await?;
        sessions.push(async move { session.serve().await.cause });
    }
    tokio::select! {
        biased;
        ended = sessions.next() => anyhow::bail!("a connection ended: {ended:?}"),
        resident = async { listener.resident() } => resident,
    }
}

async fn used(session: &Session) -> anyhow::Result<()> {
    let failed = |fault: p2p_probe::session::Fault| anyhow::anyhow!("{:?}", fault.cause);
    session.identify().await.map_err(failed)?;
    session.ping(1, std::time::Duration::ZERO, &mut Pings::default()).await.map_err(failed)
}
