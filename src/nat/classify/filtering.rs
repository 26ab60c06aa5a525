//! Who may answer to an outside address.

use crate::model::{Filtering, FilteringSeen, WhyCode};

/// What packets from outside come to. `straight` tells whether no NAT stands between, and `sends` whether what a vantage point sent may be taken to have left it.
pub(super) fn filtering(seen: &[&FilteringSeen], straight: bool, sends: impl Fn(&str) -> bool) -> (Filtering, Option<WhyCode>) {
    let any = |contacted: bool, arrived: bool| {
        seen.iter().any(|seen| {
            let ended = if arrived { seen.outcome.passed() } else { seen.outcome.cause().is_some() && sends(&seen.vantage) };
            seen.contacted_before == contacted && ended
        })
    };
    let stranger = (any(false, true), any(false, false));
    let known = (any(true, true), any(true, false));
    match (stranger, known) {
        // What arrives is proof; what does not may be lost.
        ((true, _), _) if straight => (Filtering::None, None),
        ((true, _), _) => (Filtering::EndpointIndependent, None),
        ((false, true), (true, _)) => (Filtering::AddressDependent, None),
        ((false, _), (false, true)) => (Filtering::AddressAndPortDependent, None),
        ((false, true), (false, false)) => (Filtering::EndpointDependent, None),
        ((false, false), (_, _)) => (Filtering::Unknown, Some(WhyCode::TooFewVantages)),
    }
}
