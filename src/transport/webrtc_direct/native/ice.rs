//! ICE (RFC 8445) with one candidate on each side, on `is`.

mod triggered;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceConnectionState, Protocol};

use super::config;
use super::credentials::Credentials;
use triggered::Triggered;

/// `is` writes no longer USERNAME than this and panics instead.
const MAX_USERNAME: usize = 128;

/// An agent and what it calls the two ends. There is one socket, so the own end needs no address: a wildcard would be no
/// candidate. The other end has its own, unless that is link-local, which `is` refuses.
pub(super) struct Ice {
    agent: IceAgent,
    ours: SocketAddr,
    remote: SocketAddr,
    alias: SocketAddr,
    /// Checks that were sent.
    pub(super) requests: usize,
    /// The last of them: an answer has to come from where its check was sent to (RFC 8445, section 7.2.5.2.1).
    asked: VecDeque<(Transaction, SocketAddr)>,
    /// Our checks where the agent makes none.
    triggered: Option<Triggered>,
    /// Where an agent before this one was answered from, and until when that counts.
    consents: Vec<(SocketAddr, Instant)>,
}

/// A transaction's id (RFC 8489, section 5), which its answer repeats, and where it stands.
type Transaction = [u8; 12];
const TRANSACTION: std::ops::Range<usize> = 8..20;

/// Checks whose answers are taken: three on their way to each address that a dialer may have.
const ASKED: usize = 3 * config::MAX_ADDRESSES;

/// Addresses that an agent is asked from before another takes its place.
const MOST_REMOTES: usize = 4 * config::MAX_ADDRESSES;

/// How long an answer lets the other side be sent to (RFC 7675, section 5.1).
const CONSENT: Duration = Duration::from_secs(30);

/// Type of a binding request (RFC 8489, section 5).
const REQUEST: [u8; 2] = [0, 1];
/// Those of its answers, good and bad.
const ANSWERS: [[u8; 2]; 2] = [[1, 1], [1, 0x11]];

/// What the agent learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The other side answered a check.
    Answered,
    /// It answers no more.
    Lost,
}

impl Ice {
    /// The controlling agent of a dialer. Its first check leaves with the next [`Ice::handle_timeout`].
    pub(super) fn dial(credentials: &Credentials, remote: SocketAddr) -> Self {
        let mut ice = Self::new(credentials.client.clone(), credentials.server.clone(), remote);
        ice.agent.set_controlling(true);
        let alias = if let Ok(candidate) = Candidate::host(remote, Protocol::Udp) {
            ice.agent.add_remote_candidate(candidate);
            remote
        } else {
            let alias = SocketAddr::new(label(remote, 2), remote.port());
            if let Ok(candidate) = Candidate::host(alias, Protocol::Udp) {
                ice.agent.add_remote_candidate(candidate);
            }
            alias
        };
        ice.alias = alias;
        ice
    }

    /// The controlled agent of a listener. It is a full one, since pion waits 200 ms for a lite one; but where the USERNAME
    /// of its own checks would be too long for it, it is lite, and they are made here.
    pub(super) fn listen(credentials: &Credentials, remote: SocketAddr) -> Self {
        let mut ice = Self::new(credentials.server.clone(), credentials.client.clone(), remote);
        let username = credentials.server.ufrag.len() + 1 + credentials.client.ufrag.len();
        if username > MAX_USERNAME {
            ice.be_lite();
        }
        ice
    }

    pub(super) fn be_lite(&mut self) {
        self.agent.set_ice_lite(true);
        self.triggered = Triggered::beside(&self.agent);
    }

    fn new(local: is::IceCreds, theirs: is::IceCreds, remote: SocketAddr) -> Self {
        let ours = SocketAddr::new(label(remote, 1), 9);
        Self {
            agent: agent(local, theirs, ours),
            ours,
            remote,
            alias: remote,
            requests: 0,
            asked: VecDeque::new(),
            triggered: None,
            consents: Vec::new(),
        }
    }

    /// Repeats a check that stays without an answer this often from now on.
    pub(super) fn ask_every(&mut self, interval: Duration) {
        self.agent.set_timing_advance(interval);
        self.agent.set_initial_stun_rto(interval);
        self.agent.set_max_stun_rto(interval);
    }

    /// Takes a datagram of the STUN class.
    pub(super) fn handle(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if !self.was_asked(from, bytes) {
            return;
        }
        if let Some(triggered) = self.triggered.as_mut().filter(|_| is_answer(bytes)) {
            return triggered.heard(from, bytes);
        }
        if self.agent.remote_candidates().count() >= MOST_REMOTES {
            self.begin_anew(now);
        }
        let Ok(message) = StunMessage::parse(bytes) else { return };
        let source = if from == self.remote { self.alias } else { from };
        let packet = StunPacket { proto: Protocol::Udp, source, destination: self.ours, message };
        let good = self.agent.handle_packet(now, packet);
        if let Some(triggered) = self.triggered.as_mut().filter(|_| good) {
            triggered.asked(from);
        }
        // An own check that it calls for leaves at once, not at the next tick.
        self.handle_timeout(now);
    }

    /// An agent keeps all addresses that it was ever asked from, and looks at each of them whatever comes. The next one has those
    /// that are in use after their next check.
    fn begin_anew(&mut self, now: Instant) {
        let Some(theirs) = self.agent.remote_credentials().cloned() else { return };
        let mut agent = agent(self.agent.local_credentials().clone(), theirs, self.ours);
        agent.set_ice_lite(self.agent.ice_lite());
        agent.set_controlling(self.agent.controlling());
        let old = std::mem::replace(&mut self.agent, agent);
        let answered =
            old.remote_candidates().map(|candidate| candidate.addr()).filter(|at| old.has_viable_remote_candidate(*at));
        let mut consents: Vec<_> = answered.map(|at| (at, now + CONSENT)).collect();
        consents.reverse();
        let before = self.consents.iter().filter(|(at, until)| *until > now && !consents.iter().any(|(other, _)| other == at));
        consents.extend(before.copied().collect::<Vec<_>>());
        consents.truncate(config::MAX_ADDRESSES);
        self.consents = consents;
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.consents.retain(|(_, until)| *until > now);
        // `is` draws a check's transaction from a generator that is not for secrets: who has seen one could compute those that
        // go elsewhere, and answer them in another's name. One check at most is made here, so that none shares a seed.
        fastrand::seed(rand::random());
        self.agent.handle_timeout(now);
    }

    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        self.agent.poll_timeout()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let transmit = self.agent.poll_transmit().map(|transmit| (transmit.destination, transmit.contents.into()));
        let (to, bytes): (_, Vec<u8>) = transmit.or_else(|| self.triggered.as_mut()?.poll())?;
        let to = if to == self.alias { self.remote } else { to };
        if let Some(id) = transaction(&bytes).filter(|_| bytes.starts_with(&REQUEST)) {
            self.requests += 1;
            self.asked.truncate(ASKED - 1);
            self.asked.push_front((id, to));
        }
        Some((to, bytes))
    }

    /// Whether it is no answer, or one from where it was asked for.
    fn was_asked(&self, from: SocketAddr, bytes: &[u8]) -> bool {
        !is_answer(bytes) || transaction(bytes).is_some_and(|id| self.asked.contains(&(id, from)))
    }

    pub(super) fn poll(&mut self) -> Option<Seen> {
        loop {
            match self.agent.poll_event()? {
                IceAgentEvent::NominatedSend { .. } => return Some(Seen::Answered),
                IceAgentEvent::IceConnectionStateChange(IceConnectionState::Disconnected) => return Some(Seen::Lost),
                _ => {}
            }
        }
    }

    /// Whether an own check to this address was answered from there, so that it is no forged one.
    pub(super) fn is_validated(&self, remote: SocketAddr) -> bool {
        match &self.triggered {
            Some(triggered) => triggered.is_answered(remote),
            None => self.agent.has_viable_remote_candidate(remote) || self.consents.iter().any(|(address, _)| *address == remote),
        }
    }
}

fn agent(local: is::IceCreds, theirs: is::IceCreds, ours: SocketAddr) -> IceAgent {
    let mut agent = IceAgent::new(local);
    agent.set_remote_credentials(theirs);
    agent.set_initial_stun_rto(config::STUN_RTO);
    if let Ok(candidate) = Candidate::host(ours, Protocol::Udp) {
        agent.add_local_candidate(candidate);
    }
    agent
}

fn is_answer(bytes: &[u8]) -> bool {
    ANSWERS.iter().any(|kind| bytes.starts_with(kind))
}

fn transaction(bytes: &[u8]) -> Option<Transaction> {
    bytes.get(TRANSACTION)?.try_into().ok()
}

/// An address that stands for an end, from the ranges for documentation (RFC 5737, RFC 3849).
fn label(like: SocketAddr, last: u8) -> IpAddr {
    match like {
        SocketAddr::V4(_) => Ipv4Addr::new(192, 0, 2, last).into(),
        SocketAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::credentials::Version;
    use super::super::shared::now;
    use super::*;

    /// Who hears a check that was sent elsewhere proves nothing about where it was sent to.
    #[test]
    fn an_answer_counts_from_where_it_was_asked_for() {
        let (there, elsewhere) = ("192.0.2.9:1000".parse().unwrap(), "192.0.2.10:1000".parse().unwrap());
        let here = "192.0.2.8:1000".parse().unwrap();
        let (credentials, now) = (Credentials::dial(Version::V2), now());
        let mut dialer = Ice::dial(&credentials, here);
        let mut listener = Ice::listen(&credentials, there);
        dialer.handle_timeout(now);
        listener.handle_timeout(now);
        let (_, check) = dialer.poll_transmit().unwrap();
        listener.handle(now, there, &check);
        while let Some((to, datagram)) = listener.poll_transmit() {
            assert_eq!(to, there);
            dialer.handle(now, here, &datagram);
        }
        let answer = std::iter::from_fn(|| dialer.poll_transmit()).find(|(_, datagram)| datagram.starts_with(&ANSWERS[0]));
        let (_, answer) = answer.unwrap();
        listener.handle(now, elsewhere, &answer);
        assert!(!listener.is_validated(there) && !listener.is_validated(elsewhere));
        listener.handle(now, there, &answer);
        assert!(listener.is_validated(there) && !listener.is_validated(elsewhere));
    }

    /// A dialer may come from as many addresses as it likes, and costs no more by it.
    #[test]
    fn addresses_without_end_are_bounded_and_who_answered_stays() {
        let (here, there) = ("192.0.2.8:1000".parse().unwrap(), "192.0.2.9:1000".parse().unwrap());
        let (credentials, now) = (Credentials::dial(Version::V2), now());
        let (mut dialer, mut listener) = (Ice::dial(&credentials, here), Ice::listen(&credentials, there));
        dialer.handle_timeout(now);
        listener.handle_timeout(now);
        let (_, check) = dialer.poll_transmit().unwrap();
        let answered = |dialer: &mut Ice, listener: &mut Ice, from| {
            listener.handle(now, from, &check);
            while let Some((to, datagram)) = listener.poll_transmit() {
                if to == from {
                    dialer.handle(now, here, &datagram);
                }
            }
            while let Some((_, datagram)) = dialer.poll_transmit() {
                listener.handle(now, from, &datagram);
            }
        };
        answered(&mut dialer, &mut listener, there);
        assert!(listener.is_validated(there));
        for port in 1..10_000 {
            listener.handle(now, SocketAddr::from(([198, 51, 100, 7], port)), &check);
            while listener.poll_transmit().is_some() {}
            assert!(
                listener.agent.remote_candidates().count() <= MOST_REMOTES && listener.consents.len() <= config::MAX_ADDRESSES
            );
        }
        assert!(listener.is_validated(there) && !listener.is_validated("198.51.100.7:9999".parse().unwrap()));
        let elsewhere = "192.0.2.10:1000".parse().unwrap();
        answered(&mut dialer, &mut listener, elsewhere);
        assert!(listener.is_validated(elsewhere));
        listener.handle_timeout(now + CONSENT);
        assert!(!listener.is_validated(there), "it has answered no check since");
    }

    /// A check proves an address by a number that is known nowhere else.
    #[test]
    fn a_transaction_cannot_be_computed_from_what_was_seen_before() {
        let first = || {
            fastrand::seed(7);
            let mut dialer = Ice::dial(&Credentials::dial(Version::V2), "192.0.2.8:1000".parse().unwrap());
            dialer.handle_timeout(now());
            transaction(&dialer.poll_transmit().unwrap().1)
        };
        assert_ne!(first(), first());
    }
}
