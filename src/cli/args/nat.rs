//! `nat`: its arguments, and the run that they ask for.

use std::{net::SocketAddr, time::Duration};

use clap::Args;
use multiaddr::Multiaddr;

use super::{super::values, ReportArgs};
use crate::model::{Family, Options};

/// Tell whether peers can reach this machine, over what, and if not, why and what would help
#[derive(Debug, Args)]
#[command(after_help = NAT_EXAMPLES)]
pub(in crate::cli) struct NatArgs {
    /// Vantage points: libp2p nodes elsewhere, best one or two `p2p-probe listen` on different hosts; may be repeated
    #[arg(long, value_name = "MULTIADDR", required = true, num_args = 1.., value_parser = values::multiaddr, help_heading = "From where")]
    pub(in crate::cli) via: Vec<Multiaddr>,
    /// STUN servers as further vantage points; may be repeated
    #[arg(long, value_name = "HOST:PORT", value_parser = values::host_port, help_heading = "From where")]
    pub(in crate::cli) stun: Vec<(String, u16)>,
    /// Test this port, as of a forward made by hand: /ip4/0.0.0.0/tcp/4001 or …/udp/4001/quic-v1; may be repeated
    #[arg(long, value_name = "MULTIADDR", value_parser = values::test_port, help_heading = "What to test")]
    pub(in crate::cli) listen: Vec<Multiaddr>,
    /// Have the vantage points dial a node that runs on this machine: /ip4/0.0.0.0/tcp/4001, with /p2p/… where it has to be that peer; may be repeated
    #[arg(long, value_name = "MULTIADDR", value_parser = values::checked, help_heading = "What to test")]
    pub(in crate::cli) check: Vec<Multiaddr>,
    /// Leave gateways alone: do not ask them to map a port for a moment, by UPnP, NAT-PMP and PCP
    #[arg(long, help_heading = "What to test")]
    pub(in crate::cli) no_port_mapping: bool,
    /// Only IPv4 or only IPv6
    #[arg(long, value_name = "4|6", value_parser = values::family, help_heading = "What to test")]
    family: Option<Family>,
    /// The time for the whole run
    #[arg(long, value_name = "TIME", value_parser = values::time, allow_hyphen_values = true, default_value = "15s", help_heading = "How to test")]
    deadline: Duration,
    /// The time for the connection to one vantage point
    #[arg(long, value_name = "TIME", value_parser = values::time, allow_hyphen_values = true, default_value = "5s", help_heading = "How to test")]
    timeout: Duration,
    /// Ask this DNS server, and nothing else; port 53 unless given
    #[arg(long, value_name = "IP:PORT", value_parser = values::resolver, help_heading = "How to test")]
    pub(in crate::cli) resolver: Option<SocketAddr>,
    #[command(flatten)]
    pub(in crate::cli) report: ReportArgs,
}

const NAT_EXAMPLES: &str = "\
Examples:
  p2p-probe nat --via /dns4/a.example.org/tcp/4011 --via /dns4/b.example.org/tcp/4011
  p2p-probe nat --via /dns4/a.example.org/tcp/4011 --stun stun.example.org:3478
  p2p-probe nat --via /dns4/a.example.org/tcp/4011 --check /ip4/0.0.0.0/tcp/4001   is my running node reachable?
  p2p-probe nat --via /dns4/a.example.org/tcp/4011 --check /ip4/0.0.0.0/tcp/4001/ws --check /ip4/0.0.0.0/udp/4001/webrtc-direct
  p2p-probe nat --via /dns4/a.example.org/tcp/4011 --listen /ip4/0.0.0.0/udp/4001/quic-v1

Exit codes: 0 peers can reach this machine, 1 they cannot or it could not be told, 2 usage or internal error, 130 interrupted";

impl NatArgs {
    /// How the run is asked to work.
    pub(in crate::cli) fn options(&self) -> Options {
        Options {
            family: self.family,
            announced: false,
            pings: 0,
            timeout_ms: self.timeout.into(),
            deadline_ms: self.deadline.into(),
            redacted: self.report.redact,
            ..Options::default()
        }
    }
}
