//! Connections made for somebody else's work: tests of the own network ask their vantage points over them.

use std::{net::IpAddr, ops::AsyncFnOnce, rc::Rc};

use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;

use super::{Dial, Machine, connect, session};
use crate::{
    engine::{Ctx, Fault, Log, Record, Runtime as _},
    model::{Cause, Options},
    native::{Native, network},
    plan::{self, Host, Parsed, Planned, Record as DnsRecord, Route},
    session::Session,
};

/// Makes one connection, tries it, and lends it until `work` is done, which belongs to no stage.
pub(crate) async fn lend(
    machine: &Machine,
    ctx: &Ctx,
    planned: &Planned,
    options: &Options,
    work: impl AsyncFnOnce(&Session, PeerId),
) -> Result<(), Fault> {
    let dial = Dial { machine, ctx, planned, options };
    let tried = async |session: &Session, peer| {
        let tried = session::try_out(dial, session, peer).await;
        let works = tried.is_ok();
        ctx.end(tried);
        if works {
            work(session, peer).await;
        }
        Ok(())
    };
    connect(dial).await?.used(tried).await
}

/// The same for an address outside of any run, without a look at what the connection is good for. A name leads to the first of
/// its addresses.
pub(crate) async fn lend_once<T>(
    native: &Native,
    identity: &Keypair,
    address: &Multiaddr,
    work: impl AsyncFnOnce(&Session, PeerId) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let (route, ip, zone) = resolved(native, address).await?;
    let planned = Planned { id: 1, ip: Some(ip), zone, expected: route.peer, version: None, route };
    let machine = Machine::new(native.clock(), None, Some(identity.clone()), network::zone_index);
    lend_at(native, &machine, &planned, work).await
}

/// The same where it is known how to dial.
pub(crate) async fn lend_at<T>(
    native: &Native,
    machine: &Machine,
    planned: &Planned,
    work: impl AsyncFnOnce(&Session, PeerId) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let clock = native.clone();
    let ctx = Ctx::alone(&Record::new(&Log::new(Box::new(move || clock.elapsed())), 1));
    let options = Options::default();
    let dial = Dial { machine, ctx: &ctx, planned, options: &options };
    let mut done = None;
    let slot = &mut done;
    let used = connect(dial).await?.used(async |session: &Session, peer| {
        *slot = Some(work(session, peer).await);
        Ok(())
    });
    used.await?;
    // Who answered is not the one expected, or fell silent before the work began.
    done.unwrap_or_else(|| Err(Cause::Closed.into()))
}

async fn resolved(native: &Native, address: &Multiaddr) -> Result<(Route, IpAddr, Option<String>), Fault> {
    let Parsed::Route(route) = plan::parse(address)? else {
        return Err(Cause::UnsupportedAddress { part: "/dnsaddr".into() }.into());
    };
    let (ip, zone) = match route.host.clone() {
        Host::Ip(ip, zone) => (ip, zone),
        Host::Name(lookup) => {
            let records = Rc::new(native.clone()).look_up(lookup).await.records?;
            let ip = records.iter().find_map(|record| match record {
                DnsRecord::Ip(ip) => Some(*ip),
                DnsRecord::Address(_) => None,
            });
            (ip.ok_or_else(|| Cause::NameHasNoAddress { family: "any".into() })?, None)
        }
    };
    Ok((route, ip, zone))
}
