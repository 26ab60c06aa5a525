//! How much is sent to places that peers name. Nothing proves that these are their own, so each of them may be somebody's who
//! never asked for anything: what is sent to one of them, and to all, is counted before anything is sent.
//!
//! The protocol has no word for a refusal. Who is not punched to hears no CONNECT, which is what it hears of a peer that does
//! not punch holes; the operator finds the reason in the log.

use std::{
    cell::RefCell,
    collections::{HashSet, VecDeque},
    net::IpAddr,
    rc::Rc,
    time::Duration,
};

use libp2p_identity::PeerId;

use crate::{
    model::Micros,
    nat::punch::{MAX_PORTS, ROUNDS},
    transport::quic::source,
};

/// Peers punched to at once, from the first question to the last round.
const AT_ONCE: usize = 8;
/// What is counted is forgotten after this time.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses of one host (an IPv4 address or an IPv6 /64) that are sent to in a window, each for a round: all rounds with one
/// peer that is seen at as many ports of TCP and of QUIC as are heard.
const OF_ONE_HOST: usize = ROUNDS as usize * 2 * MAX_PORTS;
/// The same of all hosts: twenty peers with a port of each transport. With 50 packets of 64 bytes each, 384 kB.
const OF_ALL: usize = 120;

/// Who is punched to, and where packets went in the last window.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// No more than [`AT_ONCE`].
    peers: HashSet<PeerId>,
    /// No more than [`OF_ALL`].
    sent: VecDeque<(Micros, IpAddr)>,
}

/// A peer that is punched to, until this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    allowance: Rc<RefCell<Allowance>>,
    peer: PeerId,
}

/// Lets a peer be punched to: none while it is already, as over another relay, and while there are too many others.
pub(super) fn begin(allowance: &Rc<RefCell<Allowance>>, peer: PeerId) -> Option<Permit> {
    let mut state = allowance.borrow_mut();
    let room = state.peers.len() < AT_ONCE && state.peers.insert(peer);
    room.then(|| Permit { allowance: Rc::clone(allowance), peer })
}

impl Allowance {
    /// Whether one more address of this host may be sent to for a round. What is refused does not count.
    pub(super) fn take(&mut self, now: Micros, ip: IpAddr) -> bool {
        while self.sent.front().is_some_and(|(then, _)| now.since(*then) >= WINDOW.into()) {
            self.sent.pop_front();
        }
        let host = source(ip);
        let there = self.sent.iter().filter(|(_, known)| *known == host).count();
        let room = there < OF_ONE_HOST && self.sent.len() < OF_ALL;
        if room {
            self.sent.push_back((now, host));
        }
        room
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.allowance.borrow_mut().peers.remove(&self.peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Micros {
        Duration::from_secs(seconds).into()
    }

    fn taken(allowance: &mut Allowance, now: Micros, ips: impl Iterator<Item = IpAddr>) -> usize {
        ips.filter(|ip| allowance.take(now, *ip)).count()
    }

    #[test]
    fn so_many_are_punched_to_at_once_and_each_but_once() {
        let allowance = Rc::default();
        let mut permits: Vec<Permit> = (0..AT_ONCE).map(|_| begin(&allowance, PeerId::random()).unwrap()).collect();
        assert!(begin(&allowance, PeerId::random()).is_none());
        let peer = permits[0].peer;
        permits.truncate(1);
        assert!(begin(&allowance, peer).is_none());
        let other = begin(&allowance, PeerId::random());
        assert!(other.is_some());
        drop(permits);
        assert!(begin(&allowance, peer).is_some());
    }

    #[test]
    fn one_host_is_sent_to_so_often_whoever_names_it() {
        let mut allowance = Allowance::default();
        let host = |host| std::iter::repeat_n(IpAddr::from([11, 22, 33, host]), 50);
        assert_eq!(taken(&mut allowance, at(0), host(1)), OF_ONE_HOST);
        assert_eq!(taken(&mut allowance, at(59), host(1)), 0);
        assert_eq!(taken(&mut allowance, at(59), host(2)), OF_ONE_HOST);
        assert_eq!(taken(&mut allowance, at(60), host(1)), OF_ONE_HOST);
        // All addresses of an IPv6 network are one host's, and an IPv4 address is one however it is written.
        let six = (0..50).map(|last| IpAddr::from([0x2606, 0x4700, 0, 1, 0, 0, 0, last]));
        assert_eq!(taken(&mut allowance, at(60), six), OF_ONE_HOST);
        let mapped: IpAddr = "::ffff:11.22.33.2".parse().unwrap();
        assert_eq!(taken(&mut allowance, at(60), std::iter::once(mapped)), 0);
    }

    #[test]
    fn all_hosts_together_are_sent_to_so_often() {
        let mut allowance = Allowance::default();
        let hosts = || (0..250).map(|host| IpAddr::from([11, 22, 33, host]));
        assert_eq!(taken(&mut allowance, at(0), hosts()), OF_ALL);
        assert_eq!(taken(&mut allowance, at(59), hosts()), 0);
        assert_eq!(allowance.sent.len(), OF_ALL);
        assert_eq!(taken(&mut allowance, at(60), hosts()), OF_ALL);
    }
}
