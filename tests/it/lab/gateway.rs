//! Gateways that map ports when they are asked: miniupnpd, by UPnP, PCP and NAT-PMP, and scripted ones.

use super::network::{Network, Router};
use crate::program::Live;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The chains that it writes its rules to, and what they hang on.
pub const CHAINS: &str = "table inet filter {
chain forward { type filter hook forward priority 0; jump miniupnpd; }
chain prerouting { type nat hook prerouting priority -101; jump prerouting_miniupnpd; }
chain postrouting { type nat hook postrouting priority 99; jump postrouting_miniupnpd; }
chain miniupnpd { }
chain prerouting_miniupnpd { }
chain postrouting_miniupnpd { }
}
";
const CONFIGURATION: &str = "ext_ifname=eth0
listening_ip=lan0
http_port=5000
enable_upnp=yes
secure_mode=yes
uuid=00000000-0000-0000-0000-000000000001
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
";

/// Misbehaves, or tells what it is told to.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/gateway/gateway.py");
/// A host beyond the router, which nothing a gateway says may lead to.
const ELSEWHERE: &str = "11.22.33.1";

/// What miniupnpd is told, if this is miniupnpd: `grants` by all three protocols, `grants by UPnP`, `grants some
/// ports` of the line, or `refuses`.
fn configuration(gateway: &str) -> Option<String> {
    let allowed = match gateway {
        "grants" | "grants by UPnP" => "allow 1024-65535 0.0.0.0/0 1024-65535\n",
        // Those that systems give to connections.
        "grants some ports" => "allow 32768-65535 0.0.0.0/0 1024-65535\n",
        "refuses" => "",
        _ => return None,
    };
    let mut text = String::from(CONFIGURATION);
    let _ = writeln!(text, "enable_natpmp={}", if gateway == "grants by UPnP" { "no" } else { "yes" });
    Some(text + allowed + "deny 0-65535 0.0.0.0/0 0-65535\n")
}

/// The gateways of a network; they end with this.
pub struct Gateways(Vec<Running>);

enum Running {
    /// miniupnpd, by the file with its process ID.
    Daemon(PathBuf),
    Script {
        _script: Script,
    },
}

/// Starts the gateways of a network's routers.
///
/// # Panics
/// Where miniupnpd is missing or does not start.
pub fn start(network: &Network, routers: &[Router], home: &Path) -> Gateways {
    let running = routers.iter().enumerate().filter_map(|(place, router)| {
        let (name, gateway) = (format!("r{}", place + 1), router.gateway.as_ref()?);
        Some(match configuration(gateway) {
            Some(text) => Running::Daemon(daemon(network, &name, &text, home)),
            None => Running::Script { _script: Script::start(network, &name, gateway, router.address()) },
        })
    });
    Gateways(running.collect())
}

/// Not in the foreground: there it writes a line for each of 65,535 ports before it refuses one.
fn daemon(network: &Network, name: &str, configuration: &str, home: &Path) -> PathBuf {
    let [file, pid] = ["conf", "pid"].map(|kind| home.join(format!("{name}.{kind}")));
    std::fs::write(&file, configuration).expect("a file");
    let mut command = network.command(name, "miniupnpd");
    command.arg("-f").arg(&file).arg("-P").arg(&pid);
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(
        started.is_ok_and(|status| status.success()),
        "miniupnpd does not start: install the Debian package miniupnpd-nftables"
    );
    listens(network, name);
    pid
}

/// A scripted gateway, or a trap for those whom one sends astray.
pub struct Script {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Script {
    pub fn start(network: &Network, host: &str, behaviour: &str, address: &str) -> Self {
        let mut command = network.command(host, "python3");
        command.args([SCRIPT, behaviour, address, ELSEWHERE]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut script = Self { child, output };
        assert_eq!(script.line(), "ready", "{behaviour}");
        script
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }

    /// What a trap says at its end.
    pub fn end(mut self) -> String {
        drop(self.child.stdin.take());
        self.line()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until it answers.
fn listens(network: &Network, name: &str) {
    for _ in 0..100 {
        let sockets = network.command(name, "ss").args(["-Hltn", "sport", "=", ":5000"]).output().expect("ss");
        if !sockets.stdout.is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("miniupnpd does not listen");
}

/// What miniupnpd maps, as it does.
pub struct Watch(Live);

impl Watch {
    /// What the gateway on this router maps from now on.
    pub fn start(network: &Network, name: &str) -> Self {
        let mut command = network.command(name, "nft");
        command.args(["monitor", "new", "rules"]);
        Self(Live::start(command))
    }

    /// Waits until a port is mapped. False where that takes too long.
    pub fn mapped(&mut self) -> bool {
        std::iter::from_fn(|| self.0.next_line()).any(|line| line.contains(" dnat "))
    }
}

/// Ports that are still mapped.
pub fn left(network: &Network, routers: &[Router]) -> Vec<String> {
    let mut left = Vec::new();
    let asked = |router: &Router| router.gateway.as_ref().is_some_and(|gateway| configuration(gateway).is_some());
    for (place, _) in routers.iter().enumerate().filter(|(_, router)| asked(router)) {
        let mut command = network.command(&format!("r{}", place + 1), "nft");
        let rules = command.args(["list", "table", "inet", "filter"]).output().expect("nft").stdout;
        let rules = String::from_utf8_lossy(&rules).into_owned();
        // What it lets in, and where to.
        let its_own = |line: &&str| line.contains("dnat") || line.trim().ends_with(" accept");
        left.extend(rules.lines().filter(its_own).map(|line| format!("still mapped: {}", line.trim())));
    }
    left
}

impl Drop for Gateways {
    fn drop(&mut self) {
        let pid = |running: &Running| match running {
            Running::Daemon(file) => std::fs::read_to_string(file).ok(),
            Running::Script { .. } => None,
        };
        for pid in self.0.iter().filter_map(pid) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}
