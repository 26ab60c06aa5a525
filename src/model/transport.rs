//! The transports that a libp2p peer can be reached over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StageName;

/// A transport, by the name that multiaddrs and reports use.
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
pub enum Transport {
    /// `/tcp` with multistream-select, noise or TLS, and a stream multiplexer.
    Tcp,
    /// `/udp/…/quic-v1`.
    Quic,
    /// `/tcp/…/ws`: WebSocket without TLS.
    Ws,
    /// `/tcp/…/wss`, `/tcp/…/tls/ws`: WebSocket over TLS.
    Wss,
    /// `/udp/…/webrtc-direct`.
    WebrtcDirect,
    /// `/udp/…/quic-v1/webtransport`.
    Webtransport,
    /// `/p2p-circuit`: through a relay.
    Relay,
}

impl Transport {
    /// The stage whose end makes a connection secured and multiplexed: an attempt that passed it has passed.
    #[must_use]
    pub fn establishing_stage(self) -> StageName {
        match self {
            Self::Tcp | Self::Ws | Self::Wss | Self::Relay => StageName::Multiplex,
            Self::Quic => StageName::Connect,
            Self::WebrtcDirect | Self::Webtransport => StageName::Secure,
        }
    }
}
