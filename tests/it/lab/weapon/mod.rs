//! `listen` is no weapon: everything that leaves it is recorded while somebody tries to have it send to others. By addresses
//! that are named, in every protocol that takes one; and by datagrams from addresses that are somebody else's.

mod asker;
mod mover;
mod punch;
mod record;
mod target;

use super::network::Network;
use super::referee::Host;
use super::{peers, six};
use crate::program::{self, Live};
use asker::Asking;
use record::{Flow, Recorder};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// The listener, its partner, and where others are who are to be harmed.
const HOSTS: [(&str, &str); 3] = [("a", "11.22.33.1/24"), ("b", "11.22.34.2/24"), ("t", "11.22.36.1/24")];
const SIX: [(&str, &str); 3] = [("a", "2a11:22:33::1/64"), ("c", "2a11:22:35::9/64"), ("t", "2a11:22:36::1/64")];
const CLIENT: &str = "11.22.35.9/24";
/// The attacker's other address, of a private range that the listener is in no address of.
const PRIVATE: &str = "192.168.77.5";
/// The address of who begins in another's name, and that name.
const MOVER: &str = "11.22.35.10";
const PRETENDED: &str = "11.22.36.1:7999";
/// In whose name datagrams are sent, to a listener's address of the same family.
const FORGED: [(&str, &str); 2] = [("11.22.36.1", "11.22.33.1"), ("2a11:22:36::1", "2a11:22:33::1")];
/// Who is only named.
const NAMED: [&str; 8] =
    ["11.22.36.7", "2a11:22:36::7", "10.7.7.7", "192.168.77.9", "100.64.7.7", "169.254.7.7", "127.0.0.1", "::1"];
const QUIC: u16 = 4011;
const WEBRTC: u16 = 4012;
/// The most that is sent for each byte that came from an address that proved nothing.
const MOST: u64 = 3;

#[test]
fn a_listener_is_no_weapon() {
    if let Some(asking) = asker::wanted() {
        return asking.ask();
    }
    let home = tempfile::tempdir().expect("a folder");
    let network = network();
    let [of_a, of_b] = ["a", "b"].map(|host| Recorder::start(&network, host));
    let identities = ["a", "b"].map(|name| (name, home.path().join(format!("{name}.key"))));
    let ids = peers(home.path(), &identities);
    let mut listener = listen(&network, home.path(), "a", &format!("/ip4/11.22.34.2/tcp/4011/p2p/{}", ids["b"]));
    let partner = listen(&network, home.path(), "b", &format!("/ip4/11.22.33.1/tcp/4011/p2p/{}", ids["a"]));
    let genuine = genuine(&network, home.path(), &mut listener.1);
    let mut listener = listener.0;
    let mut victims: Vec<String> = NAMED.map(str::to_owned).into();
    victims.extend(FORGED.map(|(address, _)| address.to_owned()));
    let asking = |from: &str, ports| Asking {
        from: SocketAddr::new(from.parse().expect("an address"), 0),
        helper: SocketAddr::new([11, 22, 33, 1].into(), QUIC),
        peers: [ids["a"].clone(), ids["b"].clone()],
        ports,
        victims: victims.clone(),
        pretends: None,
    };
    let public = asking("11.22.35.9", 5000).on(&network, "c");
    let private = asking(PRIVATE, 6000).on(&network, "c");
    let forged = forge(&network, &genuine);
    over(&mut listener, &forged);
    let helper = SocketAddr::new([11, 22, 33, 1].into(), WEBRTC);
    let pretends = Some(PRETENDED.parse().expect("an address"));
    let moved = Asking { helper, pretends, ..asking(MOVER, 6500) }.on(&network, "c");
    for running in [listener, partner.0] {
        running.signal("TERM");
        assert_eq!(running.finish().exit, 0);
    }
    let [of_a, of_b] = [of_a.end(), of_b.end()];
    let mut faults = answers(&public, &moved, &private);
    // With those asked of the partner they are the eight that one address has in a minute.
    let asked = [("11.22.35.9", 5000), (MOVER, 6500)].map(|(ip, first)| {
        let ports =
            [("udp", 0), ("tcp", 1), ("tcp", 4), ("tcp", 10), ("tcp", 11)].map(|(protocol, more)| (protocol, first + more));
        ports.into_iter().chain([("tcp", 80), ("udp", 80)]).map(move |(protocol, port)| (protocol, ip, port))
    });
    let asked = asked.into_iter().flatten().chain([("tcp", "11.22.34.2", QUIC)]);
    faults.extend(judge("the listener", &of_a, asked.collect()));
    let asked = [("udp", "11.22.35.9", 5002), ("tcp", "11.22.35.9", 5003), ("udp", MOVER, 6502), ("tcp", MOVER, 6503)];
    faults.extend(judge("its partner", &of_b, asked.into()));
    faults.extend(amplified(&of_a));
    assert!(faults.is_empty(), "{}\npublic: {public:#}\nmoved: {moved:#}\nprivate: {private:#}", faults.join("\n"));
}

fn network() -> Network {
    let network = Network::new(CLIENT, &[], &[], &HOSTS);
    for (host, address) in SIX {
        six::on(&network, host, &["ip -6 addr add {} dev eth0 nodad", "ip -6 route add default dev eth0"], address);
        six::settled(&network, host);
    }
    for own in [PRIVATE, MOVER] {
        six::on(&network, "c", &["ip addr add {}/32 dev eth0"], own);
    }
    network
}

/// A listener that does all it can for others, and its addresses by port.
fn listen(network: &Network, home: &Path, host: &str, partner: &str) -> (Live, BTreeMap<u16, String>) {
    let mut running = listen_as(network, home, host, &["--relay", "--partner", partner]);
    let mut addresses = BTreeMap::new();
    while addresses.len() < 2 {
        let line = running.until(|line| line["event"] == "listening");
        let address = line["address"].as_str().expect("an address");
        for port in [QUIC, WEBRTC] {
            if address.starts_with("/ip4/11.") && address.contains(&format!("/udp/{port}/")) {
                addresses.insert(port, address.to_owned());
            }
        }
    }
    (running, addresses)
}

/// A listener of the identity that is called like its host.
fn listen_as(network: &Network, home: &Path, host: &str, arguments: &[&str]) -> Live {
    let mut command = network.command(host, &program::binary().to_string_lossy());
    program::settle(&mut command, home);
    command.args(["listen", "--format", "ndjson", "--no-page", "--identity"]).arg(home.join(format!("{host}.key")));
    command.args(arguments);
    Live::start(command)
}

/// What genuine dialers send: the first packet of QUIC, signed checks of webrtc-direct, the first message of DTLS.
struct Genuine {
    quic: Vec<String>,
    webrtc: Vec<String>,
}

/// Dialers of each kind, so that no two pretenders use the same names of connections.
const DIALERS: usize = 3;

fn genuine(network: &Network, home: &Path, addresses: &mut BTreeMap<u16, String>) -> Genuine {
    let recorder = Recorder::start(network, "c");
    for _ in 0..DIALERS {
        // Nobody is there, so that the listener does not know the connection yet.
        for address in ["/ip4/11.22.36.1/udp/4011/quic-v1", &addresses[&WEBRTC]] {
            let mut command = network.command("c", &program::binary().to_string_lossy());
            program::settle(&mut command, home);
            program::run({
                command.args(["dial", address, "--no-announced", "--timeout", "5s", "--format", "json"]);
                command
            });
        }
    }
    let flows = recorder.end();
    let sent = |port| flows.iter().filter(move |flow| flow.protocol == "udp" && flow.at == port && flow.began_here());
    let first = |byte: &'static str| move |datagram: &&str| datagram.starts_with(byte);
    let quic: Vec<String> = sent(QUIC).filter_map(|flow| flow.datagrams().next()).map(str::to_owned).collect();
    let of_webrtc = |flow: &Flow| {
        let check = flow.datagrams().find(first("0001"))?.to_owned();
        let hello = flow.datagrams().find(first("16"))?.to_owned();
        Some([check, hello].join(","))
    };
    let webrtc: Vec<String> = sent(WEBRTC).filter_map(of_webrtc).collect();
    assert_eq!((quic.len(), webrtc.len()), (DIALERS, DIALERS), "{flows:?}");
    Genuine { quic, webrtc }
}

/// Sends in the name of others, and gives the addresses from which a connection was begun.
fn forge(network: &Network, genuine: &Genuine) -> BTreeSet<String> {
    // Whoever is sent to unasked says nothing.
    let silent = "table inet silent { chain come { type filter hook input priority 0; meta l4proto { tcp, udp } drop; }; }";
    assert!(network.command("t", "nft").arg(silent).status().is_ok_and(|status| status.success()));
    let mut attacker = Host::new(network, "c", false);
    let mut port = 7000;
    let mut begun = BTreeSet::new();
    for (ip, to) in FORGED {
        let mut send = |to_port: u16, datagrams: &[String]| {
            port += 1;
            attacker.ask(&json!({ "op": "forge", "from": [ip, port], "to": [to, to_port], "bytes": datagrams }));
            format!("/{}/{ip}/udp/{port}", if ip.contains(':') { "ip6" } else { "ip4" })
        };
        for to_port in [QUIC, WEBRTC] {
            for datagram in noise() {
                send(to_port, &[datagram]);
            }
        }
        // Of each connection one pretender of each family: who began it first holds its name.
        let of_family = |list: &[String]| if ip.contains(':') { list[1].clone() } else { list[0].clone() };
        begun.insert(send(QUIC, &[of_family(&genuine.quic)]) + "/quic-v1");
        let datagrams: Vec<String> = of_family(&genuine.webrtc).split(',').map(str::to_owned).collect();
        begun.insert(send(WEBRTC, &datagrams) + "/webrtc-direct");
    }
    begun
}

/// Datagrams that anybody can make.
fn noise() -> Vec<String> {
    let stun =
        |kind: &str, attributes: &str| format!("{kind}{:04x}2112a442000102030405060708090a0b{attributes}", attributes.len() / 2);
    let unknown = (1..=100).fold(String::new(), |all, number| format!("{all}{:04x}0000", 0x0100 + number));
    let long = |head: &str, length: usize| head.to_owned() + &"5a".repeat(length - head.len() / 2);
    vec![
        stun("0001", ""),
        stun("0001", &unknown),
        stun("0001", &format!("8022{:04x}{}", 400, "41".repeat(400))),
        stun("0101", ""),
        stun("0011", ""),
        // With credentials that are wrong.
        stun("0001", &format!("00060009{}000000{}", asker::hex(b"abcd:efgh"), "00080014".to_owned() + &"00".repeat(20))),
        // QUIC: a version that nobody speaks, long and short; an Initial of nonsense; a connection that nobody has.
        long("c0fafafafa08010203040506070808", 1200),
        long("c0fafafafa08010203040506070808", 40),
        long("c00000000108010203040506070808", 1200),
        long("40", 1200),
        long("40", 60),
        // DTLS: an alert, a record of nonsense.
        "15fefd000000000000000000020228".into(),
        long("16fefd0000000000000000", 300),
    ]
}

/// Waits until the listener is done with those that were pretended.
fn over(listener: &mut Live, begun: &BTreeSet<String>) {
    let mut open = begun.clone();
    let mut attempts: BTreeMap<u64, String> = BTreeMap::new();
    while !open.is_empty() {
        let line = listener.until(|line| line["event"] == "attempt-planned" || line["event"] == "attempt-ended");
        let Some(attempt) = line["attempt"].as_u64() else { continue };
        if let Some(remote) = line["remote"].as_str().and_then(|remote| begun.iter().find(|begun| *begun == remote)) {
            attempts.insert(attempt, remote.clone());
        } else if line["event"] == "attempt-ended"
            && let Some(remote) = attempts.get(&attempt)
        {
            open.remove(remote);
        }
    }
}

/// What those who asked were told.
fn answers(public: &Value, moved: &Value, private: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut expect = |who: &str, answers: &Value, name: &str, wanted: Value| {
        if answers[name] != wanted {
            faults.push(format!("{who}, {name}: {}, not {wanted}", answers[name]));
        }
    };
    for (name, wanted) in [
        ("datagrams", "sent"),
        ("dial", "dialed"),
        ("datagrams by the partner", "sent"),
        ("dial by the partner", "dialed"),
        ("a name", "refused: malformed"),
        ("AutoNAT v2", "dialed"),
        ("port 5011 by AutoNAT v1", "dialed"),
        ("port 5012 by AutoNAT v1", "E_DIAL_REFUSED: too-many-ports"),
    ] {
        expect("from a public address", public, name, wanted.into());
        let name = name.replace("port 50", "port 65");
        expect("begun in another's name", moved, &name, wanted.into());
    }
    for (name, wanted) in [
        ("datagrams", "refused: private-address"),
        ("dial", "refused: private-address"),
        ("datagrams by the partner", "refused: private-address"),
        ("dial by the partner", "refused: private-address"),
        ("AutoNAT v2", "E_DIAL_REFUSED"),
        ("port 6010 by AutoNAT v1", "E_DIAL_REFUSED: private-address"),
    ] {
        expect("from a private address", private, name, wanted.into());
    }
    let all = [
        ("from a public address", public, "11.22.35.9"),
        ("begun in another's name", moved, MOVER),
        ("from a private address", private, PRIVATE),
    ];
    for (who, answers, _) in all {
        expect(who, answers, "a stranger by the relay", 204.into());
    }
    for (who, answers, own) in all {
        if !answers["observed"].as_str().is_some_and(|observed| observed.starts_with(&format!("/ip4/{own}/udp/"))) {
            faults.push(format!("{who}: seen at {}", answers["observed"]));
        }
        let all = answers.as_object().into_iter().flatten();
        for (name, answer) in all.filter(|(name, _)| name.starts_with("victim") || name.starts_with("a ticket")) {
            let text = answer.as_str().unwrap_or_default();
            // Version 1 dials the asker at the port of whatever is named.
            let own = name.ends_with("AutoNAT v1") && text == "dialed";
            if !(text.starts_with("refused: ") || text.starts_with("E_DIAL_REFUSED") || own) {
                faults.push(format!("{who}, {name}: {answer}"));
            }
        }
    }
    faults
}

/// Sends nothing to anybody who did not send first, but for the dial-backs that were asked for.
fn judge(who: &str, flows: &[Flow], asked: BTreeSet<(&str, &str, u16)>) -> Vec<String> {
    let multicast = |ip: &IpAddr| matches!(ip, IpAddr::V6(ip) if ip.is_multicast());
    let mut faults = Vec::new();
    let mut unasked = BTreeSet::new();
    for flow in flows.iter().filter(|flow| flow.packets > 0) {
        let place = (flow.protocol.as_str(), flow.other.to_string(), flow.at);
        match flow.protocol.as_str() {
            "udp" | "tcp" if !flow.began_here() => {}
            "udp" | "tcp" => drop(unasked.insert(place)),
            // The system's own: it looks for those it answers, and says that a port is closed.
            "arp" | "icmp" | "icmp6" if multicast(&flow.other) || is_there(&flow.other) => {}
            _ => faults.push(format!("{who} sends to {place:?}")),
        }
    }
    let asked: BTreeSet<_> = asked.into_iter().map(|(protocol, ip, port)| (protocol, ip.to_owned(), port)).collect();
    faults.extend(unasked.difference(&asked).map(|place| format!("{who} sends to {place:?}, which nobody asked for")));
    faults.extend(asked.difference(&unasked).map(|place| format!("{who} sends nothing to {place:?}")));
    faults
}

/// Whether somebody at that address takes part, if only by what is sent in its name.
fn is_there(ip: &IpAddr) -> bool {
    let bare = |address: &str| address.split('/').next().and_then(|ip| ip.parse::<IpAddr>().ok());
    let all = HOSTS.iter().chain(&SIX).map(|(_, address)| *address).chain([CLIENT, PRIVATE, MOVER]);
    all.into_iter().filter_map(bare).any(|known| known == *ip) || matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// Who sent in nobody's name but its own is sent little.
fn amplified(flows: &[Flow]) -> Vec<String> {
    let forged = |flow: &&Flow| FORGED.iter().any(|(ip, _)| flow.other.to_string() == *ip);
    let mut faults = Vec::new();
    let mut answered: BTreeMap<u16, u64> = BTreeMap::new();
    for flow in flows.iter().filter(forged).filter(|flow| flow.protocol == "udp") {
        *answered.entry(flow.port).or_default() += u64::from(flow.sent > 0);
        if flow.sent > MOST * flow.came {
            faults.push(format!("{} bytes to {}:{} for {}, from port {}", flow.sent, flow.other, flow.at, flow.came, flow.port));
        }
        eprintln!("port {}: {} bytes for {} ({} packets)", flow.port, flow.sent, flow.came, flow.packets);
    }
    // Else nothing was tried.
    for port in [QUIC, WEBRTC] {
        if answered.get(&port).is_none_or(|answered| *answered < 2 * 2) {
            faults.push(format!("port {port} answers hardly anything: {answered:?}"));
        }
    }
    faults
}
