//! `dial`: its arguments, and the run that they ask for.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use strum::IntoEnumIterator as _;

use super::{super::values, ReportArgs};
use crate::model::{self, Family, Options, Security, Transport, WebrtcVersions};

/// Dial a peer over each of its addresses and tell what works
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug, Args)]
#[command(after_help = DIAL_EXAMPLES, override_usage = DIAL_USAGE)]
pub(in crate::cli) struct DialArgs {
    /// The peer, as a multiaddr
    #[arg(required_unless_present = "own")]
    pub(in crate::cli) target: Option<String>,
    #[arg(hide = true, value_name = "TARGET", value_parser = values::second_target)]
    _second: Option<Infallible>,
    /// Dial a node in this very process, over every transport that it serves
    #[arg(long = "self", conflicts_with = "target")]
    pub(in crate::cli) own: bool,
    /// Only these transports
    #[arg(long = "transport", value_name = "NAME", value_delimiter = ',', value_parser = transports(), help_heading = "What to dial")]
    transports: Vec<Transport>,
    /// Only IPv4 or only IPv6
    #[arg(long, value_name = "4|6", value_parser = values::family, help_heading = "What to dial")]
    family: Option<Family>,
    /// Leave out the addresses that the peer announces
    #[arg(long, help_heading = "What to dial")]
    no_announced: bool,
    /// Dial private addresses too, announced or behind a public name
    #[arg(long, help_heading = "What to dial")]
    private: bool,
    /// Punch a hole to a peer behind a relay, by DCUtR; over TCP and QUIC, whichever the relay is dialed over
    #[arg(long, help_heading = "How to dial")]
    punch: bool,
    /// Only this security protocol over TCP and WebSocket
    #[arg(long, value_name = "PROTOCOL", value_parser = security(), help_heading = "How to dial")]
    security: Option<Security>,
    /// Only this version of webrtc-direct, or each in an attempt of its own
    #[arg(long, value_name = "VERSION", value_parser = webrtc(), help_heading = "How to dial")]
    webrtc: Option<WebrtcVersions>,
    /// Dial webrtc-direct addresses without a certhash too, and print it
    #[arg(long, help_heading = "How to dial")]
    learn_certhash: bool,
    /// The time for one address
    #[arg(long, value_name = "TIME", value_parser = values::time, allow_hyphen_values = true, default_value = "10s", help_heading = "How to dial")]
    timeout: Duration,
    /// The time for the whole run
    #[arg(long, value_name = "TIME", value_parser = values::time, allow_hyphen_values = true, default_value = "30s", help_heading = "How to dial")]
    deadline: Duration,
    /// How many pings to send over each connection, at most 100
    #[arg(long, value_name = "N", default_value_t = model::PINGS, value_parser = values::number(0..=model::bounds::MOST_PINGS), allow_negative_numbers = true, help_heading = "How to dial")]
    ping: u32,
    /// How long to wait between two pings, at most 1m; not counted into the times above
    #[arg(long, value_name = "TIME", value_parser = model::bounds::pause, allow_hyphen_values = true, default_value = "0s", help_heading = "How to dial")]
    ping_interval: Duration,
    /// How many addresses to dial at once, at most 64
    #[arg(long, value_name = "N", default_value_t = model::CONCURRENCY, value_parser = values::number(1..=model::bounds::MOST_AT_ONCE), allow_negative_numbers = true, help_heading = "How to dial")]
    concurrency: u32,
    /// Ask this DNS server, and nothing else; port 53 unless given
    #[arg(long, value_name = "IP:PORT", value_parser = values::resolver, help_heading = "How to dial")]
    pub(in crate::cli) resolver: Option<SocketAddr>,
    /// Dial from this address of this machine
    #[arg(long, value_name = "IP", help_heading = "How to dial")]
    pub(in crate::cli) bind: Option<IpAddr>,
    /// Dial with the private key in this file instead of a fresh one
    #[arg(long, value_name = "FILE", help_heading = "How to dial")]
    pub(in crate::cli) identity: Option<PathBuf>,
    /// Tell what the own network does to peers too, as far as the target helps (see `nat`); to a peer behind a relay a hole is punched
    #[arg(long, conflicts_with = "own", help_heading = "How to dial")]
    pub(in crate::cli) nat: bool,
    /// Exit with 1 when any attempt fails
    #[arg(long, help_heading = "Output")]
    pub(in crate::cli) strict: bool,
    #[command(flatten)]
    pub(in crate::cli) report: ReportArgs,
}

const DIAL_USAGE: &str = "\
p2p-probe dial [OPTIONS] <TARGET>
       p2p-probe dial [OPTIONS] --self";

const DIAL_EXAMPLES: &str = "\
Examples:
  p2p-probe dial --self
  p2p-probe dial /ip4/203.0.113.7/tcp/4001
  p2p-probe dial /dns4/node.example.org/tcp/443/wss --transport wss --ping 10
  p2p-probe dial /dnsaddr/bootstrap.libp2p.io --family 6 --format json -o report.json
  p2p-probe dial /ip4/203.0.113.7/udp/4001/quic-v1 --redact    for a report in public

Exit codes: 0 reachable, 1 not reachable or not told, 2 usage or internal error, 130 interrupted";

fn transports() -> impl TypedValueParser<Value = Transport> {
    PossibleValuesParser::new(Transport::iter().map(<&str>::from)).try_map(|name| name.parse::<Transport>())
}

fn security() -> impl TypedValueParser<Value = Security> {
    PossibleValuesParser::new(["noise", "tls"]).try_map(|name| name.parse::<Security>())
}

fn webrtc() -> impl TypedValueParser<Value = WebrtcVersions> {
    PossibleValuesParser::new(["v1", "v2", "both"]).try_map(|name| name.parse::<WebrtcVersions>())
}

fn family_of(ip: IpAddr) -> Family {
    if ip.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
}

impl DialArgs {
    /// Options that each have their sense and together have none.
    pub(in crate::cli) fn contradiction(&self) -> Option<String> {
        let (family, bind) = (self.family?, self.bind?);
        (family != family_of(bind)).then(|| format!("--bind {bind} is not of the family that --family asks for"))
    }

    /// How the run is asked to work.
    pub(in crate::cli) fn options(&self) -> Options {
        Options {
            transports: (!self.transports.is_empty()).then(|| self.transports.clone()),
            // What is dialed from one address is of its family.
            family: self.family.or(self.bind.map(family_of)),
            security: self.security,
            webrtc: self.webrtc,
            learn_certhash: self.learn_certhash,
            announced: !self.no_announced,
            // What the own network does to a peer behind a relay shows in a hole punch.
            punch: self.punch || self.nat,
            private: self.private,
            timeout_ms: self.timeout.into(),
            deadline_ms: self.deadline.into(),
            pings: self.ping,
            ping_interval_ms: self.ping_interval.into(),
            concurrency: self.concurrency,
            redacted: self.report.redact,
        }
    }
}
