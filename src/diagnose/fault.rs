//! A failure with what stands around it.

use std::net::IpAddr;

use multiaddr::{Multiaddr, Protocol};

use crate::model::{self, Answered, Attempt, Cause, Leg, Stage, StageName, Transport};

/// A cause, the attempt that failed by it, and the step that carries it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) stage: Option<&'a Stage>,
    pub(super) cause: &'a Cause,
}

impl<'a> Fault<'a> {
    /// What an attempt failed by.
    pub(super) fn first(attempt: &'a Attempt) -> Option<Self> {
        let cause = attempt.outcome.cause()?;
        let stage = attempt.stages.iter().find(|stage| stage.stage.establishes() && stage.outcome.cause().is_some());
        Some(Self { attempt, stage, cause })
    }

    /// What else went wrong while the connection was made: an attempt goes on after a certificate problem.
    pub(super) fn later(&self) -> impl Iterator<Item = Self> + use<'a> {
        let attempt = self.attempt;
        let failed = attempt.stages.iter().filter(|stage| stage.stage.establishes());
        let faults = failed.filter_map(move |stage| Some(Self { attempt, stage: Some(stage), cause: stage.outcome.cause()? }));
        faults.skip(1)
    }

    /// The step, where one was begun.
    pub(super) fn step(&self) -> Option<StageName> {
        self.stage.map(|stage| stage.stage)
    }

    /// The version of webrtc-direct in which the place that was asked in another one answers, where that is known not to be
    /// chance.
    pub(super) fn answers_in(&self) -> Option<&'static str> {
        let silent = matches!(self.cause, Cause::TimedOut) && self.step() == Some(StageName::Connect);
        let versions = versions(self.attempt);
        versions.unanswered.filter(|_| silent)?;
        match (versions.v1, versions.v2) {
            (Some(true), None) => Some("1"),
            (None, Some(true)) => Some("2"),
            _ => None,
        }
    }

    /// Whether something came over UDP that a handshake could not go on with: silence has a cause of its own there.
    pub(super) fn is_half_answered(&self) -> bool {
        let told_from_silence = matches!(self.attempt.transport, Some(Transport::Quic | Transport::WebrtcDirect));
        told_from_silence && matches!(self.cause, Cause::TimedOut) && self.step() == Some(StageName::Connect)
    }

    /// The words that came with it.
    pub(super) fn words(&self) -> Option<&'a str> {
        self.stage.and_then(|stage| stage.message.as_deref()).filter(|words| !words.is_empty())
    }

    /// Whether it is the relay that could not be reached, and not the target behind it.
    pub(super) fn at_relay(&self) -> bool {
        self.stage.is_some_and(|stage| stage.leg == Some(Leg::Relay))
    }

    /// Whether the relay was reached, and something behind it failed.
    pub(super) fn behind_relay(&self) -> bool {
        self.attempt.transport == Some(Transport::Relay) && self.stage.is_some() && !self.at_relay()
    }

    /// Whether the step stands for this one too, which its platform does not show.
    pub(super) fn covers(&self, other: StageName) -> bool {
        self.stage.and_then(|stage| stage.found.covers.as_ref()).is_some_and(|covers| covers.contains(&other))
    }

    /// Whether the attempt runs over UDP.
    pub(super) fn over_udp(&self) -> bool {
        over_udp(self.attempt)
    }
}

/// Whether an attempt runs over UDP.
pub(super) fn over_udp(attempt: &Attempt) -> bool {
    matches!(attempt.transport, Some(Transport::Quic | Transport::WebrtcDirect | Transport::Webtransport))
}

/// What is known of the versions of webrtc-direct: the latest that was seen holds.
pub(super) fn versions(attempt: &Attempt) -> Answered {
    attempt.stages.iter().filter_map(|stage| stage.found.versions).next_back().unwrap_or_default()
}

/// The most concrete address of an attempt, if it reads as one.
pub(super) fn concrete(attempt: &Attempt) -> Option<Multiaddr> {
    attempt.remote.as_deref().unwrap_or(&attempt.address).parse().ok()
}

/// Whether an attempt dials a link-local address without the interface that it belongs to.
pub(super) fn lacks_interface(attempt: &Attempt) -> bool {
    let first = concrete(attempt).and_then(|address| address.iter().next().map(Protocol::acquire));
    matches!(first, Some(Protocol::Ip6(ip)) if ip.is_unicast_link_local())
}

/// The IP address that an attempt dials.
pub(super) fn ip_of(attempt: &Attempt) -> Option<IpAddr> {
    model::ip_of(&concrete(attempt)?)
}

/// The port that an attempt dials.
pub(super) fn port_of(attempt: &Attempt) -> Option<u16> {
    concrete(attempt)?.iter().find_map(|part| match part {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(port),
        _ => None,
    })
}
