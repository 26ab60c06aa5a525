//! A network of namespaces: the client `c`, routers `r1` and on, and hosts, on one wire. It lives as long as the process that
//! holds it, as root or in a user namespace.

use super::gateway::CHAINS;
use serde::Deserialize;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// What the network is made with, and the Debian package of each.
const TOOLS: [(&str, &str); 5] =
    [("unshare", "util-linux"), ("nsenter", "util-linux"), ("ip", "iproute2"), ("nft", "nftables"), ("python3", "python3")];
/// The outermost router's address on the wire.
const OUTSIDE: &str = "11.22.35.9/24";
/// Delivers packets later.
const DELAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/delay.py");

/// Who the client has sent to, from which of its ports: for rules of what comes in to it.
const KNOWN: &str = "set known { type inet_proto . inet_service . ipv4_addr; flags dynamic,timeout; timeout 120s; }
set known6 { type inet_proto . inet_service . ipv6_addr; flags dynamic,timeout; timeout 120s; }
chain go {
  type filter hook output priority 0
  meta l4proto { tcp, udp } meta nfproto ipv4 update @known { meta l4proto . th sport . ip daddr }
  meta l4proto { tcp, udp } meta nfproto ipv6 update @known6 { meta l4proto . th sport . ip6 daddr }
}
";

/// A host, and what is between it and the wire.
pub struct Site<'a> {
    /// `c`, whose routers are called `r1` and on, or another name, which is the first letter of its routers'.
    pub host: &'a str,
    pub address: &'a str,
    /// From the host outwards.
    pub routers: &'a [Router],
    /// How much later packets are delivered, each way, in milliseconds.
    pub delay: Option<u32>,
}

impl Site<'_> {
    fn router(&self, place: usize) -> String {
        let host = if self.host == "c" { "" } else { self.host };
        format!("{host}r{}", place + 1)
    }

    /// What is on the wire, and its address there.
    fn outermost(&self) -> (String, &str) {
        match self.routers.last() {
            Some(router) => (self.router(self.routers.len() - 1), &router.outside),
            None => (self.host.to_owned(), self.address),
        }
    }
}

/// A router with NAT.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// Its address towards the client.
    inside: String,
    /// Its address away from the client, if it is not on the wire.
    #[serde(default = "outside")]
    outside: String,
    /// nft statements that translate what goes out; a semicolon separates several.
    source: String,
    /// Who may send UDP to a mapped port: `everybody`, also where the NAT gives another port than the own (`everybody, to any port`),
    /// `known-hosts`, or else only who was sent to.
    #[serde(default)]
    udp: String,
    /// Its other addresses on that side.
    #[serde(default)]
    others: Vec<String>,
    /// nft rules for what comes from outside, before it is routed.
    #[serde(default)]
    forwarded: Vec<String>,
    /// nft rules for what is passed on.
    #[serde(default)]
    forward: Vec<String>,
    /// Whether the client reaches itself by its outside address.
    #[serde(default)]
    hairpin: bool,
    /// What it does when it is asked to map a port, see `gateway`; without it nobody can be asked.
    #[serde(default)]
    pub gateway: Option<String>,
    /// Whether unsolicited packets are answered by a refusal, and not just dropped.
    #[serde(default)]
    refuses: bool,
}

fn outside() -> String {
    OUTSIDE.into()
}

/// A network, and the process that holds it.
pub struct Network {
    holder: Child,
    /// How much later packets are delivered, each way, in milliseconds; the most of any site.
    pub delay: u32,
}

impl Network {
    /// # Panics
    /// Where a tool is missing or the network cannot be made: a test that cannot run has not passed.
    pub fn new(client: &str, input: &[String], routers: &[Router], hosts: &[(&str, &str)]) -> Self {
        Self::of(&[Site { host: "c", address: client, routers, delay: None }], input, hosts)
    }

    /// The same of several sites. `input` is what the host `c` lets in.
    pub fn of(sites: &[Site<'_>], input: &[String], hosts: &[(&str, &str)]) -> Self {
        for (tool, package) in TOOLS {
            let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            assert!(found.is_ok(), "this test needs `{tool}`: install the Debian package {package}");
        }
        check_rights();
        let script = script(sites, input, hosts);
        let mut command = Command::new("unshare");
        command.arg(if is_root() { "-nm" } else { "-Urnm" }).args(["sh", "-c", &script]);
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("unshare");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        if line.trim() != "ready" {
            let mut words = String::new();
            let _ = holder.stderr.take().expect("piped").read_to_string(&mut words);
            panic!("no network: {words}\n{script}");
        }
        Self { holder, delay: sites.iter().filter_map(|site| site.delay).max().unwrap_or(0) }
    }

    /// What the client's routers translate at the moment, to be read where something is wrong.
    pub fn translations(&self, routers: &[Router]) -> Vec<String> {
        let router = |place: usize| {
            let name = format!("r{}", place + 1);
            let output = self.command(&name, "conntrack").arg("-L").output();
            let words =
                output.map_or_else(|error| error.to_string(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
            format!("{name} translates:\n{words}")
        };
        (0..routers.len()).map(router).collect()
    }

    /// A program on one of its hosts.
    pub fn command(&self, host: &str, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.holder.id().to_string(), "-m", "-n"]);
        if !is_root() {
            command.args(["-U", "--preserve-credentials"]);
        }
        command.args(["ip", "netns", "exec", host, program]);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Who is not root makes networks in a user namespace.
///
/// # Panics
/// Where that is forbidden.
pub fn check_rights() {
    if is_root() {
        return;
    }
    let tried = Command::new("unshare").args(["-Urnm", "true"]).stdin(Stdio::null()).output().expect("unshare");
    assert!(
        tried.status.success(),
        "this test makes networks of its own, which this user may not: {}. Run it as root, or allow user namespaces: \
         sysctl user.max_user_namespaces=10000, and where there are such settings kernel.unprivileged_userns_clone=1 and \
         kernel.apparmor_restrict_unprivileged_userns=0",
        String::from_utf8_lossy(&tried.stderr).trim()
    );
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"))
}

fn script(sites: &[Site<'_>], input: &[String], hosts: &[(&str, &str)]) -> String {
    let mut script = String::from(
        "set -e\nexport PATH=$PATH:/usr/sbin:/sbin\nmount -t tmpfs none /run\nmkdir -p /run/netns\n\
         host() { ip netns add $1; ip -n $1 link set lo up; }\n\
         plug() { ip -n wire link add p$1 type veth peer name eth0 netns $1; ip -n wire link set p$1 master br0 up\n\
         join $1 $2; }\n\
         join() { ip -n $1 addr add $2 dev eth0; ip -n $1 link set eth0 up; ip -n $1 route add default dev eth0; }\n\
         inside() { ip -n $1 link add lan0 type veth peer name eth0 netns $3; ip -n $1 addr add $2 dev lan0; ip -n $1 link set lan0 up\n\
         ip -n $3 addr add $4 dev eth0; ip -n $3 link set eth0 up; ip -n $3 route add default via ${2%/*}\n\
         ip netns exec $1 sysctl -qw net.ipv4.ip_forward=1; }\n\
         host wire\nip -n wire link add br0 type bridge\nip -n wire link set br0 up\n",
    );
    for (name, address) in hosts {
        let _ = writeln!(script, "host {name}\nplug {name} {address}");
    }
    for site in sites {
        let _ = writeln!(script, "host {}", site.host);
        let mut within = (site.host.to_owned(), site.address);
        for (place, router) in site.routers.iter().enumerate() {
            let name = site.router(place);
            let _ = writeln!(script, "host {name}\ninside {name} {} {} {}", router.inside, within.0, within.1);
            let _ = writeln!(script, "ip netns exec {name} nft -f - <<'RULES'\n{}RULES", router.rules());
            within = (name, &router.outside);
        }
        let (name, address) = site.outermost();
        let _ = match site.delay {
            None => writeln!(script, "plug {name} {address}"),
            // It ends with the standard input of this script, which lasts as long as the network.
            Some(delay) => writeln!(
                script,
                "mkfifo /run/{name}\nexec 3<&0\nip netns exec wire python3 '{DELAY}' {delay} {name} <&3 >/run/{name} &\n\
                 read -r stands </run/{name}\njoin {name} {address}"
            ),
        };
        for other in site.routers.last().iter().flat_map(|router| &router.others) {
            let _ = writeln!(script, "ip -n {name} addr add {other} dev eth0");
        }
    }
    if !input.is_empty() {
        let chain =
            format!("table inet own {{\n{KNOWN}chain come {{ type filter hook input priority 0;\n{}\n}}\n}}\n", input.join("\n"));
        let _ = writeln!(script, "ip netns exec c nft -f - <<'RULES'\n{chain}RULES");
    }
    // Until the test is done with it.
    script + "echo ready\nread -r end\n"
}

impl Router {
    /// Its address towards the client.
    pub fn address(&self) -> &str {
        self.inside.split('/').next().expect("an address")
    }

    /// A router that translates and does nothing else.
    pub fn plain(inside: &str, outside: &str, source: &str, udp: &str, refuses: bool) -> Self {
        let [inside, outside, source, udp] = [inside, outside, source, udp].map(str::to_owned);
        Self {
            inside,
            outside,
            source,
            udp,
            refuses,
            others: Vec::new(),
            forwarded: Vec::new(),
            forward: Vec::new(),
            hairpin: false,
            gateway: None,
        }
    }

    /// Unsolicited packets to the router itself are dropped unless it refuses: an answer to them would end hole punches and
    /// change mappings.
    fn rules(&self) -> String {
        let ip = self.outside.split('/').next().expect("an address");
        let lan = if self.hairpin { format!("ip daddr {ip} ") } else { "iifname eth0 ".into() };
        let incoming = match self.udp.as_str() {
            "everybody" => format!("{lan}dnat to udp dport map @inner"),
            "everybody, to any port" => format!("{lan}dnat ip to udp dport map @wide"),
            "known-hosts" => format!("{lan}udp dport . ip saddr @known dnat to udp dport map @inner"),
            "" => String::new(),
            other => panic!("no such rule for UDP: {other}"),
        };
        let noted = "oifname eth0 meta l4proto udp update @inner { udp sport : ip saddr }\n\
                     oifname eth0 meta l4proto udp update @known { udp sport . ip daddr }";
        let noted = if self.udp.is_empty() { "" } else { noted };
        // Once the source has its outside port.
        let given = "oifname eth0 ct direction original meta l4proto udp \
                     update @wide { udp sport : ct original ip saddr . ct original proto-src }";
        let given = if self.udp.contains("any port") { given } else { "" };
        let forwarded = lines(lan.trim_end(), self.forwarded.iter().map(String::as_str));
        let source = lines("oifname eth0", self.source.split(';'));
        let unsolicited = if self.refuses {
            "iifname eth0 ct state new meta l4proto tcp reject with tcp reset\niifname eth0 ct state new reject"
        } else {
            "iifname eth0 ct state new,invalid drop"
        };
        // The way back from the client to itself leads over the router only if it seems to come from there.
        let hairpin = if self.hairpin { "oifname lan0 iifname lan0 masquerade" } else { "" };
        format!(
            "table ip router {{\n\
             map inner {{ type inet_service : ipv4_addr; flags dynamic,timeout; timeout 120s; }}\n\
             map wide {{ type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout 120s; }}\n\
             set known {{ type inet_service . ipv4_addr; flags dynamic,timeout; timeout 120s; }}\n\
             chain before {{ type nat hook prerouting priority -100;\n{forwarded}{incoming}\n}}\n\
             chain after {{ type nat hook postrouting priority 100;\n{hairpin}\n{source}}}\n\
             chain translated {{ type filter hook postrouting priority 200;\n{given}\n}}\n\
             chain pass {{ type filter hook forward priority 0;\n{}\n{noted}\n}}\n\
             chain own {{ type filter hook input priority 0;\n{unsolicited}\n}}\n}}\n",
            self.forward.join("\n")
        ) + self.gateway.as_ref().map_or("", |_| CHAINS)
    }
}

/// A rule a line, each for one interface.
fn lines<'a>(interface: &str, rules: impl Iterator<Item = &'a str>) -> String {
    rules.fold(String::new(), |mut lines, rule| {
        let _ = writeln!(lines, "{interface} {rule}");
        lines
    })
}
