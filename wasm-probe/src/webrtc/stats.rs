//! What a browser measured of a connection (W3C, "Identifiers for WebRTC's Statistics API").

use js_sys::{Function, Map};
use p2p_probe::model::Found;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};

use crate::platform::get;

/// The few numbers that tell something; none where this browser has none.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    /// Whether there was a pair of addresses to try.
    pub(super) pairs: bool,
    /// Connectivity checks sent.
    pub(super) sent: Option<f64>,
    /// What came, of any kind.
    pub(super) received: Option<f64>,
    rtt: Option<Duration>,
    local: Option<String>,
    version: Option<String>,
    suite: Option<String>,
}

impl Stats {
    /// Reads an `RTCStatsReport`.
    pub(super) fn read(report: &JsValue) -> Self {
        let mut stats = Self::default();
        let Some(report) = report.dyn_ref::<Map>().cloned().or_else(|| maplike(report)) else { return stats };
        let entry = |id: &JsValue| report.get(id);
        report.for_each(&mut |value, _| match get(&value, "type").as_string().as_deref() {
            Some("candidate-pair") => stats.pair(&value, &entry(&get(&value, "localCandidateId"))),
            Some("transport") => stats.transport(&value),
            _ => {}
        });
        stats
    }

    fn pair(&mut self, pair: &JsValue, local: &JsValue) {
        let sum = |before: Option<f64>, names: &[&str]| {
            names.iter().filter_map(|name| get(pair, name).as_f64()).fold(before, |sum, one| Some(sum.unwrap_or(0.0) + one))
        };
        self.pairs = true;
        self.sent = sum(self.sent, &["requestsSent"]);
        self.received = sum(self.received, &["responsesReceived", "requestsReceived", "bytesReceived"]);
        if get(pair, "state").as_string().is_some_and(|state| state == "succeeded") {
            let rtt = get(pair, "currentRoundTripTime").as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            self.rtt = rtt.filter(|rtt| !rtt.is_zero()).or(self.rtt);
            self.local = address(local).or(self.local.take());
        }
    }

    fn transport(&mut self, transport: &JsValue) {
        let word = |name| get(transport, name).as_string().filter(|word| !word.is_empty());
        self.version = word("tlsVersion").and_then(|version| match version.to_ascii_uppercase().as_str() {
            "FEFD" => Some("DTLSv1.2".to_owned()),
            "FEFC" => Some("DTLSv1.3".to_owned()),
            _ => None,
        });
        self.suite = word("dtlsCipher");
    }

    /// What reports have of the addresses.
    pub(super) fn of_connect(&self) -> Found {
        Found { local: self.local.clone(), rtt_ms: self.rtt.map(Into::into), ..Found::default() }
    }

    /// What reports have of DTLS.
    pub(super) fn of_dtls(&self) -> Found {
        Found { version: self.version.clone(), suite: self.suite.clone(), ..Found::default() }
    }
}

/// Browsers' report is a map in all but its type.
fn maplike(report: &JsValue) -> Option<Map> {
    get(report, "forEach").dyn_into::<Function>().ok()?;
    Some(report.clone().unchecked_into())
}

/// A candidate as a multiaddr. Most browsers hide the address.
fn address(candidate: &JsValue) -> Option<String> {
    let ip: std::net::IpAddr = get(candidate, "address").as_string()?.parse().ok()?;
    let port = get(candidate, "port").as_f64()?;
    let family = if ip.is_ipv4() { "ip4" } else { "ip6" };
    Some(format!("/{family}/{ip}/udp/{port}"))
}
