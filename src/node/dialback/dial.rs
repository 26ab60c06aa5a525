//! A dial of the asker, as libp2p does it.

use std::{net::IpAddr, pin::pin, time::Duration};

use futures::future::{Either, select};
use libp2p_identity::Keypair;
use multiaddr::{Multiaddr, Protocol};

use super::Towards;
use crate::{
    engine::{Ctx, Cut, Log, Record},
    model::{Direction, Fact, Options, Outcome, Source, StageName, Transport, WhyCode, socket_of},
    nat::dialback::{Answer, Refusal},
    native::{Native, network},
    plan::{self, Host, Parsed, Planned, Route},
    probe::{self, Machine},
};

/// The longest address: a peer ID and two certhashes fit.
const MAX_LAYERS: usize = 400;

/// Where layers lead at an address. Names, other addresses and relays are nowhere.
pub(in crate::node) fn route(ip: IpAddr, layers: &str) -> Result<(Route, Multiaddr), Refusal> {
    let family = if ip.is_ipv4() { "ip4" } else { "ip6" };
    let sound = layers.len() <= MAX_LAYERS && (layers.starts_with("/tcp/") || layers.starts_with("/udp/"));
    let remote: Option<Multiaddr> = sound.then(|| format!("/{family}/{ip}{layers}").parse().ok()).flatten();
    let remote = remote.ok_or(Refusal::Malformed)?;
    // What stands behind the port says how to dial it: an address, a name or a relay there would be somebody else's.
    let once = |part: &Protocol<'_>| {
        !matches!(
            part,
            Protocol::Ip4(_)
                | Protocol::Ip6(_)
                | Protocol::Ip6zone(_)
                | Protocol::Dns(_)
                | Protocol::Dns4(_)
                | Protocol::Dns6(_)
                | Protocol::Dnsaddr(_)
                | Protocol::P2pCircuit
        )
    };
    if !remote.iter().skip(1).all(|part| once(&part)) {
        return Err(Refusal::Malformed);
    }
    match plan::parse(&remote) {
        Ok(Parsed::Route(route))
            if route.port != 0 && matches!(&route.host, Host::Ip(host, None) if *host == ip) && dialable(route.transport) =>
        {
            Ok((route, remote))
        }
        _ => Err(Refusal::Malformed),
    }
}

fn dialable(transport: Transport) -> bool {
    Native::TRANSPORTS.contains(&transport) && transport != Transport::Relay
}

/// Dials, and tells every stage.
pub(super) async fn dial(
    native: &Native,
    identity: &Keypair,
    towards: Towards,
    route: Route,
    remote: &Multiaddr,
    within: Duration,
) -> Answer {
    let vantage = identity.public().to_peer_id().to_base58();
    let clock = native.clone();
    let log = Log::new(Box::new(move || clock.elapsed()));
    log.emit(log.now(), planned(&route, remote));
    let record = Record::new(&log, 1);
    let planned = Planned { id: 1, ip: Some(towards.ip), zone: None, expected: route.peer, version: None, route };
    let from = towards.from.filter(|from| from.is_ipv4() == towards.ip.is_ipv4());
    let machine = Machine::new(native.clock(), from, Some(identity.clone()), network::zone_index);
    let options = Options { pings: 0, announced: false, learn_certhash: true, timeout_ms: within.into(), ..Options::default() };
    let ctx = Ctx::alone(&record);
    let probe = pin!(probe::dial(&machine, &ctx, &planned, &options));
    match select(probe, pin!(crate::native::sleep(within))).await {
        Either::Left((result, _)) => record.end(result),
        Either::Right(_) => record.cut(Cut::TimedOut),
    }
    let (outcome, stages) = log.report(|report| match report.attempt(1) {
        Some(attempt) => (attempt.outcome.clone(), attempt.stages.clone()),
        None => (Outcome::unknown(WhyCode::NotReached), Vec::new()),
    });
    let connect = stages.iter().find(|stage| stage.stage == StageName::Connect);
    let local = connect.and_then(|stage| stage.found.local.as_deref()?.parse().ok());
    let from = local.as_ref().and_then(socket_of).map(|(_, from)| from);
    Answer::Dialed { vantage, from, outcome, stages }
}

fn planned(route: &Route, remote: &Multiaddr) -> Fact {
    Fact::AttemptPlanned {
        attempt: 1,
        address: remote.to_string(),
        remote: Some(remote.to_string()),
        names: Vec::new(),
        transport: Some(route.transport),
        source: Source::Target,
        direction: Direction::Outbound,
        version: None,
        why: None,
        cause: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_lead_to_the_asker_and_nowhere_else() {
        let ip: IpAddr = "11.22.33.9".parse().unwrap();
        let peer = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";
        for good in ["/tcp/4001", "/tcp/4001/ws", "/udp/4001/quic-v1", "/udp/4001/webrtc-direct"] {
            for layers in [good.to_owned(), format!("{good}/p2p/{peer}")] {
                let (route, remote) = route(ip, &layers).unwrap();
                assert_eq!((route.host, route.port), (Host::Ip(ip, None), 4001), "{layers}");
                assert!(remote.to_string().starts_with("/ip4/11.22.33.9/"));
            }
        }
        let bad = [
            String::new(),
            "/tcp/0".into(),
            "/tcp/65536".into(),
            "/tcp".into(),
            "/udp/4001".into(),
            "/udp/4001/quic".into(),
            "/ip4/1.2.3.4/tcp/4001".into(),
            "/tcp/4001/ip4/1.2.3.4/tcp/80".into(),
            "/tcp/4001/dns4/victim.example/tcp/80".into(),
            format!("/tcp/4001/p2p/{peer}/p2p-circuit"),
            format!("/tcp/4001/p2p/{peer}/p2p-circuit/p2p/{peer}"),
            ".1/tcp/4001".into(),
            "1/tcp/4001".into(),
            format!("/tcp/4001{}", "/ws".repeat(200)),
        ];
        for layers in bad {
            assert_eq!(route(ip, &layers).unwrap_err(), Refusal::Malformed, "{layers}");
        }
    }
}
