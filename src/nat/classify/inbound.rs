//! Whether others can dial, each address by itself.

use crate::model::{Inbound, InboundBy, InboundSeen, Method, Outcome, Transport, WhyCode};

/// The answers about each address, in the order of the first one. `own` tells whether an address is this machine's own, `sends`
/// whether what a vantage point sent over a transport may be taken to have left it.
pub(super) fn inbound(
    seen: &[&InboundSeen],
    own: impl Fn(&str) -> bool,
    sends: impl Fn(&str, Transport) -> bool,
) -> Vec<Inbound> {
    let mut all: Vec<(&str, Transport, Vec<InboundBy>)> = Vec::new();
    for seen in seen {
        match all.iter_mut().find(|(address, transport, _)| *address == seen.address && *transport == seen.transport) {
            Some((_, _, by)) => by.push(seen.by.clone()),
            None => all.push((&seen.address, seen.transport, vec![seen.by.clone()])),
        }
    }
    let told = |(address, transport, by): (&str, Transport, Vec<InboundBy>)| {
        let outcome = outcome(&by, own(address), |vantage| sends(vantage, transport));
        Inbound::new(address.to_owned(), transport, outcome, by)
    };
    all.into_iter().map(told).collect()
}

/// What the answers about one address come to.
fn outcome(by: &[InboundBy], own: bool, sends: impl Fn(&str) -> bool) -> Outcome {
    // That a datagram comes through promises no handshake.
    let dial = |by: &&InboundBy| by.method != Method::Datagrams;
    let passes = |contacted: bool| by.iter().filter(dial).any(|by| by.outcome.passed() && by.contacted_before == contacted);
    if passes(false) {
        return Outcome::Passed;
    }
    // A failure that is the vantage point's own says nothing.
    let failed = |by: &InboundBy| by.outcome.cause().is_some_and(|cause| !cause.is_ours());
    // A firewall without a NAT may let in only who was sent to as well. Where no stranger tried, who was sent to has to do.
    let strange = |by: &InboundBy| !by.contacted_before && (failed(by) || came_late(by));
    if own && passes(true) && !by.iter().any(strange) {
        return Outcome::Passed;
    }
    // Whoever dials a node does so where that is, of which the socket under test shows nothing.
    let shows = |by: &&InboundBy| {
        let strange = !by.contacted_before || !passes(true);
        failed(by) && strange && (by.method == Method::Check || sends(&by.vantage))
    };
    if let Some(failure) = by.iter().filter(shows).min_by_key(|by| (by.contacted_before, by.method == Method::Datagrams)) {
        return failure.outcome.clone();
    }
    if passes(true) {
        return Outcome::unknown(WhyCode::TooFewVantages);
    }
    let unknown = by.iter().map(|by| &by.outcome).find(|outcome| matches!(outcome, Outcome::Unknown { .. }));
    unknown.cloned().unwrap_or_else(|| Outcome::unknown(WhyCode::TooFewVantages))
}

/// Whether a stranger came through only when it was none any more.
fn came_late(by: &InboundBy) -> bool {
    matches!(&by.outcome, Outcome::Unknown { why } if why.code == WhyCode::TooFewVantages)
}
