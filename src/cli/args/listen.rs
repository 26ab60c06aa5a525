//! `listen`: its arguments.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use multiaddr::Multiaddr;

use super::super::values;
use crate::{nat::relay::RelayLimits, node};

/// Be a node for others to dial, and tell of each dialer how far it came and why no further
#[derive(Debug, Args)]
#[command(after_help = LISTEN_EXAMPLES)]
pub(in crate::cli) struct ListenArgs {
    /// Listen here instead of on all interfaces; may be repeated
    #[arg(long, value_name = "MULTIADDR", value_parser = values::multiaddr, help_heading = "Where to listen")]
    pub(in crate::cli) listen: Vec<Multiaddr>,
    /// TCP and QUIC on this port, WebSocket and webrtc-direct on the next, WSS on the one after, then the page; 0 for any free ones
    #[arg(long, value_name = "PORT", default_value_t = node::PORT, value_parser = values::number(0..=node::LAST_PORT), allow_negative_numbers = true, conflicts_with = "listen", help_heading = "Where to listen")]
    pub(in crate::cli) port: u16,
    /// Serve WSS, and the page by HTTPS, with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "Where to listen")]
    pub(in crate::cli) tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "Where to listen")]
    pub(in crate::cli) tls_key: Option<PathBuf>,
    /// Serve the page here instead of on loopback: then others can open it
    #[arg(long, value_name = "IP:PORT", value_parser = values::page_addr, conflicts_with = "no_page", help_heading = "The page")]
    pub(in crate::cli) page_addr: Option<SocketAddr>,
    /// Serve no page
    #[arg(long, help_heading = "The page")]
    pub(in crate::cli) no_page: bool,
    /// Tell dialers and print this address too, where the node is reached from outside; may be repeated
    #[arg(long, value_name = "MULTIADDR", value_parser = values::multiaddr, help_heading = "Who to be")]
    pub(in crate::cli) announce: Vec<Multiaddr>,
    /// Be a relay for others (circuit relay v2), within limits
    #[arg(long, help_heading = "What to serve")]
    pub(in crate::cli) relay: bool,
    /// How long a connection through this relay may last
    #[arg(long, value_name = "TIME", value_parser = values::time, allow_hyphen_values = true, default_value = "2m", requires = "relay", help_heading = "What to serve")]
    pub(in crate::cli) relay_time: Duration,
    /// How many bytes a connection through this relay may carry each way
    #[arg(long, value_name = "BYTES", default_value_t = RelayLimits::default().circuit_bytes, requires = "relay", help_heading = "What to serve")]
    pub(in crate::cli) relay_bytes: u64,
    /// Keep a slot at this relay, to be reached through it; may be repeated
    #[arg(long, value_name = "MULTIADDR", value_parser = values::multiaddr, help_heading = "What to serve")]
    pub(in crate::cli) via: Vec<Multiaddr>,
    /// Keep the private key in this file instead of the user's data folder
    #[arg(long, value_name = "FILE", help_heading = "Who to be")]
    pub(in crate::cli) identity: Option<PathBuf>,
    /// Take a fresh key and keep none
    #[arg(long, conflicts_with = "identity", help_heading = "Who to be")]
    pub(in crate::cli) ephemeral: bool,
    /// Another `p2p-probe listen` that dials back for this one's dialers, and names this one as its partner
    #[arg(long, value_name = "MULTIADDR", value_parser = values::multiaddr, help_heading = "Whom to help")]
    pub(in crate::cli) partner: Option<Multiaddr>,
    /// How to write what is seen
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(in crate::cli) format: ListenFormat,
}

const LISTEN_EXAMPLES: &str = "\
Examples:
  p2p-probe listen
  p2p-probe listen --port 0 --ephemeral
  p2p-probe listen --listen /ip4/127.0.0.1/tcp/4011 --listen /ip4/127.0.0.1/udp/4011/quic-v1
  p2p-probe listen --tls-cert chain.pem --tls-key key.pem --announce /dns4/node.example.org/tcp/4013/wss
  p2p-probe listen --page-addr 0.0.0.0:4014    the page for others in this network
  p2p-probe listen --relay
  p2p-probe listen --via /ip4/203.0.113.7/tcp/4001/p2p/12D3KooW…
  p2p-probe listen --format ndjson    each dialer's events, for a program

It ends on Ctrl-C, SIGTERM or SIGHUP. Exit codes: 0 ended by a signal, 2 usage or internal error";

/// How `listen` writes what it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ListenFormat {
    /// For people: the addresses, then a line for each dialer
    Text,
    /// One JSON event a line as it happens
    Ndjson,
}
