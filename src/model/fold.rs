//! `Report::apply`: how an event changes what is known. Nobody else interprets events.

use std::collections::BTreeMap;

use super::{
    Announced, Attempt, Direction, Event, Fact, Found, Leg, Micros, NameResolved, Outcome, Peer, Report, Stage, StageName,
    TargetKind, TransportStatus, Transports, WhyCode,
};
use crate::{
    diagnose,
    nat::classify::{self, Observed},
};

/// What the fold has to remember and readers do not need.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Memory {
    names: BTreeMap<String, NameResolved>,
    capabilities: Vec<super::Transport>,
    /// What was seen of the own network.
    network: Observed,
}

impl Report {
    /// The report of these events.
    #[must_use]
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut report = Self::default();
        for event in events {
            report.apply(event);
        }
        report
    }

    /// Adds a fact to what is known. An event about an attempt that was never planned changes nothing.
    pub fn apply(&mut self, event: &Event) {
        self.elapsed_ms = self.elapsed_ms.max(event.t_ms);
        match &event.fact {
            Fact::RunStarted { schema, tool, started, target, options, capabilities } => {
                self.schema.clone_from(schema);
                self.tool.clone_from(tool);
                self.started.clone_from(started);
                self.target.clone_from(target);
                self.options.clone_from(options);
                self.memory.capabilities.clone_from(capabilities);
            }
            Fact::LocalNetwork { sources, udp_receive_buffer, .. } => {
                self.memory.network.local_network(sources, *udp_receive_buffer);
                self.classify();
            }
            Fact::NatFound(found) => {
                self.memory.network.add(found);
                self.classify();
            }
            Fact::NameResolved(resolved) => {
                self.memory.names.insert(resolved.name.clone(), resolved.clone());
            }
            Fact::AttemptPlanned { .. } => self.attempt_planned(&event.fact),
            Fact::AttemptStarted { attempt } => {
                if let Some(attempt) = self.attempt_mut(*attempt) {
                    attempt.start_ms = Some(event.t_ms);
                }
            }
            Fact::StageStarted { attempt, leg, stage } => {
                if let Some(attempt) = self.attempt_mut(*attempt) {
                    attempt.stages.push(Stage::begun(*stage, *leg, event.t_ms));
                }
            }
            Fact::StageEnded { attempt, leg, stage, outcome, found, message } => {
                self.stage_ended(event.t_ms, *attempt, (*leg, *stage), outcome, found, message.as_ref());
                if *stage == StageName::Identify {
                    self.glimpse(*attempt);
                }
            }
            Fact::PeerIdentified { .. } => self.peer_identified(&event.fact),
            Fact::AttemptEnded { attempt, why } => {
                if let Some(attempt) = self.attempt_mut(*attempt) {
                    attempt.elapsed_ms = attempt.start_ms.map(|start| event.t_ms.since(start));
                    attempt.outcome = why.clone().map_or_else(|| outcome_of(attempt), |why| Outcome::Unknown { why });
                }
            }
            Fact::RunEnded { complete } => {
                self.complete = *complete;
                self.transports = Transports::each(|transport| self.status_of(transport));
                self.verdict = Some(diagnose::diagnose(self));
            }
            Fact::ListenerSaw { attempt } => self.listener_saw(attempt),
            Fact::Report { .. } | Fact::Listening { .. } | Fact::Page { .. } => {}
        }
    }

    /// The latest that is known of one of the dials at the other end.
    fn listener_saw(&mut self, attempt: &Attempt) {
        let attempts = &mut self.listener.get_or_insert_default().attempts;
        match attempts.iter_mut().find(|known| known.id == attempt.id) {
            Some(known) => known.clone_from(attempt),
            None => attempts.push(attempt.clone()),
        }
    }

    fn attempt_mut(&mut self, id: u32) -> Option<&mut Attempt> {
        let index = self.attempts.binary_search_by_key(&id, |attempt| attempt.id).ok()?;
        self.attempts.get_mut(index)
    }

    fn classify(&mut self) {
        self.nat = Some(classify::classify(&self.memory.network));
    }

    /// What an attempt shows of the own network by the way.
    fn glimpse(&mut self, id: u32) {
        let Some(attempt) = self.attempt(id).filter(|attempt| attempt.direction == Direction::Outbound) else { return };
        let own = || attempt.stages.iter().filter(|stage| stage.leg.is_none());
        let local = own().find_map(|stage| stage.found.local.clone());
        let observed = own().find_map(|stage| stage.found.observed.clone());
        let (Some(local), Some(observed), Some(peer)) = (local, observed, attempt.peer().map(ToOwned::to_owned)) else { return };
        // Where the runtime tells nothing of the own network, nothing is to be compared with.
        if self.nat.is_some() && self.memory.network.glimpse(&local, &observed, &peer) {
            self.classify();
        }
    }

    fn attempt_planned(&mut self, fact: &Fact) {
        let Fact::AttemptPlanned { attempt, address, remote, names, transport, source, direction, version, why, cause } = fact
        else {
            return;
        };
        let outcome = match (why, cause) {
            (Some(why), _) => Outcome::Skipped { why: why.clone() },
            (None, Some(cause)) => Outcome::failed(cause.clone()),
            (None, None) => Outcome::unknown(WhyCode::NotReached),
        };
        let mut stages: Vec<Stage> = self.shared_resolve(names).into_iter().collect();
        // A limit of look-ups fails the look-up. An address that cannot be dialed was looked up all the same.
        if let (Some(cause), Some(stage)) = (cause, stages.last_mut())
            && cause.stages().contains(&stage.stage)
        {
            stage.outcome = Outcome::failed(cause.clone());
        }
        let planned = Attempt {
            id: *attempt,
            direction: *direction,
            source: *source,
            transport: *transport,
            address: address.clone(),
            remote: remote.clone(),
            names: names.clone(),
            version: version.clone(),
            outcome,
            start_ms: None,
            elapsed_ms: None,
            stages,
        };
        for peer in &mut self.peers {
            link(&mut peer.announced, std::slice::from_ref(&planned));
        }
        // Ids rise in the order planned. A listener folds each dialer by itself, so they need not begin with 1.
        if self.attempts.last().is_none_or(|last| last.id < *attempt) {
            self.attempts.push(planned);
        }
    }

    /// The look-ups that led to an address, as its first stage: from the first that began to the last that ended.
    fn shared_resolve(&self, names: &[String]) -> Option<Stage> {
        let looked_up: Vec<&NameResolved> = names.iter().filter_map(|name| self.memory.names.get(name)).collect();
        let (first, last) = (looked_up.first()?, looked_up.last()?);
        let mut stage = Stage::begun(StageName::Resolve, None, first.start_ms);
        stage.elapsed_ms = Some((last.start_ms + last.elapsed_ms).since(first.start_ms));
        stage.shared = true;
        stage.outcome = last.outcome.clone();
        stage.found = last.found.clone();
        stage.message.clone_from(&last.message);
        Some(stage)
    }

    fn stage_ended(
        &mut self,
        now: Micros,
        id: u32,
        (leg, name): (Option<Leg>, StageName),
        outcome: &Outcome,
        found: &Found,
        message: Option<&String>,
    ) {
        let Some(attempt) = self.attempt_mut(id) else { return };
        let open = |stage: &&mut Stage| stage.stage == name && stage.leg == leg && stage.elapsed_ms.is_none();
        if let Some(stage) = attempt.stages.iter_mut().rev().find(open) {
            stage.elapsed_ms = Some(now.since(stage.start_ms));
            stage.outcome = outcome.clone();
            stage.found = found.clone();
            stage.message = message.cloned();
        }
        // A wrong peer has no place among the peers: its ID stands in the cause.
        if let (Some(peer), None, true) = (&found.peer, leg, outcome.passed()) {
            let peer = self.peer_mut(peer);
            if !peer.attempts.contains(&id) {
                peer.attempts.push(id);
            }
        }
    }

    fn peer_mut(&mut self, id: &str) -> &mut Peer {
        let index = self.peers.iter().position(|peer| peer.id == id).unwrap_or_else(|| {
            // Without a named peer the first that answers is the one meant; of a run about the own network none is.
            let first = self.peers.is_empty() && self.target.kind != TargetKind::Network;
            let expected = self.target.peer.as_ref().map_or(first, |named| named == id);
            self.peers.push(Peer { id: id.into(), expected, ..Peer::default() });
            self.peers.len() - 1
        });
        &mut self.peers[index]
    }

    fn peer_identified(&mut self, fact: &Fact) {
        let Fact::PeerIdentified { attempt, peer, agent, protocol_version, protocols, announced, announced_total } = fact else {
            return;
        };
        let mut announced = announced.clone();
        link(&mut announced, &self.attempts);
        let peer = self.peer_mut(peer);
        if !peer.attempts.contains(attempt) {
            peer.attempts.push(*attempt);
        }
        // The transports of one peer tell the same, but for addresses learned between: the fullest answer holds.
        if !peer.identified() || announced.len() > peer.announced.len() {
            peer.agent.clone_from(agent);
            peer.protocol_version.clone_from(protocol_version);
            peer.protocols.clone_from(protocols);
            peer.announced = announced;
            peer.announced_total = *announced_total;
        }
    }

    /// Best outcome of the transport's attempts; without an attempt, what else is known.
    fn status_of(&self, transport: super::Transport) -> TransportStatus {
        let attempts = self.attempts.iter().filter(|attempt| attempt.transport == Some(transport));
        let best = attempts.map(|attempt| match attempt.outcome {
            Outcome::Passed => TransportStatus::Passed,
            Outcome::Failed { .. } => TransportStatus::Failed,
            Outcome::Unknown { .. } => TransportStatus::Unknown,
            Outcome::Skipped { .. } => TransportStatus::Skipped,
        });
        best.max().unwrap_or_else(|| {
            if self.expected_peer().is_some_and(Peer::identified) {
                TransportStatus::NotOffered
            } else if self.memory.capabilities.contains(&transport) {
                TransportStatus::Unknown
            } else {
                TransportStatus::Unsupported
            }
        })
    }
}

/// How an attempt ended, by its stages: failed by the first stage that failed while the connection was made, passed once it
/// was secured and multiplexed, else unknown for the reason that its open stage gives.
fn outcome_of(attempt: &Attempt) -> Outcome {
    let establishing = || attempt.stages.iter().filter(|stage| stage.stage.establishes());
    if let Some(cause) = establishing().find_map(|stage| stage.outcome.cause()) {
        return Outcome::failed(cause.clone());
    }
    let established = attempt
        .transport
        .and_then(|transport| establishing().find(|stage| stage.leg.is_none() && stage.stage == transport.establishing_stage()));
    if established.is_some_and(|stage| stage.outcome.passed()) {
        return Outcome::Passed;
    }
    match attempt.stages.last().map(|stage| &stage.outcome) {
        Some(outcome @ Outcome::Unknown { .. }) => outcome.clone(),
        _ => attempt.outcome.clone(),
    }
}

/// Notes for each announced address the attempt that dialed it.
fn link(announced: &mut [Announced], attempts: &[Attempt]) {
    for entry in announced.iter_mut().filter(|entry| entry.attempt.is_none()) {
        let bare = without_peer(&entry.address);
        let dialed = |attempt: &&Attempt| {
            without_peer(&attempt.address) == bare || attempt.remote.as_deref().is_some_and(|remote| without_peer(remote) == bare)
        };
        entry.attempt = attempts.iter().find(dialed).map(|attempt| attempt.id);
    }
}

/// An address without a `/p2p/…` at its end.
fn without_peer(address: &str) -> &str {
    match address.rsplit_once("/p2p/") {
        Some((bare, peer)) if !peer.contains('/') => bare,
        _ => address,
    }
}
