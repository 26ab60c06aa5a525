//! How the outside address of one own port depends on who is sent to.

use std::net::{IpAddr, SocketAddr};

use crate::{
    model::{Cause, Layer4, Mapping, MappingSeen, WhyCode},
    order::set,
};

/// What the vantage points' answers come to, for one protocol of one family.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Mapped {
    pub(super) mapping: Mapping,
    pub(super) why: Option<WhyCode>,
    /// Every outside address told, in the order seen.
    pub(super) told: Vec<SocketAddr>,
    /// The outside IP address, where it is agreed on.
    pub(super) outside: Option<IpAddr>,
    pub(super) preserved: Option<bool>,
    pub(super) vantages: u32,
    /// Whether vantage points contradict each other about the IP address.
    pub(super) contradicted: bool,
    /// Whether the mapping rests on what one host says: it would not be told without that one.
    pub(super) one_witness: bool,
    /// Those outside addresses that do not have the own port.
    pub(super) other_ports: Vec<SocketAddr>,
    /// How many hosts were asked that are known to serve the protocol, and stayed silent; none where anybody answered at all.
    pub(super) silent_hosts: usize,
    pub(super) silence: Silence,
}

/// What is known of the silence of everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Silence {
    /// Somebody answered, or nobody was asked.
    #[default]
    None,
    /// Nobody who was asked answered.
    Unexplained,
    /// This machine itself lets nothing out.
    Forbidden,
}

impl Mapped {
    /// Whether an outside address is one that a single peer is told: others are given other ones, and nobody learns of it.
    pub(super) fn is_fleeting(&self, to: SocketAddr) -> bool {
        is_symmetric(self.mapping) && self.other_ports.contains(&to)
    }
}

/// Whether the outside address differs from peer to peer.
pub(super) fn is_symmetric(mapping: Mapping) -> bool {
    matches!(mapping, Mapping::AddressDependent | Mapping::AddressAndPortDependent | Mapping::EndpointDependent)
}

/// Whether nothing at all came back: whoever turns a connection away has answered.
pub(super) fn is_silence(seen: &MappingSeen) -> bool {
    match (seen.layer, seen.outcome.cause()) {
        (Layer4::Udp, Some(cause)) => *cause == Cause::UdpSilent,
        (Layer4::Tcp, Some(cause)) => *cause == Cause::TimedOut,
        (_, None) => false,
    }
}

/// Whether somebody answered, if only to say nothing of use.
fn is_answer(seen: &MappingSeen) -> bool {
    seen.mapped.is_some() || seen.outcome.cause().is_some_and(|cause| !cause.is_ours() && !is_silence(seen))
}

/// An answer: where was sent to, and what was told.
#[derive(Clone, Copy, Debug)]
struct Answer {
    to: SocketAddr,
    mapped: SocketAddr,
}

/// What answers come to. `serves` tells whether somebody is known to serve the protocol, and so to stay silent for a reason that
/// lies elsewhere.
pub(super) fn mapping(seen: &[&MappingSeen], serves: impl Fn(&MappingSeen) -> bool) -> Mapped {
    let answers: Vec<Answer> = seen.iter().filter_map(|seen| Some(Answer { to: seen.to, mapped: seen.mapped? })).collect();
    let Some(local) = seen.iter().find(|seen| seen.mapped.is_some()).map(|seen| seen.local) else {
        return silence(seen, serves);
    };
    let mut mapped: Vec<SocketAddr> = Vec::new();
    for answer in &answers {
        if !mapped.contains(&answer.mapped) {
            mapped.push(answer.mapped);
        }
    }
    let vantages = set(seen.iter().filter(|seen| seen.mapped.is_some()).map(|seen| seen.vantage.as_str()));
    let outside = agreed(&answers);
    let believed: Vec<Answer> = answers.iter().filter(|answer| Some(answer.mapped.ip()) == outside).copied().collect();
    let (mapping, why) =
        if outside.is_none() { (Mapping::Unknown, Some(WhyCode::VantagesDisagree)) } else { kind(&believed, local) };
    Mapped {
        contradicted: believed.len() < answers.len() || why == Some(WhyCode::VantagesDisagree),
        preserved: outside.map(|_| believed.iter().all(|answer| answer.mapped.port() == local.port())),
        vantages: u32::try_from(vantages.len()).unwrap_or(u32::MAX),
        one_witness: is_symmetric(mapping) && rests_on_one(&believed),
        other_ports: mapped.iter().filter(|mapped| mapped.port() != local.port()).copied().collect(),
        silent_hosts: 0,
        silence: Silence::None,
        mapping,
        why,
        told: mapped,
        outside,
    }
}

/// Nobody told an address.
fn silence(seen: &[&MappingSeen], serves: impl Fn(&MappingSeen) -> bool) -> Mapped {
    let failed = seen.iter().any(|seen| seen.outcome.cause().is_some());
    let why = if failed { WhyCode::NotReached } else { WhyCode::TooFewVantages };
    let unanswered = failed && !seen.iter().any(|seen| is_answer(seen));
    let silent = set(seen.iter().filter(|seen| is_silence(seen) && serves(seen)).map(|seen| seen.to.ip()));
    let forbidden = seen.iter().any(|seen| seen.outcome.cause() == Some(&Cause::ForbiddenLocally));
    let silence = match () {
        () if !unanswered => Silence::None,
        // What goes out to one and not to another is not for lack of leave.
        () if forbidden && silent.is_empty() => Silence::Forbidden,
        () => Silence::Unexplained,
    };
    let silent_hosts = if unanswered { silent.len() } else { 0 };
    Mapped { why: Some(why), silent_hosts, silence, ..Mapped::default() }
}

/// The outside IP address that all hosts tell, or more hosts than tell any other, and then two at least.
fn agreed(answers: &[Answer]) -> Option<IpAddr> {
    let told = set(answers.iter().map(|answer| (answer.mapped.ip(), answer.to.ip())));
    let hosts = told.chunk_by(|(ip, _), (other, _)| ip == other);
    let by_count = set(hosts.filter_map(|hosts| Some((hosts.len(), hosts.first()?.0))));
    match by_count.as_slice() {
        [(_, ip)] => Some(*ip),
        [.., (next, _), (most, ip)] if *most >= 2 && most > next => Some(*ip),
        _ => None,
    }
}

fn kind(answers: &[Answer], local: SocketAddr) -> (Mapping, Option<WhyCode>) {
    let asked = set(answers.iter().map(|answer| (answer.to, answer.mapped)));
    let hosts: Vec<_> = asked.chunk_by(|(to, _), (other, _)| to.ip() == other.ip()).collect();
    let told = set(answers.iter().map(|answer| answer.mapped));
    if told.len() == 1 {
        return match () {
            () if told.contains(&local) => (Mapping::None, None),
            () if hosts.len() > 1 => (Mapping::EndpointIndependent, None),
            () => (Mapping::Unknown, Some(WhyCode::TooFewVantages)),
        };
    }
    let distinct: Vec<_> = hosts.iter().map(|host| set(host.iter().map(|(_, mapped)| *mapped))).collect();
    if one_against_the_rest(&distinct) {
        return (Mapping::Unknown, Some(WhyCode::VantagesDisagree));
    }
    // In the order of what was sent to, the first and the last port differ if any two do.
    let two_ports =
        |host: &&[(SocketAddr, SocketAddr)]| matches!(host, [(first, _), .., (last, _)] if first.port() != last.port());
    match (distinct.iter().any(|told| told.len() > 1), hosts.iter().any(two_ports)) {
        (true, _) => (Mapping::AddressAndPortDependent, None),
        (false, true) => (Mapping::AddressDependent, None),
        (false, false) => (Mapping::EndpointDependent, None),
    }
}

/// Whether several hosts tell one and the same address, and one host another: no mapping behaviour looks like that.
fn one_against_the_rest(hosts: &[Vec<SocketAddr>]) -> bool {
    let agree_on = |told: &Vec<SocketAddr>| hosts.iter().filter(|other| *other == told).count();
    hosts.iter().any(|told| told.len() == 1 && agree_on(told) > 1 && agree_on(told) + 1 == hosts.len())
}

/// Whether one host tells all the difference: without it, or without one of two that differ, the others would agree.
fn rests_on_one(answers: &[Answer]) -> bool {
    let hosts = set(answers.iter().map(|answer| answer.to.ip()));
    let without = |host: &IpAddr| set(answers.iter().filter(|answer| answer.to.ip() != *host).map(|answer| answer.mapped));
    hosts.iter().any(|host| without(host).len() <= 1)
}
