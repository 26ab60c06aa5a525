//! Dials from a network that has IPv6 alone, through its translator.

use super::network::Network;
use super::{HELPERS, all};
use crate::program;
use crate::rules;
use serde_json::{Value, json};

/// The case whose network it is.
const CASE: &str = "IPv6 alone, and NAT64";
const NAME: &str = "/dns6/ipv4only.arpa";

#[test]
fn ipv4_is_dialed_through_a_translator() {
    let case = all().into_iter().find(|case| case.name == CASE).expect("a case");
    let home = tempfile::tempdir().expect("a folder");
    let network = Network::new(&case.client, &case.input, &case.routers, &HELPERS);
    let _services = case.six.as_ref().expect("IPv6").add(&network, home.path());
    let helpers = case.helpers(&network, home.path());
    let (_, literal) = &helpers["a"];
    let layers = literal.strip_prefix("/ip4/11.22.33.1").expect("a literal");
    for (host, names) in [
        ("/ip4/11.22.33.1", json!([NAME])),
        ("/dns4/a.lab.test", json!(["/dns4/a.lab.test", NAME])),
        ("/dns6/a.lab.test", json!(["/dns6/a.lab.test"])),
    ] {
        for transport in ["/tcp/4011", "/udp/4011/quic-v1"] {
            let peer = layers.rsplit_once("/p2p/").expect("a peer").1;
            let address = format!("{host}{transport}/p2p/{peer}");
            let mut command = network.command("c", &program::binary().to_string_lossy());
            program::settle(&mut command, home.path());
            command.args(["dial", &address, "--no-announced", "--format", "json"]).args(&case.args);
            let run = program::run(command);
            let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no report: {}", run.stderr));
            assert_eq!((run.exit, rules::faults(&report, run.exit)), (0, Vec::<String>::new()), "{address}: {report}");
            let attempt = &report["attempts"][0];
            let remote = format!("/ip6/64:ff9b::b16:2101{transport}");
            assert_eq!((&attempt["remote"], &attempt["names"]), (&remote.into(), &names), "{address}: {report}");
        }
    }
    // Nobody else is reached by names that have both.
    let mut command = network.command("c", &program::binary().to_string_lossy());
    program::settle(&mut command, home.path());
    command.args(["dial", "/ip4/10.1.2.3/tcp/4011", "--private", "--format", "json"]).args(&case.args);
    let report: Value = serde_json::from_str(&program::run(command).stdout).expect("a report");
    // A private address means nothing to a translator (RFC 6052, section 3.1).
    assert_eq!(report["attempts"][0]["why"]["code"], "no-local-family", "{report}");
}
