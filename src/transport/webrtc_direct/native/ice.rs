//! ICE (RFC 8445) with one candidate on each side, on `is`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceConnectionState, Protocol};

use super::config;
use super::credentials::Credentials;

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
}

/// Type of a binding request (RFC 8489, section 5).
const REQUEST: [u8; 2] = [0, 1];

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
    /// of its own checks would be too long it sends none.
    pub(super) fn listen(credentials: &Credentials, remote: SocketAddr) -> Self {
        let mut ice = Self::new(credentials.server.clone(), credentials.client.clone(), remote);
        let username = credentials.server.ufrag.len() + 1 + credentials.client.ufrag.len();
        ice.agent.set_ice_lite(username > MAX_USERNAME);
        ice
    }

    fn new(local: is::IceCreds, theirs: is::IceCreds, remote: SocketAddr) -> Self {
        let ours = SocketAddr::new(label(remote, 1), 9);
        let mut agent = IceAgent::new(local);
        agent.set_remote_credentials(theirs);
        agent.set_initial_stun_rto(config::STUN_RTO);
        if let Ok(candidate) = Candidate::host(ours, Protocol::Udp) {
            agent.add_local_candidate(candidate);
        }
        Self { agent, ours, remote, alias: remote, requests: 0 }
    }

    /// Repeats a check that stays without an answer this often from now on.
    pub(super) fn ask_every(&mut self, interval: Duration) {
        self.agent.set_timing_advance(interval);
        self.agent.set_initial_stun_rto(interval);
        self.agent.set_max_stun_rto(interval);
    }

    /// Takes a datagram of the STUN class.
    pub(super) fn handle(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        let Ok(message) = StunMessage::parse(bytes) else { return };
        let source = if from == self.remote { self.alias } else { from };
        let packet = StunPacket { proto: Protocol::Udp, source, destination: self.ours, message };
        self.agent.handle_packet(now, packet);
        // An own check that it calls for leaves at once, not at the next tick.
        self.agent.handle_timeout(now);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
    }

    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        self.agent.poll_timeout()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let transmit = self.agent.poll_transmit()?;
        self.requests += usize::from(transmit.contents.starts_with(&REQUEST));
        let to = if transmit.destination == self.alias { self.remote } else { transmit.destination };
        Some((to, transmit.contents.into()))
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

    /// Whether an own check to this address was answered, so that it is no forged one.
    pub(super) fn is_validated(&self, remote: SocketAddr) -> bool {
        !self.agent.ice_lite() && self.agent.has_viable_remote_candidate(remote)
    }
}

/// An address that stands for an end, from the ranges for documentation (RFC 5737, RFC 3849).
fn label(like: SocketAddr, last: u8) -> IpAddr {
    match like {
        SocketAddr::V4(_) => Ipv4Addr::new(192, 0, 2, last).into(),
        SocketAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into()).into(),
    }
}
