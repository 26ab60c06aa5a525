//! An independent referee: coturn's STUN server with two addresses, and its client for NAT behaviour (RFC 5780).

use super::network::Network;
use super::referee::Behaviour;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The host that it runs on, and its first address.
pub const HOST: (&str, &str) = ("t", "11.22.36.1/24");
/// The addresses of each family, which make RFC 5780's first and other one, and what it takes to have them.
const FOUR: [&str; 2] = ["11.22.36.1", "11.22.36.2"];
const SIX: [&str; 2] = ["2a11:22:36::1", "2a11:22:36::2"];
const ADD_FOUR: &[&str] = &["addr add 11.22.36.2/24 dev eth0"];
const ADD_SIX: &[&str] = &[
    "-6 addr add 2a11:22:36::1/64 dev eth0 nodad",
    "-6 addr add 2a11:22:36::2/64 dev eth0 nodad",
    "-6 route add default dev eth0",
];

/// A question that is on its way: silence takes it seconds.
pub struct Coturn {
    server: Child,
    client: Option<Child>,
}

impl Coturn {
    /// Asks about the client's address, of either family.
    ///
    /// # Panics
    /// Where coturn is missing or does not start.
    pub fn ask(network: &Network, client: &str, home: &Path) -> Self {
        let (family, addresses, commands) = if client.contains(':') { ("6", SIX, ADD_SIX) } else { ("4", FOUR, ADD_FOUR) };
        for command in commands {
            let added = network.command(HOST.0, "ip").args(command.split(' ')).status();
            assert!(added.is_ok_and(|status| status.success()), "ip {command}");
        }
        let mut server = network.command(HOST.0, "turnserver");
        server.args(["-n", "-S", "-z", "--no-tls", "--no-dtls", "--no-tcp", "--no-cli", "--simple-log"]);
        for (option, file) in [("--log-file", "log"), ("--pidfile", "pid"), ("-b", "db")] {
            server.arg(option).arg(home.join(format!("turn{family}.{file}")));
        }
        let server = quiet(server.args(addresses.map(|address| format!("--listening-ip={address}"))));
        let server = server.stdout(Stdio::null()).spawn().expect("coturn: install the Debian package coturn");
        let mut coturn = Self { server, client: None };
        coturn.listens(network, family);
        let mut asking = network.command("c", "turnutils_natdiscovery");
        asking.args(["-m", "-f", "-L", client, addresses[0]]);
        let asking = quiet(&mut asking).stdout(Stdio::piped()).spawn().expect("coturn: install the Debian package coturn");
        coturn.client = Some(asking);
        coturn
    }

    fn listens(&mut self, network: &Network, family: &str) {
        for _ in 0..200 {
            let asked = [&format!("-Hlun{family}"), "sport", "=", ":3479"];
            let sockets = network.command(HOST.0, "ss").args(asked).output().expect("ss").stdout;
            if String::from_utf8_lossy(&sockets).lines().count() >= FOUR.len() {
                return;
            }
            assert!(!matches!(self.server.try_wait(), Ok(Some(_))), "coturn ended: install the Debian package coturn");
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("coturn does not listen");
    }

    /// Mapping and filtering of UDP, in the words of the lab; `blocked` where nothing was answered.
    pub fn told(mut self) -> Behaviour {
        let output = self.client.take().expect("asked once").wait_with_output().expect("a program");
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = |what: &str| {
            let end = format!(" {what}!");
            let mut lines = words.lines().filter_map(|line| line.trim().strip_prefix("NAT with ")?.strip_suffix(&end));
            lines.next_back().map(|kind| kind.to_lowercase().replace(' ', "-"))
        };
        let none = words.contains("No NAT!");
        let mapping = if none { Some("none".to_owned()) } else { told("Mapping") };
        let filtering = told("Filtering").map(|kind| if none && kind == "endpoint-independent" { "none".into() } else { kind });
        match mapping.zip(filtering) {
            Some(told) => told,
            None if words.contains("reflexive") => panic!("coturn says something else: {words}"),
            None => ("blocked".into(), "blocked".into()),
        }
    }
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stderr(Stdio::null())
}

impl Drop for Coturn {
    fn drop(&mut self) {
        for child in [Some(&mut self.server), self.client.as_mut()].into_iter().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
