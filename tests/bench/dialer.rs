//! Many dials in this process: whole ones over each transport, and some that stop half-way.

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use p2p_probe::{
    engine::{self, Job},
    model::{Options, Report, Source},
    native::{Native, Settings},
    target,
};
use std::{net::Ipv4Addr, rc::Rc};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

/// How many at once: fewer than the listener takes from one address.
const AT_ONCE: usize = 8;
/// Each so-manieth one leaves in the middle of the first negotiation.
const HALF_WAY: usize = 4;
/// The first line of multistream-select, and the second cut off.
const HALF: &[u8] = b"\x13/multistream/1.0.0\n\x07/no";

/// Connects so often, to one address after the other.
pub fn connect(addresses: &[String], times: usize) -> anyhow::Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio.block_on(async {
        let native = Rc::new(Native::new(Settings::default()));
        let port = addresses.iter().find_map(|address| address.strip_prefix("/ip4/127.0.0.1/tcp/"));
        let port = port.and_then(|rest| rest.split('/').next()?.parse().ok()).context("no TCP address")?;
        let dials = addresses.iter().cycle().take(times).enumerate().map(|(number, address)| {
            let native = native.clone();
            async move { if number % HALF_WAY == 0 { half_way(port).await } else { whole(native, address).await } }
        });
        stream::iter(dials).buffer_unordered(AT_ONCE).try_for_each(|()| future::ok(())).await
    })
}

async fn half_way(port: u16) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    Ok(stream.write_all(HALF).await?)
}

/// A dial and identify by the engine itself.
async fn whole(native: Rc<Native>, address: &str) -> anyhow::Result<()> {
    let (target, addresses) = target::parse(address)?;
    let options = Options { announced: false, pings: 0, ..Options::default() };
    let job = Job { target, addresses, source: Source::Target, options };
    let mut events = engine::run(native, job, future::pending());
    let mut report = Report::default();
    while let Some(event) = events.next().await {
        report.apply(&event);
    }
    let verdict = report.verdict.context("a run without a verdict")?;
    ensure!(verdict.ok == Some(true), "{address}: {}", verdict.summary);
    Ok(())
}
