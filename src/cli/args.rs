//! The arguments as they are typed, and what they ask for.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser, builder::TypedValueParser as _};
use multiaddr::Multiaddr;
use strum::IntoEnumIterator as _;

use super::{
    page::PageArgs,
    saved::{CompareArgs, ShowArgs},
    values,
};
use crate::{
    model::{self, Family, Options, Security, Transport, WebrtcVersions},
    nat::relay::RelayLimits,
    node,
};

/// Tells whether a libp2p peer can be reached, over what, from here, and if not, why and what would help.
#[derive(Debug, Parser)]
#[command(name = "p2p-probe", version, max_term_width = 100, after_help = EXAMPLES, propagate_version = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) common: Common,
}

const EXAMPLES: &str = "\
Examples:
  p2p-probe dial --self                                     check that p2p-probe works here
  p2p-probe dial /dns4/node.example.org/tcp/4001            can it be reached over TCP?
  p2p-probe dial /dnsaddr/bootstrap.libp2p.io --format json every address, for a program
  p2p-probe listen                                          be dialed, and see by whom
  p2p-probe nat --via /dns4/node.example.org/tcp/4011       can others reach this machine?
  p2p-probe compare home.json office.json                   what works from where, and why not
  p2p-probe explain certificate-expired                     what a code means

Exit codes: 0 reachable, 1 not reachable or not told, 2 usage or internal error, 130 interrupted";

/// What every subcommand takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(super) color: Color,
    /// Show no progress
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(super) quiet: bool,
    /// Log to stderr; more often, more of it
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub(super) verbose: u8,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Dial(Box<DialArgs>),
    Listen(Box<ListenArgs>),
    Nat(Box<NatArgs>),
    Page(PageArgs),
    Show(ShowArgs),
    Compare(CompareArgs),
    Explain(ExplainArgs),
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Dial a peer over each of its addresses and tell what works
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug, Args)]
#[command(after_help = DIAL_EXAMPLES)]
pub(super) struct DialArgs {
    /// The peer, as a multiaddr
    #[arg(required_unless_present = "own")]
    pub(super) target: Option<String>,
    /// Dial a node in this very process, over every transport that it serves
    #[arg(long = "self", conflicts_with = "target")]
    pub(super) own: bool,
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
    /// Punch a hole to a peer behind a relay, by DCUtR; over the transport that the relay is dialed over
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
    #[arg(long, value_name = "TIME", value_parser = values::time, default_value = "10s", help_heading = "How to dial")]
    timeout: Duration,
    /// The time for the whole run
    #[arg(long, value_name = "TIME", value_parser = values::time, default_value = "30s", help_heading = "How to dial")]
    deadline: Duration,
    /// How many pings to send over each connection, at most 100
    #[arg(long, value_name = "N", default_value_t = model::PINGS, value_parser = clap::value_parser!(u32).range(0..=i64::from(model::bounds::MOST_PINGS)), help_heading = "How to dial")]
    ping: u32,
    /// How many addresses to dial at once, at most 64
    #[arg(long, value_name = "N", default_value_t = model::CONCURRENCY, value_parser = clap::value_parser!(u32).range(1..=i64::from(model::bounds::MOST_AT_ONCE)), help_heading = "How to dial")]
    concurrency: u32,
    /// Ask this DNS server; port 53 unless given
    #[arg(long, value_name = "IP:PORT", value_parser = values::resolver, help_heading = "How to dial")]
    pub(super) resolver: Option<SocketAddr>,
    /// Dial from this address of this machine
    #[arg(long, value_name = "IP", help_heading = "How to dial")]
    pub(super) bind: Option<IpAddr>,
    /// Dial with the private key in this file instead of a fresh one
    #[arg(long, value_name = "FILE", help_heading = "How to dial")]
    pub(super) identity: Option<PathBuf>,
    /// Tell what the own network does to peers too, as far as the target helps (see `nat`)
    #[arg(long, conflicts_with = "own", help_heading = "How to dial")]
    pub(super) nat: bool,
    /// Exit with 1 when any attempt fails
    #[arg(long, help_heading = "Output")]
    pub(super) strict: bool,
    /// Replace IP addresses and peer IDs, always the same by the same
    #[arg(long, help_heading = "Output")]
    redact: bool,
    /// How to write the report
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(super) format: Format,
    /// Write to this file, whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
}

const DIAL_EXAMPLES: &str = "\
Examples:
  p2p-probe dial --self
  p2p-probe dial /ip4/203.0.113.7/tcp/4001
  p2p-probe dial /dns4/node.example.org/tcp/443/wss --transport wss --ping 10
  p2p-probe dial /dnsaddr/bootstrap.libp2p.io --family 6 --format json -o report.json
  p2p-probe dial /ip4/203.0.113.7/udp/4001/quic-v1 --redact    for a report in public

Exit codes: 0 reachable, 1 not reachable or not told, 2 usage or internal error, 130 interrupted";

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// One JSON document at the end, indented
    Json,
    /// One JSON event a line as it happens, the report at the end
    Ndjson,
    /// A page at the end that needs no other file
    Html,
}

/// Be a node for others to dial, and tell of each dialer how far it came and why no further
#[derive(Debug, Args)]
#[command(after_help = LISTEN_EXAMPLES)]
pub(super) struct ListenArgs {
    /// Listen here instead of on all interfaces; may be repeated
    #[arg(long, value_name = "MULTIADDR", value_parser = values::multiaddr, help_heading = "Where to listen")]
    pub(super) listen: Vec<Multiaddr>,
    /// TCP and QUIC on this port, WebSocket and webrtc-direct on the next, WSS on the one after, then the page; 0 for any free ones
    #[arg(long, value_name = "PORT", default_value_t = node::PORT, value_parser = clap::value_parser!(u16).range(0..=65532), conflicts_with = "listen", help_heading = "Where to listen")]
    pub(super) port: u16,
    /// Serve WSS, and the page by HTTPS, with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "Where to listen")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "Where to listen")]
    pub(super) tls_key: Option<PathBuf>,
    /// Serve the page here instead of on loopback: then others can open it
    #[arg(long, value_name = "IP:PORT", value_parser = values::page_addr, conflicts_with = "no_page", help_heading = "The page")]
    pub(super) page_addr: Option<SocketAddr>,
    /// Serve no page
    #[arg(long, help_heading = "The page")]
    pub(super) no_page: bool,
    /// Tell dialers and print this address too, where the node is reached from outside; may be repeated
    #[arg(long, value_name = "MULTIADDR", value_parser = values::multiaddr, help_heading = "Who to be")]
    pub(super) announce: Vec<Multiaddr>,
    /// Be a relay for others (circuit relay v2), within limits
    #[arg(long, help_heading = "What to serve")]
    pub(super) relay: bool,
    /// How long a connection through this relay may last
    #[arg(long, value_name = "TIME", value_parser = values::time, default_value = "2m", requires = "relay", help_heading = "What to serve")]
    pub(super) relay_time: Duration,
    /// How many bytes a connection through this relay may carry each way
    #[arg(long, value_name = "BYTES", default_value_t = RelayLimits::default().circuit_bytes, requires = "relay", help_heading = "What to serve")]
    pub(super) relay_bytes: u64,
    /// Keep a slot at this relay, to be reached through it; may be repeated
    #[arg(long, value_name = "MULTIADDR", value_parser = values::multiaddr, help_heading = "What to serve")]
    pub(super) via: Vec<Multiaddr>,
    /// Keep the private key in this file instead of the user's data folder
    #[arg(long, value_name = "FILE", help_heading = "Who to be")]
    pub(super) identity: Option<PathBuf>,
    /// Take a fresh key and keep none
    #[arg(long, conflicts_with = "identity", help_heading = "Who to be")]
    pub(super) ephemeral: bool,
    /// Another `p2p-probe listen` that dials back for this one's dialers, and names this one as its partner
    #[arg(long, value_name = "MULTIADDR", value_parser = values::multiaddr, help_heading = "Whom to help")]
    pub(super) partner: Option<Multiaddr>,
    /// How to write what is seen
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(super) format: ListenFormat,
}

/// Tell whether peers can reach this machine, over what, and if not, why and what would help
#[derive(Debug, Args)]
#[command(after_help = NAT_EXAMPLES)]
pub(super) struct NatArgs {
    /// Vantage points: libp2p nodes elsewhere, best one or two `p2p-probe listen` on different hosts; may be repeated
    #[arg(long, value_name = "MULTIADDR", required = true, num_args = 1.., value_parser = values::multiaddr, help_heading = "From where")]
    pub(super) via: Vec<Multiaddr>,
    /// STUN servers as further vantage points; may be repeated
    #[arg(long, value_name = "HOST:PORT", value_parser = values::host_port, help_heading = "From where")]
    pub(super) stun: Vec<(String, u16)>,
    /// Test this port, as of a forward made by hand: /ip4/0.0.0.0/tcp/4001 or …/udp/4001/quic-v1; may be repeated
    #[arg(long, value_name = "MULTIADDR", value_parser = values::test_port, help_heading = "What to test")]
    pub(super) listen: Vec<Multiaddr>,
    /// Have the vantage points dial a node that runs on this machine: /ip4/0.0.0.0/tcp/4001, with /p2p/… where it has to be that peer
    #[arg(long, value_name = "MULTIADDR", value_parser = values::checked, help_heading = "What to test")]
    pub(super) check: Option<Multiaddr>,
    /// Only IPv4 or only IPv6
    #[arg(long, value_name = "4|6", value_parser = values::family, help_heading = "What to test")]
    family: Option<Family>,
    /// The time for the whole run
    #[arg(long, value_name = "TIME", value_parser = values::time, default_value = "15s", help_heading = "How to test")]
    deadline: Duration,
    /// The time for the connection to one vantage point
    #[arg(long, value_name = "TIME", value_parser = values::time, default_value = "5s", help_heading = "How to test")]
    timeout: Duration,
    /// Ask this DNS server; port 53 unless given
    #[arg(long, value_name = "IP:PORT", value_parser = values::resolver, help_heading = "How to test")]
    pub(super) resolver: Option<SocketAddr>,
    /// Replace IP addresses and peer IDs, always the same by the same
    #[arg(long, help_heading = "Output")]
    redact: bool,
    /// How to write the report
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(super) format: Format,
    /// Write to this file, whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
}

const NAT_EXAMPLES: &str = "\
Examples:
  p2p-probe nat --via /dns4/a.example.org/tcp/4011 --via /dns4/b.example.org/tcp/4011
  p2p-probe nat --via /dns4/a.example.org/tcp/4011 --stun stun.example.org:3478
  p2p-probe nat --via /dns4/a.example.org/tcp/4011 --check /ip4/0.0.0.0/tcp/4001   is my running node reachable?
  p2p-probe nat --via /dns4/a.example.org/tcp/4011 --listen /ip4/0.0.0.0/udp/4001/quic-v1

Exit codes: 0 peers can reach this machine, 1 they cannot or it could not be told, 2 usage or internal error, 130 interrupted";

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

It ends on Ctrl-C or SIGTERM. Exit codes: 0 ended by a signal, 2 usage or internal error";

/// How `listen` writes what it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListenFormat {
    /// For people: the addresses, then a line for each dialer
    Text,
    /// One JSON event a line as it happens
    Ndjson,
}

/// Explain a code of a report, or what an address means; without an argument, list all codes
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  p2p-probe explain udp-silent\n  p2p-probe explain /dns4/node.example.org/tcp/443/wss")]
pub(super) struct ExplainArgs {
    /// A code or a multiaddr
    pub(super) what: Option<String>,
    /// Write all causes as a Markdown table
    #[arg(long, hide = true, conflicts_with = "what")]
    pub(super) markdown: bool,
}

/// Print the JSON Schema of a report, an event or a comparison
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of what
    #[arg(default_value = "report")]
    pub(super) what: SchemaOf,
}

/// What a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// What `--format json` writes
    Report,
    /// A line of what `--format ndjson` writes
    Event,
    /// What `compare --format json` writes
    Comparison,
}

/// Print a script that completes arguments in a shell
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

/// Print the manual page, or write the pages of all subcommands
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write every page into this folder
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

fn transports() -> impl clap::builder::TypedValueParser<Value = Transport> {
    PossibleValuesParser::new(Transport::iter().map(<&str>::from)).try_map(|name| name.parse::<Transport>())
}

fn security() -> impl clap::builder::TypedValueParser<Value = Security> {
    PossibleValuesParser::new(["noise", "tls"]).try_map(|name| name.parse::<Security>())
}

fn webrtc() -> impl clap::builder::TypedValueParser<Value = WebrtcVersions> {
    PossibleValuesParser::new(["v1", "v2", "both"]).try_map(|name| name.parse::<WebrtcVersions>())
}

fn family_of(ip: IpAddr) -> Family {
    if ip.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
}

impl DialArgs {
    /// Options that each have their sense and together have none.
    pub(super) fn contradiction(&self) -> Option<String> {
        let (family, bind) = (self.family?, self.bind?);
        (family != family_of(bind)).then(|| format!("--bind {bind} is not of the family that --family asks for"))
    }

    /// How the run is asked to work.
    pub(super) fn options(&self) -> Options {
        Options {
            transports: (!self.transports.is_empty()).then(|| self.transports.clone()),
            // What is dialed from one address is of its family.
            family: self.family.or(self.bind.map(family_of)),
            security: self.security,
            webrtc: self.webrtc,
            learn_certhash: self.learn_certhash,
            announced: !self.no_announced,
            punch: self.punch,
            private: self.private,
            timeout_ms: self.timeout.into(),
            deadline_ms: self.deadline.into(),
            pings: self.ping,
            concurrency: self.concurrency,
            redacted: self.redact,
        }
    }
}

impl NatArgs {
    /// How the run is asked to work.
    pub(super) fn options(&self) -> Options {
        Options {
            family: self.family,
            announced: false,
            pings: 0,
            timeout_ms: self.timeout.into(),
            deadline_ms: self.deadline.into(),
            redacted: self.redact,
            ..Options::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn dial(arguments: &str) -> Result<DialArgs, clap::Error> {
        let cli = Cli::try_parse_from(["p2p-probe", "dial"].into_iter().chain(arguments.split_whitespace()))?;
        match cli.command {
            Command::Dial(args) => Ok(*args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_options_a_run_has_the_defaults() {
        assert_eq!(dial("/ip4/1.2.3.4/tcp/1").unwrap().options(), Options::default());
    }

    #[test]
    fn options_become_what_the_run_is_asked() {
        let args =
            dial("/p --transport tcp,quic --family 6 --security tls --no-announced --private --timeout 1500ms --ping 0 --redact");
        let options = args.unwrap().options();
        assert_eq!(options.transports, Some(vec![Transport::Tcp, Transport::Quic]));
        assert_eq!((options.family, options.security), (Some(Family::Ipv6), Some(Security::Tls)));
        assert_eq!((options.announced, options.private, options.redacted, options.pings), (false, true, true, 0));
        assert_eq!(options.timeout_ms, model::Micros(1_500_000));
        assert_eq!(dial("/p --bind ::1").unwrap().options().family, Some(Family::Ipv6));
        assert_eq!(dial("/p --bind ::1 --family 6").unwrap().contradiction(), None);
        assert!(dial("/p --bind ::1 --family 4").unwrap().contradiction().is_some());
        assert_eq!(dial("/p --resolver 9.9.9.9").unwrap().resolver, Some("9.9.9.9:53".parse().unwrap()));
        assert_eq!(dial("/p --resolver [::1]:5353").unwrap().resolver, Some("[::1]:5353".parse().unwrap()));
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error() {
        for arguments in [
            "",
            "/p --self",
            "/p --transport tpc",
            "/p --ping 101",
            "/p --concurrency 0",
            "/p --timeout 0s",
            "/p --timeout 10",
            "/p --family 5",
            "/p --resolver name",
            "/p --resolver 9.9.9.9:0",
            "/p --security ssl",
            "/p --format xml",
            "/p --deadline 100d",
        ] {
            let error = dial(arguments).expect_err(arguments);
            assert_eq!(error.exit_code(), 2, "{arguments}");
        }
        let error = dial("/p --transport tpc").unwrap_err().to_string();
        for transport in Transport::iter() {
            assert!(error.contains(<&str>::from(transport)), "{error}");
        }
    }
}
