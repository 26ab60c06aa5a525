//! How much is sent to places that peers name. Nothing proves that these are their own, so each of them may be somebody's who
//! never asked for anything: what is sent to one of them, and to all, is counted before anything is sent.
//!
//! The protocol has no word for a refusal. Who is not punched to hears no CONNECT, which is what it hears of a peer that does
//! not punch holes; the operator finds the reason in what the node tells of that dialer.

use std::{
    cell::RefCell,
    collections::{HashSet, VecDeque},
    net::{IpAddr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use libp2p_identity::PeerId;

use crate::{
    model::{Micros, Transport, WhyCode},
    nat::punch::{Hole, MAX_DIALS_OF_HOST, MAX_PORTS, ROUNDS},
    transport::quic::source,
};

/// Peers punched to at once, from the first question to the last round.
const AT_ONCE: usize = 8;
/// What is counted is forgotten after this time.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses of one host (an IPv4 address or an IPv6 /64) that are sent to over one transport in a window, each for a round: all
/// rounds with one peer that is seen at as many ports as are heard.
const OF_ONE_HOST: usize = ROUNDS as usize * MAX_PORTS;
/// Different places of one host in a window, of whatever transport: as dial-backs have it. A peer has two, and six where its NAT
/// maps per destination. Neighbours behind one NAT cannot be told apart, and are scanned with no more than these.
const PLACES: usize = 8;
/// Address and round of all hosts: twenty peers with a port of each transport. With 50 packets of 64 bytes each, 384 kB.
const OF_ALL: usize = 120;
/// TCP dials of one host in a window, those after a refusal with them. A host that only refuses gets no more packets than these.
const DIALS: usize = MAX_DIALS_OF_HOST as usize;
/// The same of all hosts.
const DIALS_OF_ALL: usize = 360;

/// Who is punched to, and where packets went in the last window.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// No more than [`AT_ONCE`].
    peers: HashSet<PeerId>,
    /// The host and the place of it; no more than [`OF_ALL`].
    sent: VecDeque<(Micros, IpAddr, Hole)>,
    /// No more than [`DIALS_OF_ALL`].
    dialed: VecDeque<(Micros, IpAddr)>,
}

/// A peer that is punched to, until this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    allowance: Rc<RefCell<Allowance>>,
    peer: PeerId,
}

/// Lets a peer be punched to, or says why not: it is punched to already, as over another relay, or too many others are.
pub(super) fn begin(allowance: &Rc<RefCell<Allowance>>, peer: PeerId) -> Result<Permit, WhyCode> {
    let mut state = allowance.borrow_mut();
    if state.peers.contains(&peer) {
        return Err(WhyCode::Duplicate);
    }
    if state.peers.len() >= AT_ONCE {
        return Err(WhyCode::OverLimit);
    }
    state.peers.insert(peer);
    Ok(Permit { allowance: Rc::clone(allowance), peer })
}

impl Allowance {
    /// Whether one more address may be sent to for a round. What is refused does not count.
    pub(super) fn take(&mut self, now: Micros, hole: Hole) -> bool {
        self.forget(now);
        let host = source(hole.at.ip());
        let place = Hole { at: SocketAddr::new(hole.at.ip().to_canonical(), hole.at.port()), ..hole };
        let there: Vec<Hole> = self.sent.iter().filter(|(_, known, _)| *known == host).map(|(.., hole)| *hole).collect();
        let alike = there.iter().filter(|known| known.transport == place.transport).count();
        let mut places = Vec::new();
        for known in there.iter().chain([&place]) {
            if !places.contains(known) {
                places.push(*known);
            }
        }
        let dialed = place.transport != Transport::Tcp || self.may_dial(host);
        let room = alike < OF_ONE_HOST && places.len() <= PLACES && self.sent.len() < OF_ALL && dialed;
        if room {
            self.sent.push_back((now, host, place));
        }
        room
    }

    /// Whether a host may be dialed once more over TCP. What is refused does not count.
    pub(super) fn dial(&mut self, now: Micros, ip: IpAddr) -> bool {
        self.forget(now);
        let host = source(ip);
        let room = self.may_dial(host);
        if room {
            self.dialed.push_back((now, host));
        }
        room
    }

    fn may_dial(&self, host: IpAddr) -> bool {
        self.dialed.iter().filter(|(_, known)| *known == host).count() < DIALS && self.dialed.len() < DIALS_OF_ALL
    }

    /// Forgets what is older than a window.
    fn forget(&mut self, now: Micros) {
        let old = |then: Micros| now.since(then) >= WINDOW.into();
        while self.sent.front().is_some_and(|(then, ..)| old(*then)) {
            self.sent.pop_front();
        }
        while self.dialed.front().is_some_and(|(then, _)| old(*then)) {
            self.dialed.pop_front();
        }
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

    fn hole(transport: Transport, ip: IpAddr, port: u16) -> Hole {
        Hole { transport, at: SocketAddr::new(ip, port) }
    }

    fn taken(allowance: &mut Allowance, now: Micros, holes: impl Iterator<Item = Hole>) -> usize {
        holes.filter(|hole| allowance.take(now, *hole)).count()
    }

    #[test]
    fn so_many_are_punched_to_at_once_and_each_but_once() {
        let allowance = Rc::default();
        let mut permits: Vec<Permit> = (0..AT_ONCE).map(|_| begin(&allowance, PeerId::random()).unwrap()).collect();
        assert_eq!(begin(&allowance, PeerId::random()).unwrap_err(), WhyCode::OverLimit);
        let peer = permits[0].peer;
        permits.truncate(1);
        assert_eq!(begin(&allowance, peer).unwrap_err(), WhyCode::Duplicate);
        let other = begin(&allowance, PeerId::random());
        assert!(other.is_ok());
        drop(permits);
        assert!(begin(&allowance, peer).is_ok());
    }

    #[test]
    fn one_host_is_sent_to_so_often_whoever_names_it() {
        let mut allowance = Allowance::default();
        let quic = |ip: IpAddr| std::iter::repeat_n(hole(Transport::Quic, ip, 443), 50);
        let host = |host| quic([11, 22, 33, host].into());
        assert_eq!(taken(&mut allowance, at(0), host(1)), OF_ONE_HOST);
        let tcp = std::iter::repeat_n(hole(Transport::Tcp, [11, 22, 33, 1].into(), 443), 50);
        assert_eq!(taken(&mut allowance, at(0), tcp), OF_ONE_HOST);
        assert_eq!(taken(&mut allowance, at(59), host(1)), 0);
        assert_eq!(taken(&mut allowance, at(59), host(2)), OF_ONE_HOST);
        assert_eq!(taken(&mut allowance, at(60), host(1)), OF_ONE_HOST);
        // An IPv4 address is one however it is written.
        assert_eq!(taken(&mut allowance, at(60), quic("::ffff:11.22.33.2".parse().unwrap())), 0);
    }

    #[test]
    fn so_many_places_of_a_host_are_sent_to() {
        let mut allowance = Allowance::default();
        let ip: IpAddr = [11, 22, 33, 1].into();
        let ports = || (1..=50).flat_map(|port| [Transport::Tcp, Transport::Quic].map(|transport| hole(transport, ip, port)));
        assert_eq!(taken(&mut allowance, at(0), ports()), PLACES);
        // Those that are known are sent to again.
        assert_eq!(taken(&mut allowance, at(59), ports()), PLACES);
        let sent: Vec<u16> = allowance.sent.iter().map(|(.., hole)| hole.at.port()).collect();
        assert_eq!(sent, [1, 1, 2, 2, 3, 3, 4, 4].repeat(2));
        // All addresses of an IPv6 network are one host's.
        let six = (1..=50).map(|last| hole(Transport::Quic, [0x2606, 0x4700, 0, 1, 0, 0, 0, last].into(), 443));
        assert_eq!(taken(&mut allowance, at(59), six), PLACES);
    }

    #[test]
    fn a_host_is_dialed_so_often_and_all_are() {
        let mut allowance = Allowance::default();
        let mut dialed = |now, host| (0..1000).filter(|_| allowance.dial(now, [11, 22, 33, host].into())).count();
        assert_eq!((dialed(at(0), 1), dialed(at(59), 1), dialed(at(60), 1)), (DIALS, 0, DIALS));
        let others: usize = (2..=100).map(|host| dialed(at(60), host)).sum();
        assert_eq!(others, DIALS_OF_ALL - DIALS);
        let [tcp, quic] = [Transport::Tcp, Transport::Quic].map(|transport| hole(transport, [11, 22, 33, 200].into(), 443));
        assert!(!allowance.take(at(61), tcp) && allowance.take(at(61), quic), "dials are left for nobody");
    }

    #[test]
    fn all_hosts_together_are_sent_to_so_often() {
        let mut allowance = Allowance::default();
        let hosts = || (0..250).map(|host| hole(Transport::Quic, [11, 22, 33, host].into(), 443));
        assert_eq!(taken(&mut allowance, at(0), hosts()), OF_ALL);
        assert_eq!(taken(&mut allowance, at(59), hosts()), 0);
        assert_eq!(allowance.sent.len(), OF_ALL);
        assert_eq!(taken(&mut allowance, at(60), hosts()), OF_ALL);
    }
}
