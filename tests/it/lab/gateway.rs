//! Gateways that map ports when they are asked: miniupnpd, by UPnP, PCP and NAT-PMP.

use super::network::{Network, Router};
use serde::Deserialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// What a router does when it is asked to map a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gateway {
    /// It does, by all three protocols.
    Grants,
    /// It does by UPnP alone.
    Upnp,
    /// It answers and does not.
    Refuses,
}

impl Gateway {
    fn configuration(self) -> String {
        let mut text = String::from(CONFIGURATION);
        let _ = writeln!(text, "enable_natpmp={}", if self == Self::Upnp { "no" } else { "yes" });
        let allowed = if self == Self::Refuses { "" } else { "allow 1024-65535 0.0.0.0/0 1024-65535\n" };
        text + allowed + "deny 0-65535 0.0.0.0/0 0-65535\n"
    }
}

/// The gateways of a network; they end with this.
pub struct Gateways(Vec<PathBuf>);

/// Starts the gateways of a network's routers.
///
/// # Panics
/// Where miniupnpd is missing or does not start.
pub fn start(network: &Network, routers: &[Router], home: &Path) -> Gateways {
    let running = routers.iter().enumerate().filter_map(|(place, router)| {
        let name = format!("r{}", place + 1);
        let file = home.join(format!("{name}.conf"));
        std::fs::write(&file, router.gateway?.configuration()).expect("a file");
        // Not in the foreground: there it writes a line for each of 65,535 ports before it refuses one.
        let pid = home.join(format!("{name}.pid"));
        let mut command = network.command(&name, "miniupnpd");
        command.arg("-f").arg(&file).arg("-P").arg(&pid);
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(
            started.is_ok_and(|status| status.success()),
            "miniupnpd does not start: install the Debian package miniupnpd-nftables"
        );
        listens(network, &name);
        Some(pid)
    });
    Gateways(running.collect())
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

/// Ports that are still mapped.
pub fn left(network: &Network, routers: &[Router]) -> Vec<String> {
    let mut left = Vec::new();
    for (place, _) in routers.iter().enumerate().filter(|(_, router)| router.gateway.is_some()) {
        let mut command = network.command(&format!("r{}", place + 1), "nft");
        let rules = command.args(["list", "chain", "inet", "filter", "prerouting_miniupnpd"]).output().expect("nft").stdout;
        let rules = String::from_utf8_lossy(&rules).into_owned();
        left.extend(rules.lines().filter(|line| line.contains("dnat")).map(|line| format!("still mapped: {}", line.trim())));
    }
    left
}

impl Drop for Gateways {
    fn drop(&mut self) {
        for pid in self.0.iter().filter_map(|file| std::fs::read_to_string(file).ok()) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}
