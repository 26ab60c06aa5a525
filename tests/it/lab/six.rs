//! IPv6 in a network of the lab: routed and never translated, so that the first router is a firewall at most.

use super::network::Network;
use super::{HELPERS, Truth};
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

/// The addresses of [`HELPERS`].
pub const SIX: [(&str, &str); 2] = [("a", "2a11:22:33::1/64"), ("b", "2a11:22:34::2/64")];
/// Answers for the name that shows NAT64.
const DNS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/dns64.py");

/// Ends with the case.
pub struct NameServer(Option<Child>);

impl Drop for NameServer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// IPv6 of a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Six {
    /// The client's address.
    pub client: String,
    /// The first router's address towards the client.
    #[serde(default)]
    inside: Option<String>,
    /// nft rules for what that router passes on.
    #[serde(default)]
    forward: Vec<String>,
    /// Whether the client has nothing but IPv6.
    #[serde(default)]
    pub alone: bool,
    /// What the router's name server says of `ipv4only.arpa`: addresses, or nothing.
    #[serde(default)]
    dns: Option<Vec<String>>,
    pub truth: Truth,
}

impl Six {
    pub fn address(&self) -> &str {
        self.client.split('/').next().expect("an address")
    }

    /// Adds it to a network.
    pub fn add(&self, network: &Network) -> NameServer {
        for ((host, _), (_, address)) in HELPERS.iter().zip(&SIX) {
            on(network, host, &["ip -6 addr add {} dev eth0 nodad", "ip -6 route add default dev eth0"], address);
        }
        match &self.inside {
            None => on(network, "c", &["ip -6 addr add {} dev eth0 nodad", "ip -6 route add default dev eth0"], &self.client),
            Some(inside) => self.behind(network, inside),
        }
        if self.alone {
            on(network, "c", &["ip -4 addr flush dev eth0"], "");
        }
        for host in ["a", "b", "c", "r1"] {
            settled(network, host);
        }
        NameServer(self.dns.as_ref().map(|answers| serve(network, answers)))
    }

    fn behind(&self, network: &Network, inside: &str) {
        let router = inside.split('/').next().expect("an address");
        on(network, "r1", &["ip -6 addr add {} dev lan0 nodad", "ip -6 route add default dev eth0"], inside);
        on(network, "c", &["ip -6 addr add {} dev eth0 nodad"], &self.client);
        on(network, "c", &["ip -6 route add default via {}"], router);
        // Hosts on the wire look for every address on it.
        on(network, "r1", &["ip -6 neigh add proxy {} dev eth0"], self.address());
        let switches =
            "sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.eth0.proxy_ndp=1 net.ipv6.neigh.eth0.proxy_delay=0";
        on(network, "r1", &[switches], "");
        let rules =
            format!("table ip6 six {{ chain pass {{ type filter hook forward priority 0; {}; }}; }}", self.forward.join("; "));
        let done = network.command("r1", "nft").arg(&rules).status();
        assert!(done.is_ok_and(|status| status.success()), "{rules}");
    }
}

/// Runs commands on a host, `{}` standing for `address`.
pub fn on(network: &Network, host: &str, commands: &[&str], address: &str) {
    for command in commands {
        let mut words = command.split(' ').map(|word| word.replace("{}", address));
        let done = network.command(host, &words.next().expect("a program")).args(words).status();
        assert!(done.is_ok_and(|status| status.success()), "{host}: {command} ({address})");
    }
}

/// Waits until the host has made sure of its addresses.
pub fn settled(network: &Network, host: &str) {
    for _ in 0..200 {
        let open = network.command(host, "ip").args(["-6", "addr", "show", "tentative"]).output();
        // There may be no such router.
        if open.is_ok_and(|open| open.stdout.is_empty()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{host} does not get its IPv6 addresses");
}

fn serve(network: &Network, answers: &[String]) -> Child {
    let mut command = network.command("r1", "python3");
    let mut child = command.arg(DNS).args(answers).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("python3");
    let mut line = String::new();
    let output = child.stdout.take().expect("piped");
    BufReader::new(output).read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "ready");
    child
}
