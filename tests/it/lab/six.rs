//! IPv6 in a network of the lab: routed and never translated, so that the first router is a firewall at most.

use super::network::Network;
use super::{HELPERS, Truth};
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

/// The addresses of [`HELPERS`].
pub const SIX: [(&str, &str); 2] = [("a", "2a11:22:33::1/64"), ("b", "2a11:22:34::2/64")];
/// Answers for the name that shows NAT64.
const DNS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/dns64.py");

/// The name server and the translator of a case; they end with it.
pub struct Services(Vec<Child>);

impl Drop for Services {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A translator with addresses that it gives to those who are translated, which the router translates once more: many share one.
const TRANSLATOR: &str = "tun-device nat64
prefix 64:ff9b::/96
ipv4-addr 192.168.255.1
ipv6-addr 2a11:22:40::64
dynamic-pool 192.168.255.0/24
";

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
    /// Whether it is the router's gateway that lets in what those rules do not, when it is asked to.
    #[serde(default)]
    pinholes: bool,
    /// Whether the client has nothing but IPv6.
    #[serde(default)]
    pub alone: bool,
    /// Whether the first router translates what is sent to addresses that stand for those of IPv4 (NAT64).
    #[serde(default)]
    pub nat64: bool,
    /// What the router's name server says of `ipv4only.arpa`: addresses, or nothing; and of other names, `name=address`.
    #[serde(default)]
    dns: Option<Vec<String>>,
    pub truth: Truth,
}

impl Six {
    pub fn address(&self) -> &str {
        self.client.split('/').next().expect("an address")
    }

    /// Adds it to a network.
    pub fn add(&self, network: &Network, home: &Path) -> Services {
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
        let translator = self.nat64.then(|| translate(network, home));
        Services(self.dns.as_ref().map(|answers| serve(network, answers)).into_iter().chain(translator).collect())
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
        let rules = if self.pinholes {
            let lines = self.forward.iter().map(|rule| format!("add rule inet filter forward meta nfproto ipv6 {rule}"));
            lines.collect::<Vec<_>>().join("; ")
        } else {
            format!("table ip6 six {{ chain pass {{ type filter hook forward priority 0; {}; }}; }}", self.forward.join("; "))
        };
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

/// # Panics
/// Where tayga is missing.
fn translate(network: &Network, home: &Path) -> Child {
    let file = home.join("tayga.conf");
    std::fs::write(&file, format!("{TRANSLATOR}data-dir {}\n", home.display())).expect("a file");
    let tayga = || {
        let mut command = network.command("r1", "tayga");
        command.arg("--config").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let made = tayga().arg("--mktun").status();
    assert!(made.is_ok_and(|status| status.success()), "no translator: install the Debian package tayga");
    let ways = ["ip link set {} up", "ip route add 192.168.255.0/24 dev {}", "ip -6 route add 64:ff9b::/96 dev {}"];
    on(network, "r1", &ways, "nat64");
    tayga().arg("--nodetach").spawn().expect("tayga")
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
