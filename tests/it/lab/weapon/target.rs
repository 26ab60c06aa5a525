//! Who dials a peer behind a relay punches a hole to where that peer says that it is. Here it says that it is others, and other
//! ones in each round; what leaves the dialer is recorded meanwhile.

use super::punch::network;
use super::record::{Flow, Recorder};
use crate::certificate::Authority;
use crate::lab::network::Network;
use crate::peer::Peer;
use crate::program::{self, Run};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Child, Stdio};

/// Has the test be the peers, beside the dialer.
const PEERS: &str = "P2P_PROBE_TEST_TARGETS";
const MARK: &str = "behind: ";
const TEST: &str = "lab::weapon::target::a_dial_through_a_relay_is_no_weapon";
/// Who refuses, and who says nothing. No more hosts than these two are sent to.
const REFUSES: &str = "11.22.36.1";
const SILENT: &str = "11.22.36.2";
/// What is promised of one dial: places of one host, whatever the rounds name, and TCP dials of a host that refuses.
const PLACES: usize = 3;
const DIALS: u64 = 48;
/// The rounds that name what the first one does, and packets of a dial that nobody answers, in one of them.
const ROUNDS: u64 = 2;
const SEGMENTS: u64 = 5 * ROUNDS;
const DATAGRAMS: u64 = 12 * ROUNDS;
/// Of one dial in all, to whoever is named.
const IN_ALL: u64 = 150;

#[test]
fn a_dial_through_a_relay_is_no_weapon() {
    if std::env::var(PEERS).is_ok() {
        return be_peers();
    }
    let home = tempfile::tempdir().expect("a folder");
    let network = network();
    let (mut peers, circuits) = behind(&network);
    let mut faults = Vec::new();
    for (transport, circuit) in &circuits {
        let recorder = Recorder::start(&network, "c");
        let run = dial(&network, home.path(), circuit);
        faults.extend(judge(transport, &recorder.end(), &run));
    }
    drop(peers.stdin.take());
    assert!(peers.wait().is_ok_and(|status| status.success()));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Starts the peers on the dialer's host, and tells how each is dialed.
fn behind(network: &Network) -> (Child, BTreeMap<String, String>) {
    let itself = std::env::current_exe().expect("a program");
    let mut command = network.command("c", &itself.to_string_lossy());
    command.args(["--exact", TEST, "--nocapture"]).env(PEERS, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let told = lines.find_map(|line| Some(line.split_once(MARK)?.1.to_owned())).expect("the peers");
    // What it says at its end is to find a reader.
    std::thread::spawn(move || lines.count());
    (child, serde_json::from_str(&told).expect("JSON"))
}

/// A relay over each transport, and behind it who says where others are. They go on until the standard input ends.
#[expect(clippy::print_stdout, reason = "a program of its own, of which the output is read")]
fn be_peers() {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let circuits: BTreeMap<&str, String> = tokio.block_on(async {
        let authority = Authority::new();
        let mut circuits = BTreeMap::new();
        for (transport, layers) in [("tcp", "/tcp/{port}"), ("quic", "/udp/{port}/quic-v1")] {
            let rounds: Vec<Value> = [[0, 1], [1, 2], [0, 2]].map(|ports| json!({ "addresses": places(ports) })).into();
            let script =
                json!({ "kind": "libp2p", "transport": transport, "hop": { "target": { "punch": { "rounds": rounds } } } });
            let peer: Peer = serde_json::from_value(script).expect("a script");
            let running = peer.start(&authority).await;
            let layers = layers.replace("{port}", &running.port.to_string());
            let [relay, target] = [&running.id, &running.target].map(|id| id.clone().expect("a peer"));
            circuits.insert(transport, format!("/ip4/127.0.0.1{layers}/p2p/{relay}/p2p-circuit/p2p/{target}"));
        }
        circuits
    });
    println!("{MARK}{}", serde_json::to_string(&circuits).expect("JSON"));
    std::io::stdin().read_to_end(&mut Vec::new()).expect("an end");
}

/// Ports of others, over each transport: as many as are listened to at once, and then others.
fn places(ports: [u16; 2]) -> Vec<String> {
    let mut places = Vec::new();
    for first in ports.map(|part| 1000 + 10 * part) {
        for port in first..first + 3 {
            for host in 1..=8 {
                places.push(format!("/ip4/11.22.36.{host}/tcp/{port}"));
                places.push(format!("/ip4/11.22.36.{host}/udp/{port}/quic-v1"));
            }
        }
    }
    places
}

fn dial(network: &Network, home: &Path, circuit: &str) -> Run {
    let mut command = network.command("c", "timeout");
    program::settle(&mut command, home);
    command.args(["--kill-after=5", program::HANGS_AFTER]).arg(program::binary());
    command.args(["dial", circuit, "--punch", "--no-announced", "--format", "json"]);
    program::run(command)
}

/// What one host gets.
#[derive(Debug, Default)]
struct Sent {
    packets: u64,
    places: BTreeSet<(IpAddr, u16)>,
}

/// Who is sent to, how much, and at how many ports.
fn judge(transport: &str, flows: &[Flow], run: &Run) -> Vec<String> {
    let mut faults = Vec::new();
    let mut hosts: BTreeMap<String, Sent> = BTreeMap::new();
    let layer = if transport == "quic" { "udp" } else { "tcp" };
    for flow in flows.iter().filter(|flow| flow.packets > 0 && !flow.other.is_loopback()) {
        match flow.protocol.as_str() {
            "arp" | "icmp6" => continue,
            protocol if protocol == layer => {}
            other => faults.push(format!("{transport}: {} packets of {other} to {}", flow.packets, flow.other)),
        }
        let sent = hosts.entry(flow.other.to_string()).or_default();
        sent.packets += flow.packets;
        sent.places.insert((flow.other, flow.at));
    }
    for (host, sent) in &hosts {
        eprintln!("{transport}: {host}: {} packets to {} places", sent.packets, sent.places.len());
        let places = u64::try_from(PLACES).expect("small");
        let most = match (transport, host.as_str()) {
            ("tcp", REFUSES) => DIALS,
            ("tcp", SILENT) => places * SEGMENTS,
            ("quic", REFUSES | SILENT) => places * DATAGRAMS,
            _ => 0,
        };
        if sent.packets > most || sent.places.len() > PLACES {
            faults.push(format!("{transport}: {host} is sent to: {sent:?}"));
        }
    }
    // Else nothing was tried.
    for host in [REFUSES, SILENT] {
        if !hosts.contains_key(host) {
            faults.push(format!("{transport}: {host} is not sent to: {}{}", run.stdout, run.stderr));
        }
    }
    let all: u64 = hosts.values().map(|sent| sent.packets).sum();
    if all > IN_ALL {
        faults.push(format!("{transport}: {all} packets in all"));
    }
    faults
}
