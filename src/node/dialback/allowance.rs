//! How much is sent to one address, and in all. Counted before anything is sent.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    net::IpAddr,
    rc::Rc,
    time::Duration,
};

use crate::{nat::dialback::Refusal, transport::quic::source};

/// What is counted is forgotten after this time.
const WINDOW: Duration = Duration::from_secs(60);
/// Different ports of one address in a window: a run tests four (UDP and TCP, the outside port and the own one), and its user may
/// repeat it. Neighbours behind one NAT cannot be told apart, and are scanned with no more than these.
const PORTS: usize = 8;
/// Requests for one address in a window: a run makes about ten.
const REQUESTS: usize = 60;
/// Requests for one address at work at once.
const AT_ONCE: usize = 8;
/// Requests for all in a window: 86 kB of datagrams.
const REQUESTS_IN_ALL: usize = 600;
/// Requests for all at work at once: each has a socket.
const AT_ONCE_IN_ALL: usize = 64;

/// What was done in the last window, and is being done.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// No more entries than requests are let in within a window.
    sources: HashMap<IpAddr, Source>,
    /// When each request was let in.
    pub(super) all: VecDeque<Duration>,
    at_once: usize,
}

#[derive(Debug, Default)]
struct Source {
    requests: VecDeque<(Duration, u16)>,
    at_once: usize,
}

/// A place among those at work, given back when dropped.
#[derive(Debug)]
pub(in crate::node) struct Place {
    allowance: Rc<RefCell<Allowance>>,
    source: IpAddr,
}

/// Lets a request in, or says why not. What is refused does not count.
pub(super) fn admit(allowance: &Rc<RefCell<Allowance>>, now: Duration, ip: IpAddr, port: u16) -> Result<Place, Refusal> {
    if port == 0 {
        return Err(Refusal::Malformed);
    }
    let source = source(ip);
    let mut state = allowance.borrow_mut();
    state.forget(now);
    if state.all.len() >= REQUESTS_IN_ALL || state.at_once >= AT_ONCE_IN_ALL {
        return Err(Refusal::Busy);
    }
    let known = state.sources.entry(source).or_default();
    let mut ports: Vec<u16> = known.requests.iter().map(|(_, port)| *port).chain([port]).collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.len() > PORTS {
        return Err(Refusal::TooManyPorts);
    }
    if known.requests.len() >= REQUESTS || known.at_once >= AT_ONCE {
        return Err(Refusal::TooOften);
    }
    known.requests.push_back((now, port));
    known.at_once += 1;
    state.all.push_back(now);
    state.at_once += 1;
    Ok(Place { allowance: Rc::clone(allowance), source })
}

impl Allowance {
    /// Forgets what is older than a window.
    fn forget(&mut self, now: Duration) {
        let old = |then: Duration| now.saturating_sub(then) >= WINDOW;
        while self.all.front().is_some_and(|then| old(*then)) {
            self.all.pop_front();
        }
        self.sources.retain(|_, source| {
            while source.requests.front().is_some_and(|(then, _)| old(*then)) {
                source.requests.pop_front();
            }
            source.at_once > 0 || !source.requests.is_empty()
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.allowance.borrow_mut();
        state.at_once -= 1;
        if let Some(source) = state.sources.get_mut(&self.source) {
            source.at_once -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn ip(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0x0b16_2100 + n).into()
    }

    #[test]
    fn one_address_has_eight_ports_a_minute() {
        let allowance = Rc::default();
        let ask = |now, ip, port| admit(&allowance, at(now), ip, port).map(drop);
        for port in 1..=8 {
            assert_eq!(ask(0, ip(1), port), Ok(()));
        }
        assert_eq!(ask(1, ip(1), 9), Err(Refusal::TooManyPorts));
        // Another address, and a port that was asked for before.
        assert_eq!(ask(1, ip(2), 9), Ok(()));
        assert_eq!(ask(59, ip(1), 8), Ok(()));
        assert_eq!(ask(60, ip(1), 9), Ok(()));
        assert_eq!(ask(0, ip(3), 0), Err(Refusal::Malformed));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let allowance = Rc::default();
        let host = |n: u16| IpAddr::from([0x2606, 0x4700, 0, 0, 0, 0, 0, n]);
        for n in 1..=8 {
            assert!(admit(&allowance, at(0), host(n), n).is_ok());
        }
        assert_eq!(admit(&allowance, at(0), host(9), 9).map(drop), Err(Refusal::TooManyPorts));
        let other = IpAddr::from([0x2606, 0x4700, 0, 1, 0, 0, 0, 9]);
        assert!(admit(&allowance, at(0), other, 9).is_ok());
    }

    #[test]
    fn one_address_has_its_share_of_requests() {
        let allowance = Rc::default();
        for _ in 0..REQUESTS {
            assert!(admit(&allowance, at(0), ip(1), 4001).is_ok());
        }
        assert_eq!(admit(&allowance, at(1), ip(1), 4001).map(drop), Err(Refusal::TooOften));
        assert!(admit(&allowance, at(1), ip(2), 4001).is_ok());
        let held: Vec<_> = (0..AT_ONCE).map(|_| admit(&allowance, at(100), ip(1), 4001).unwrap()).collect();
        assert_eq!(admit(&allowance, at(100), ip(1), 4001).map(drop), Err(Refusal::TooOften));
        drop(held);
        assert!(admit(&allowance, at(100), ip(1), 4001).is_ok());
    }

    #[test]
    fn all_together_have_a_share_and_what_is_old_is_forgotten() {
        let allowance = Rc::default();
        let ask = |now, n| admit(&allowance, at(now), ip(n), 4001).map(drop);
        for n in 0..u32::try_from(REQUESTS_IN_ALL).unwrap() {
            assert_eq!(ask(0, n), Ok(()));
        }
        assert_eq!(ask(59, 70_000), Err(Refusal::Busy));
        assert_eq!(allowance.borrow().sources.len(), REQUESTS_IN_ALL);
        assert_eq!(ask(60, 70_000), Ok(()));
        assert_eq!(allowance.borrow().sources.len(), 1);
        let held: Vec<_> =
            (0..AT_ONCE_IN_ALL).map(|n| admit(&allowance, at(200), ip(u32::try_from(n).unwrap()), 1).unwrap()).collect();
        assert_eq!(ask(200, 70_000), Err(Refusal::Busy));
        // What is held is not forgotten while it works.
        assert_eq!(ask(300, 70_000), Err(Refusal::Busy));
        drop(held);
        assert_eq!(ask(300, 70_000), Ok(()));
    }
}
