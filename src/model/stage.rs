//! The steps of a dial and what each of them finds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Micros, Outcome, Stamp, WhyCode};

/// The name of a step between an address and an answered ping.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum StageName {
    /// DNS: a name to addresses.
    Resolve,
    /// TCP handshake; QUIC handshake with TLS 1.3; first valid STUN answer for webrtc-direct.
    Connect,
    /// TLS below a WebSocket.
    Tls,
    /// DTLS below webrtc-direct.
    Dtls,
    /// SCTP association of webrtc-direct.
    Channel,
    /// HTTP upgrade to WebSocket; CONNECT of WebTransport.
    Upgrade,
    /// Circuit relay v2 HOP, with the relay's STOP that a dialer cannot see.
    Hop,
    /// DCUtR CONNECT exchange.
    DcutrConnect,
    /// DCUtR SYNC exchange.
    DcutrSync,
    /// The direct dial of a hole punch.
    Direct,
    /// Noise or libp2p TLS, with its negotiation.
    Secure,
    /// Negotiation of the stream multiplexer.
    Multiplex,
    /// `/ipfs/id/1.0.0`.
    Identify,
    /// `/ipfs/ping/1.0.0`.
    Ping,
}

impl StageName {
    /// Whether the stage is part of making the connection; identify, ping and a hole punch only use it.
    #[must_use]
    pub fn establishes(self) -> bool {
        !matches!(self, Self::Identify | Self::Ping | Self::DcutrConnect | Self::DcutrSync | Self::Direct)
    }
}

/// Part of a relayed dial: the stages of the outer connection carry `relay`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Leg {
    /// The connection to the relay itself.
    Relay,
}

/// One step of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// Which step.
    pub stage: StageName,
    /// Part of a relayed dial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<Leg>,
    /// How it ended; `unknown` with `not-reached` while it runs.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Whether several attempts share this stage (a name is looked up once): not part of `elapsed_ms` of the attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// When it began, since the run began.
    pub start_ms: Micros,
    /// How long it took; null while it runs.
    pub elapsed_ms: Option<Micros>,
    /// What was seen, also when the stage failed.
    #[serde(default, skip_serializing_if = "Found::is_empty")]
    pub found: Found,
    /// Words of the system or of the peer for a reader; nothing is decided by them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Stage {
    /// A stage that has just begun.
    #[must_use]
    pub fn begun(stage: StageName, leg: Option<Leg>, start_ms: Micros) -> Self {
        Self {
            stage,
            leg,
            outcome: Outcome::unknown(WhyCode::NotReached),
            shared: false,
            start_ms,
            elapsed_ms: None,
            found: Found::default(),
            message: None,
        }
    }
}

/// What a stage found. Every member is absent unless it was seen; report-format.md says which stage finds which.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Found {
    /// How many addresses a name led to, or a peer told to punch holes for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<u32>,
    /// The records of a name, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<String>>,
    /// The resolver that was asked, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolver: Option<String>,
    /// The own address of the connection, as a multiaddr.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
    /// The other end of a connection that was not dialed as the attempt says, as a multiaddr: that of a hole punch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Round-trip time that the transport measured; that of a message and its answer through a relay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<Micros>,
    /// The QUIC version negotiated, as `0x00000001`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quic_version: Option<String>,
    /// The versions of webrtc-direct that were answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<Answered>,
    /// The TLS version: `TLSv1.3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The TLS cipher suite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// The application protocol that TLS agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// The certificate that the server showed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// The stages that this one stands for as well, where the platform shows no boundary between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covers: Option<Vec<StageName>>,
    /// An HTTP status, or that of a relay (circuit relay v2; 100 is yes).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The `Server` header of an HTTP answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The `Location` header of an HTTP answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What a relay allows each connection through it; its members are null where it names no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Allowed>,
    /// The protocol agreed on: `/noise`, `/yamux/1.0.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The peer ID that the other side proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The type of the peer's key: `ed25519`, `rsa`, `secp256k1`, `ecdsa`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_type: Option<String>,
    /// The own peer ID in this dial: a fresh one, unless an identity was given. The listener knows the dial by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_peer: Option<String>,
    /// The agent version that the peer tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Our address as the peer sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    /// How many protocols the peer names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocols: Option<u32>,
    /// How many addresses the peer announces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announced: Option<u32>,
    /// Pings sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<u32>,
    /// Pings answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<u32>,
    /// The fastest ping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_ms: Option<Micros>,
    /// The median ping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_ms: Option<Micros>,
    /// The slowest ping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<Micros>,
    /// Each ping, in the order sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples_ms: Option<Vec<Micros>>,
    /// How long the responder sat on a second ping of one stream while a new stream was answered at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responder_stall_ms: Option<Micros>,
}

impl Found {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what `later` found; where both found something, the later one holds.
    pub fn merge(&mut self, later: Self) {
        macro_rules! take {
            ($($member:ident)*) => { $( if later.$member.is_some() { self.$member = later.$member; } )* };
        }
        take!(addresses records resolver local remote rtt_ms quic_version versions version suite alpn certificate covers status server
            location limits protocol peer key_type local_peer agent observed protocols announced sent received min_ms median_ms max_ms
            samples_ms responder_stall_ms);
    }
}

/// Which versions of webrtc-direct a listener answered in. One that it was not asked in, or has not answered in yet, is null:
/// a lost packet looks the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answered {
    /// Version 1.
    pub v1: Option<bool>,
    /// Version 2.
    pub v2: Option<bool>,
    /// Requests in the one of them that was not answered while the other one was, each with more time than that answer took;
    /// absent unless they are enough to tell this from loss. That version is most likely not spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<u32>,
}

/// What a relay allows each connection through it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allowed {
    /// How long it may last; null for no limit.
    pub duration_ms: Option<Micros>,
    /// How many bytes it may carry each way; null for no limit.
    pub bytes: Option<u64>,
}

/// What an X.509 certificate says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// The names it is valid for: DNS names and IP addresses.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Valid from.
    pub not_before: Stamp,
    /// Valid until.
    pub not_after: Stamp,
    /// Its SHA-256 fingerprint: `sha256:<hex>`.
    pub fingerprint: String,
}
