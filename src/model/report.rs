//! Everything that is known about a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attempt, Micros, Nat, Options, Peer, Stamp, Target, Transport, Verdict, fold::Memory};

/// The schema that reports of this version follow.
pub const SCHEMA: &str = "p2p-probe/report/1";

/// Everything that is known about a run: the fold of its events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// `p2p-probe/report/1`.
    pub schema: String,
    /// The program that made it.
    pub tool: Tool,
    /// When the run began.
    pub started: Stamp,
    /// How long it took, or takes so far.
    pub elapsed_ms: Micros,
    /// Whether everything planned was tried; false while it runs.
    pub complete: bool,
    /// What it is about.
    pub target: Target,
    /// How it was asked to work.
    #[serde(default)]
    pub options: Options,
    /// Every address tried or left out, by id.
    pub attempts: Vec<Attempt>,
    /// The best outcome for each transport.
    pub transports: Transports,
    /// The peers that answered.
    pub peers: Vec<Peer>,
    /// What is known about the own network; null when nothing was observed.
    pub nat: Option<Nat>,
    /// What a listener saw of this visitor.
    pub listener: Option<Listener>,
    /// What it comes to; null while it runs.
    pub verdict: Option<Verdict>,
    /// What the fold has to remember and readers do not need.
    #[serde(skip)]
    pub(super) memory: Memory,
}

impl Report {
    /// The attempt of this number.
    #[must_use]
    pub fn attempt(&self, id: u32) -> Option<&Attempt> {
        let index = self.attempts.binary_search_by_key(&id, |attempt| attempt.id).ok()?;
        self.attempts.get(index)
    }

    /// The peer that the target names or, where it names none, the one that answered.
    #[must_use]
    pub fn expected_peer(&self) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.expected)
    }
}

/// The program that wrote a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `p2p-probe`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it ran.
    pub runtime: RuntimeKind,
    /// The browser that it ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl Tool {
    /// This program in a runtime.
    #[must_use]
    pub fn this(runtime: RuntimeKind) -> Self {
        Self { name: "p2p-probe".into(), version: env!("CARGO_PKG_VERSION").into(), runtime, user_agent: None }
    }
}

/// Where p2p-probe runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuntimeKind {
    /// As a program of the operating system.
    #[default]
    Native,
    /// In a page.
    Browser,
    /// In Node.
    Node,
}

/// The best outcome for each transport.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names of the transports, see Transport")]
pub struct Transports {
    pub tcp: TransportStatus,
    pub quic: TransportStatus,
    pub ws: TransportStatus,
    pub wss: TransportStatus,
    pub webrtc_direct: TransportStatus,
    pub webtransport: TransportStatus,
    pub relay: TransportStatus,
}

impl Transports {
    /// The status of one transport.
    #[must_use]
    pub fn get(&self, transport: Transport) -> TransportStatus {
        match transport {
            Transport::Tcp => self.tcp,
            Transport::Quic => self.quic,
            Transport::Ws => self.ws,
            Transport::Wss => self.wss,
            Transport::WebrtcDirect => self.webrtc_direct,
            Transport::Webtransport => self.webtransport,
            Transport::Relay => self.relay,
        }
    }

    /// Every status as told by `status`.
    #[must_use]
    pub fn each(status: impl Fn(Transport) -> TransportStatus) -> Self {
        Self {
            tcp: status(Transport::Tcp),
            quic: status(Transport::Quic),
            ws: status(Transport::Ws),
            wss: status(Transport::Wss),
            webrtc_direct: status(Transport::WebrtcDirect),
            webtransport: status(Transport::Webtransport),
            relay: status(Transport::Relay),
        }
    }
}

/// The best outcome of a transport's attempts. The order is from worst to best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TransportStatus {
    /// This runtime cannot dial it.
    Unsupported,
    /// The peer does not offer it.
    NotOffered,
    /// Left out.
    Skipped,
    /// Not told.
    #[default]
    Unknown,
    /// No attempt worked.
    Failed,
    /// An attempt worked.
    Passed,
}

/// What the listener saw of a page's visitor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Listener {
    /// Its view of the dials, with direction `inbound`.
    pub attempts: Vec<Attempt>,
}
