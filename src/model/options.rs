//! How a run was asked to work.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Family, Micros, Transport};

/// The security protocol to offer over TCP and WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::EnumString, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Security {
    /// `/noise`.
    Noise,
    /// `/tls/1.0.0`.
    Tls,
}

/// The version of webrtc-direct to dial in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::EnumString, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum WebrtcVersions {
    /// Version 1, which changes ICE credentials in a way that browsers are about to refuse.
    V1,
    /// Version 2.
    V2,
    /// Each in an attempt of its own.
    Both,
}

/// How a run was asked to work. The relations hold by construction of the defaults: an attempt ends before the run does.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Options {
    /// Only these transports; null for all.
    pub transports: Option<Vec<Transport>>,
    /// Only this address family; null for both.
    pub family: Option<Family>,
    /// Only this security protocol; null for noise first and TLS when that is refused.
    pub security: Option<Security>,
    /// Only this version of webrtc-direct; null to ask in both and go on in the one that answers, version 2 preferred.
    #[serde(default)]
    pub webrtc: Option<WebrtcVersions>,
    /// Whether a webrtc-direct address without certhash is dialed, to learn it.
    #[serde(default)]
    pub learn_certhash: bool,
    /// Whether addresses that the peer announces are dialed.
    pub announced: bool,
    /// Whether a hole is punched to a peer behind a relay (DCUtR).
    #[serde(default)]
    pub punch: bool,
    /// Whether private addresses that the user did not name are dialed.
    pub private: bool,
    /// The time for one attempt.
    pub timeout_ms: Micros,
    /// The time for the whole run.
    pub deadline_ms: Micros,
    /// How many pings each attempt sends.
    pub pings: u32,
    /// How long to wait between two pings; what is waited is not counted into the times above.
    #[serde(default = "none")]
    pub ping_interval_ms: Micros,
    /// How many attempts run at once.
    pub concurrency: u32,
    /// Whether IP addresses and peer IDs are replaced in what is written.
    pub redacted: bool,
}

/// The time for one attempt: twice what a dial over a satellite line with lost packets takes.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// The time for the whole run: three attempts one after the other.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How many pings each attempt sends: enough for a median.
pub const PINGS: u32 = 3;
/// How many attempts run at once.
pub const CONCURRENCY: u32 = 8;

impl Default for Options {
    fn default() -> Self {
        Self {
            transports: None,
            family: None,
            security: None,
            webrtc: None,
            learn_certhash: false,
            announced: true,
            punch: false,
            private: false,
            timeout_ms: TIMEOUT.into(),
            deadline_ms: DEADLINE.into(),
            pings: PINGS,
            ping_interval_ms: none(),
            concurrency: CONCURRENCY,
            redacted: false,
        }
    }
}

impl Options {
    /// What an attempt waits between its pings.
    #[must_use]
    pub fn waiting(&self) -> Duration {
        Duration::from(self.ping_interval_ms).saturating_mul(self.pings.saturating_sub(1))
    }
}

const fn none() -> Micros {
    Micros(0)
}
