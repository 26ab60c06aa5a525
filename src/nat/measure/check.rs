//! Dials from outside of a node that runs on this machine: the operator's first question.

use std::{net::IpAddr, time::Duration};

use futures::future::join_all;
use multiaddr::{Multiaddr, Protocol};

use super::{
    asked::{self, Dialed, Done},
    vantage::Vantage,
};
use crate::{
    engine::Notes,
    model::{Family, InboundBy, InboundSeen, Method, NatFound, Outcome, Transport, WhyCode},
    nat::dialback::By,
    native::Native,
    plan::{self, Parsed},
};

/// The time for a dial from outside, to its last stage.
const DIAL: Duration = Duration::from_secs(5);

/// Has every helper of the address's family dial it at the address that the helper sees this machine at. Others dial who asks, and
/// not a node beside it.
pub(super) async fn check(native: &Native, notes: &Notes, known: &[Vantage], address: &Multiaddr) {
    let Ok(Parsed::Route(route)) = plan::parse(address) else { return };
    let v4 = family(address) == Family::Ipv4;
    let layers: Multiaddr = address.iter().skip(1).collect();
    let vantages = known.iter().filter(|vantage| vantage.ip.is_ipv4() == v4);
    let dials = vantages.filter_map(|vantage| {
        let seen_at = vantage.sees_us_at()?;
        Some(dial(native, notes, vantage, seen_at, &layers, route.transport))
    });
    join_all(dials).await;
}

/// The family of a node's address.
pub(super) fn family(address: &Multiaddr) -> Family {
    if matches!(address.iter().next(), Some(Protocol::Ip4(_))) { Family::Ipv4 } else { Family::Ipv6 }
}

async fn dial(native: &Native, notes: &Notes, vantage: &Vantage, ip: IpAddr, layers: &Multiaddr, transport: Transport) {
    let done = match &vantage.helper {
        Some(_) => asked::dial(native, &vantage.opener, layers.to_string(), DIAL, By::You).await,
        None => Done::Nothing(WhyCode::NotOffered, Some("only `p2p-probe listen` dials a node beside the one that asks".into())),
    };
    let (name, from, outcome, stages, message) = match done {
        Done::Did(Dialed { vantage, from, outcome, stages }) => (vantage, from, outcome, stages, None),
        Done::Nothing(why, message) => (vantage.name.clone(), None, Outcome::unknown(why), Vec::new(), message),
    };
    // An attempt that did not come to an end says so itself.
    let outcome = if matches!(outcome, Outcome::Skipped { .. }) { Outcome::unknown(WhyCode::NotReached) } else { outcome };
    let family = if ip.is_ipv4() { "ip4" } else { "ip6" };
    let bare: Multiaddr = layers.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect();
    let by = InboundBy {
        method: Method::Check,
        vantage: name,
        from: from.map(|from| format!("/{}/{}", if from.is_ipv4() { "ip4" } else { "ip6" }, from.ip())),
        // What the node itself has sent to is not known here; that the vantage point was asked from here says nothing of its port.
        contacted_before: false,
        outcome,
        stages,
        message,
    };
    notes.found(NatFound::Inbound(InboundSeen { address: format!("/{family}/{ip}{bare}"), transport, by }));
}
