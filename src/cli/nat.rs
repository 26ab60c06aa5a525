//! `nat`: what the own network does to peers, from its arguments to its report.

use std::net::{TcpListener, UdpSocket};

use anyhow::Context as _;
use multiaddr::Multiaddr;

use super::{
    Exit,
    args::{Common, NatArgs},
    dial::{View, finish, watch},
    exit,
};
use crate::{
    model::{Layer4, socket_of},
    nat::measure::{self, Server, Tests},
    native::{Native, Settings},
};

pub(super) fn nat(args: &NatArgs, common: &Common) -> anyhow::Result<Exit> {
    let options = args.options();
    args.listen.iter().try_for_each(is_free)?;
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let view = View::new(args.report.format, args.report.output.as_deref(), &options, common)?;
    let settings = Settings { resolver: args.resolver, ..Settings::default() };
    let done = tokio.block_on(async {
        let native = Native::new(settings);
        let stun = args.stun.iter().map(|(host, port)| Server { host: host.clone(), port: *port });
        let tests = Tests::new(stun.collect(), args.listen.clone(), args.check.clone()).leave_gateways(args.no_port_mapping);
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
