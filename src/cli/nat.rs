//! `nat`: what the own network does to peers, from its arguments to its report.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use anyhow::Context as _;
use futures::future::join_all;
use multiaddr::Multiaddr;

use super::{
    Exit,
    args::{Common, NatArgs},
    dial::{View, finish, watch},
    exit,
};
use crate::{
    engine::Runtime as _,
    model::{Layer4, socket_of},
    nat::measure::{self, Tests},
    native::{Native, Settings},
    plan::{Lookup, Record, Records},
};

/// Addresses of a STUN server that are asked: one of each family.
const ADDRESSES: usize = 2;

pub(super) fn nat(args: &NatArgs, common: &Common) -> anyhow::Result<Exit> {
    let options = args.options();
    args.listen.iter().try_for_each(is_free)?;
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let view = View::new(args.report.format, args.report.output.as_deref(), &options, common)?;
    let settings = Settings { resolver: args.resolver, ..Settings::default() };
    let done = tokio.block_on(async {
        let native = Native::new(settings);
        let stun = servers(&native, &args.stun).await?;
        let tests = Tests::new(stun, args.listen.clone(), args.check.clone()).leave_gateways(args.no_port_mapping);
        let done = watch(view, |stop| measure::run(native.clone(), args.via.clone(), tests, options, stop), None).await;
        finish(done, &native, common).await
    });
    tokio.shutdown_background();
    let Some((report, interrupted)) = done? else { return Ok(Exit::Interrupted) };
    Ok(exit(&report, false, interrupted))
}

/// A port that was asked for has to be had: a node that runs on it is checked, not replaced.
fn is_free(address: &Multiaddr) -> anyhow::Result<()> {
    let bound = match socket_of(address) {
        Some((Layer4::Tcp, at)) => TcpListener::bind(at).map(drop),
        Some((Layer4::Udp, at)) => UdpSocket::bind(at).map(drop),
        None => Ok(()),
    };
    bound.with_context(|| format!("cannot listen on {address}; to test a node that runs there use --check {address}"))
}

/// The sockets of the STUN servers.
async fn servers(native: &Native, named: &[(String, u16)]) -> anyhow::Result<Vec<SocketAddr>> {
    let found = join_all(named.iter().map(|(host, port)| server(native, host, *port))).await;
    Ok(found.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat())
}

async fn server(native: &Native, host: &str, port: u16) -> anyhow::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let looked_up = native.look_up(Lookup { name: host.to_owned(), records: Records::Any }).await;
    let records = looked_up.records.map_err(|fault| anyhow::anyhow!("{host}: {fault}")).context("cannot find the STUN server")?;
    let mut sockets: Vec<SocketAddr> = Vec::new();
    for record in records {
        if let Record::Ip(ip) = record
            && !sockets.iter().any(|known| known.is_ipv4() == ip.is_ipv4())
        {
            sockets.push(SocketAddr::new(ip, port));
        }
    }
    sockets.truncate(ADDRESSES);
    Ok(sockets)
}
