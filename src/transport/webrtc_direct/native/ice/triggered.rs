//! Checks beside an agent that makes none itself: one for each that comes from where none of ours was answered yet (RFC 8445,
//! section 7.3.1.4).

use std::collections::VecDeque;
use std::net::SocketAddr;

use is::IceAgent;

use super::super::config::MAX_ADDRESSES;
use super::super::stun::{is_answer_signed_by, made};

#[derive(Debug)]
pub(super) struct Triggered {
    username: String,
    password: String,
    /// Those that were not sent yet.
    due: VecDeque<(SocketAddr, Vec<u8>)>,
    /// The last ones.
    answered: VecDeque<SocketAddr>,
}

impl Triggered {
    /// Beside this agent, if it knows the other side.
    pub(super) fn beside(agent: &IceAgent) -> Option<Self> {
        let (ours, theirs) = (agent.local_credentials(), agent.remote_credentials()?);
        let username = format!("{}:{}", theirs.ufrag, ours.ufrag);
        Some(Self { username, password: theirs.pass.clone(), due: VecDeque::new(), answered: VecDeque::new() })
    }

    /// A good check came from there.
    pub(super) fn asked(&mut self, from: SocketAddr) {
        if !self.is_answered(from) && self.due.len() < MAX_ADDRESSES {
            self.due.push_back((from, made::check(&self.username, &self.password, rand::random())));
        }
    }

    /// The next check to send.
    pub(super) fn poll(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.due.pop_front()
    }

    /// What was asked for there was answered from there.
    pub(super) fn heard(&mut self, from: SocketAddr, answer: &[u8]) {
        if !self.is_answered(from) && is_answer_signed_by(answer, &self.password) {
            self.answered.truncate(MAX_ADDRESSES - 1);
            self.answered.push_front(from);
        }
    }

    pub(super) fn is_answered(&self, address: SocketAddr) -> bool {
        self.answered.contains(&address)
    }
}
