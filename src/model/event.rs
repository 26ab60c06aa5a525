//! Every fact of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Announced, Attempt, Cause, Direction, Found, Leg, LocalAddress, Micros, NatFound, Options, Outcome, Report, Source,
    StageName, Stamp, Target, Tool, Transport, Why,
};

/// A fact and when it became known. A line of `--format ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Since the run began.
    pub t_ms: Micros,
    /// The run it belongs to; 0 where there is one.
    pub run: u32,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Fact {
    /// The first event of a run.
    RunStarted {
        /// `p2p-probe/report/1`.
        schema: String,
        /// The program that writes this.
        tool: Tool,
        /// When the run began.
        started: Stamp,
        /// What it is about.
        target: Target,
        /// How it was asked to work.
        options: Options,
        /// What this runtime can dial.
        capabilities: Vec<Transport>,
    },
    /// What the own network has.
    LocalNetwork {
        /// The address families with a route, `ipv4` and `ipv6`.
        families: Vec<Family>,
        /// The address that each of them sends from, in the same order.
        sources: Vec<LocalAddress>,
        /// The most that a UDP socket of this system may buffer, in bytes; null where the system does not tell.
        udp_receive_buffer: Option<u64>,
    },
    /// A name was looked up.
    NameResolved(NameResolved),
    /// An address will be dialed, or is left out, and why.
    AttemptPlanned {
        /// Its number.
        attempt: u32,
        /// The address as it was offered.
        address: String,
        /// The concrete address; null when its name led nowhere.
        remote: Option<String>,
        /// The names that led to it, outermost first.
        names: Vec<String>,
        /// The transport; null where the address has none that libp2p knows.
        transport: Option<Transport>,
        /// How the address came to be dialed.
        source: Source,
        /// Who opens the connection.
        direction: Direction,
        /// The version of webrtc-direct.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        /// Why it is left out; absent when it will be dialed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Why>,
        /// Why it fails without a dial; absent when it will be dialed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    /// An attempt begins.
    AttemptStarted {
        /// Its number.
        attempt: u32,
    },
    /// A step begins.
    StageStarted {
        /// The attempt.
        attempt: u32,
        /// Part of a relayed dial.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leg: Option<Leg>,
        /// The step.
        stage: StageName,
    },
    /// A step ended.
    StageEnded {
        /// The attempt.
        attempt: u32,
        /// Part of a relayed dial.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leg: Option<Leg>,
        /// The step.
        stage: StageName,
        /// How it ended.
        #[serde(flatten)]
        outcome: Outcome,
        /// What was seen.
        #[serde(default, skip_serializing_if = "Found::is_empty")]
        found: Found,
        /// Words of the system or the peer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A peer told of itself.
    PeerIdentified {
        /// The attempt at whose other end it is.
        attempt: u32,
        /// Its peer ID.
        peer: String,
        /// Its agent version.
        agent: Option<String>,
        /// Its protocol version.
        protocol_version: Option<String>,
        /// The protocols it offers, sorted.
        protocols: Vec<String>,
        /// The addresses it announces, at most 100.
        announced: Vec<Announced>,
        /// How many addresses it announces in all.
        announced_total: u32,
    },
    /// An attempt ended; its outcome follows from its steps.
    AttemptEnded {
        /// Its number.
        attempt: u32,
        /// Why it never began, where it did not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Why>,
    },
    /// Something about the own network was seen.
    NatFound(NatFound),
    /// The last fact of a run.
    RunEnded {
        /// Whether everything planned was tried.
        complete: bool,
    },
    /// The report, made of the events before it.
    Report {
        /// The report.
        report: Box<Report>,
    },
    /// `listen` can be dialed here.
    Listening {
        /// The address, with the peer ID.
        address: String,
    },
    /// `listen` serves its page here.
    Page {
        /// What to open in a browser.
        url: String,
    },
    /// The listener that served this page saw one of its dials, or more of it.
    ListenerSaw {
        /// The attempt as far as the listener saw it, with direction `inbound`.
        attempt: Box<Attempt>,
    },
}

/// An address family of the own network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// The answer to a look-up. Attempts that it led to show it as their shared `resolve` stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameResolved {
    /// The name, as the part of the address that holds it: `/dns4/node.example.org`.
    pub name: String,
    /// When the look-up began.
    pub start_ms: Micros,
    /// How long it took.
    pub elapsed_ms: Micros,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What it led to.
    #[serde(default, skip_serializing_if = "Found::is_empty")]
    pub found: Found,
    /// Words of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
