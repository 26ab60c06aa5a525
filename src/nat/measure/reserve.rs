//! Slots at relays: whether a vantage point that is a relay gives one, for how long and within which limits.

use std::{
    pin::pin,
    time::{Duration, SystemTime},
};

use futures::future::{Either, join_all, select};
use multiaddr::Protocol;

use super::vantage::Vantage;
use crate::{
    engine::{Notes, Runtime as _},
    fault::Fault,
    model::{Cause, NatFound, Outcome, Relay, Stamp},
    nat::relay::{self, Answer, HOP, Limits, Reservation},
    native::Native,
};

/// The time for one answer: a relay has nobody to ask.
const ANSWER: Duration = Duration::from_secs(5);
/// Addresses that are told of one relay.
const ADDRESSES: usize = 16;
/// The last second that a stamp can tell: that of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// Asks each relay for a slot, once. The slot is given back with the connection.
pub(super) async fn slots(native: &Native, notes: &Notes, known: &[Vantage], until: Duration) {
    let relays = known.iter().enumerate().filter(|(place, vantage)| {
        vantage.speaks(HOP) && known.iter().position(|other| other.name == vantage.name) == Some(*place)
    });
    join_all(relays.map(|(_, vantage)| slot(native, notes, vantage, until))).await;
}

async fn slot(native: &Native, notes: &Notes, vantage: &Vantage, until: Duration) {
    let left = until.saturating_sub(native.now());
    let answer = match select(pin!(relay::reserve(&vantage.opener)), native.sleep(ANSWER.min(left))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Cause::TimedOut.into()),
    };
    notes.found(NatFound::Relay(told(&vantage.name, answer)));
}

fn told(via: &str, answer: Result<(Answer, Reservation), Fault>) -> Relay {
    let none = Relay {
        via: via.to_owned(),
        outcome: Outcome::Passed,
        expires: None,
        limit_ms: None,
        limit_bytes: None,
        addresses: Vec::new(),
    };
    let failed = |cause| Relay { outcome: Outcome::failed(cause), ..none.clone() };
    let (Answer { limits: Limits { duration, bytes }, .. }, slot) = match answer {
        Ok((answer, slot)) => match answer.granted() {
            Ok(()) => (answer, slot),
            Err(cause) => return failed(cause),
        },
        Err(fault) => return failed(fault.cause),
    };
    // As a peer would dial it; some relays tell their own address alone.
    let through = |address: &multiaddr::Multiaddr| {
        let circuit = address.iter().any(|part| part == Protocol::P2pCircuit);
        if circuit { address.to_string() } else { format!("{address}/p2p-circuit") }
    };
    Relay {
        expires: slot.expires.and_then(moment),
        limit_ms: duration.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        limit_bytes: bytes,
        addresses: slot.addresses.iter().take(ADDRESSES).map(through).collect(),
        ..none
    }
}

/// A moment in seconds since 1970, if there is such a day.
fn moment(seconds: u64) -> Option<Stamp> {
    let sound = seconds <= LAST_SECOND;
    sound.then(|| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))).flatten().map(Stamp::at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(slot: Reservation, limits: Limits) -> Relay {
        told("r", Ok((Answer { status: 100, limits }, slot)))
    }

    #[test]
    fn what_a_relay_gives_is_told() {
        let address: multiaddr::Multiaddr = "/ip4/11.22.33.44/tcp/1".parse().unwrap();
        let slot = Reservation { expires: Some(1_767_323_045), addresses: vec![address; 20], voucher: false };
        let relay = granted(slot, Limits { duration: Some(Duration::from_secs(120)), bytes: Some(131_072) });
        assert_eq!(relay.outcome, Outcome::Passed);
        assert_eq!(relay.expires, Some(Stamp("2026-01-02T03:04:05.000Z".into())));
        assert_eq!((relay.limit_ms, relay.limit_bytes, relay.addresses.len()), (Some(120_000), Some(131_072), ADDRESSES));
        assert_eq!(relay.addresses[0], "/ip4/11.22.33.44/tcp/1/p2p-circuit");
    }

    #[test]
    fn a_day_that_no_calendar_has_is_not_told() {
        for seconds in [LAST_SECOND + 1, u64::MAX] {
            assert_eq!(
                granted(Reservation { expires: Some(seconds), ..Reservation::default() }, Limits::default()).expires,
                None
            );
        }
        assert!(moment(LAST_SECOND).is_some_and(|last| last.0.starts_with("9999-12-31")));
    }

    #[test]
    fn why_a_relay_gives_none_is_told() {
        let refused = |status| told("r", Ok((Answer { status, limits: Limits::default() }, Reservation::default()))).outcome;
        assert_eq!(refused(200), Outcome::failed(Cause::RelayRefused { status: 200 }));
        assert_eq!(refused(201), Outcome::failed(Cause::RelayLimit));
        assert_eq!(refused(202), Outcome::failed(Cause::RelayDenied));
        let fault = told("r", Err(Cause::Closed.into()));
        assert_eq!(fault.outcome, Outcome::failed(Cause::Closed));
    }
}
