//! Dials from outside of a node that runs on this machine: the operator's first question.

use std::time::Duration;

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
/// Who is told to have dialed, where there is nobody.
const NOBODY: &str = "nobody";

/// Has every helper of the address's family dial it at the address that the helper sees this machine at. Others dial who asks, and
/// not a node beside it.
pub(super) async fn check(native: &Native, notes: &Notes, known: &[Vantage], address: &Multiaddr) {
    let Ok(Parsed::Route(route)) = plan::parse(address) else { return };
    let v4 = family(address) == Family::Ipv4;
    let layers: Multiaddr = address.iter().skip(1).collect();
    let vantages: Vec<&Vantage> = known.iter().filter(|vantage| vantage.ip.is_ipv4() == v4).collect();
    if vantages.is_empty() {
        let words = format!("no vantage point was reached over {}", if v4 { "IPv4" } else { "IPv6" });
        let why = Outcome::unknown(WhyCode::TooFewVantages);
        told(notes, &bare(address), route.transport, by(NOBODY.into(), why, Some(words)));
    }
    let dials = vantages.into_iter().map(|vantage| dial(native, notes, vantage, address, &layers, route.transport));
    join_all(dials).await;
}

/// The family of a node's address.
pub(super) fn family(address: &Multiaddr) -> Family {
    if matches!(address.iter().next(), Some(Protocol::Ip4(_))) { Family::Ipv4 } else { Family::Ipv6 }
}

async fn dial(native: &Native, notes: &Notes, vantage: &Vantage, node: &Multiaddr, layers: &Multiaddr, transport: Transport) {
    let done = match &vantage.helper {
        Some(_) => asked::dial(native, &vantage.opener, layers.to_string(), DIAL, By::You).await,
        None => Done::Nothing(WhyCode::NotOffered, Some("only `p2p-probe listen` dials a node beside the one that asks".into())),
    };
    let by = match done {
        Done::Did(Dialed { vantage, from, outcome, stages }) => {
            // An attempt that did not come to an end says so itself.
            let skipped = matches!(outcome, Outcome::Skipped { .. });
            let outcome = if skipped { Outcome::unknown(WhyCode::NotReached) } else { outcome };
            let from = from.map(|from| format!("/{}/{}", if from.is_ipv4() { "ip4" } else { "ip6" }, from.ip()));
            InboundBy { from, stages, ..by(vantage, outcome, None) }
        }
        Done::Nothing(why, message) => by(vantage.name.clone(), Outcome::unknown(why), message),
    };
    // One that does not say where it sees this machine dialed nowhere else than that.
    let address = match vantage.sees_us_at() {
        Some(ip) => format!("/{}/{ip}{}", if ip.is_ipv4() { "ip4" } else { "ip6" }, bare(layers)),
        None => bare(node).to_string(),
    };
    told(notes, &address, transport, by);
}

/// What a vantage point says.
fn by(vantage: String, outcome: Outcome, message: Option<String>) -> InboundBy {
    // What the node itself has sent to is not known here; that the vantage point was asked from here says nothing of its port.
    InboundBy { method: Method::Check, vantage, from: None, contacted_before: false, outcome, stages: Vec::new(), message }
}

/// Without the peer: it is no part of the place.
fn bare(address: &Multiaddr) -> Multiaddr {
    address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect()
}

fn told(notes: &Notes, address: &impl ToString, transport: Transport, by: InboundBy) {
    notes.found(NatFound::Inbound(InboundSeen { address: address.to_string(), transport, by }));
}
