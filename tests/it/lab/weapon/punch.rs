//! A listener behind a relay punches holes to where a peer says that it is, and dials what it announces. Here so many peers as a
//! relay brings say that they are others, all at once; what leaves the listener is recorded meanwhile.

use super::asker::framed;
use super::record::{Flow, Recorder};
use super::{CLIENT, listen_as};
use crate::lab::network::Network;
use crate::lab::{peers, six};
use crate::program::Live;
use futures::AsyncWriteExt as _;
use futures::future::{join_all, pending, select};
use libp2p_core::muxing::{StreamMuxerBox, SubstreamBox};
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;
use p2p_probe::model::Security;
use p2p_probe::nat::punch::{self, DCUTR};
use p2p_probe::nat::relay::{self, Circuit};
use p2p_probe::native::{Native, Settings};
use p2p_probe::session::{Multiplexed, Service, Session, Us, multiplex_outbound, secure_outbound};
use p2p_probe::transport::quic;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::pin::pin;
use std::process::Stdio;
use std::rc::Rc;

/// Names what is to be said, in the environment of the test that says it.
const LIES: &str = "P2P_PROBE_TEST_LIES";
const MARK: &str = "asked: ";
const TEST: &str = "lab::weapon::punch::a_listener_behind_a_relay_is_no_weapon";
/// The relay, the listener behind it, and those who never asked for anything.
const HOSTS: [(&str, &str); 3] = [("a", "11.22.33.1/24"), ("v", "11.22.37.3/24"), ("t", "11.22.36.1/24")];
const SIX: [(&str, &str); 2] = [("v", "2a11:22:37::3/64"), ("t", "2a11:22:36::1/64")];
/// Others that peers say they are. The first one refuses what it does not expect, the second one says nothing.
const VICTIMS: u8 = 8;
/// As many as a relay brings to one listener at once.
const PEERS: usize = 16;
/// What is promised: peers that are punched to at once, and for one host (all of an IPv6 network) in a minute so many addresses of
/// each transport, each for a round, of so many datagrams or as many TCP dials as are left.
const AT_ONCE: usize = 8;
const OF_ONE_HOST: u64 = 9;
const PLACES: usize = 8;
const PACKETS: u64 = 50;
const DIALS: u64 = 48;
/// Packets of a TCP dial that nobody answers, beyond the first, for as long as a round lasts.
const AGAIN: u64 = 4;
/// Of all hosts together.
const OF_ALL: u64 = 120;

/// Who says where it is, to whom, and in which words.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Lying {
    from: SocketAddr,
    relay: SocketAddr,
    listener: String,
    peers: usize,
    /// What each peer says.
    places: Vec<Vec<String>>,
}

#[test]
fn a_listener_behind_a_relay_is_no_weapon() {
    if let Ok(lying) = std::env::var(LIES) {
        return serde_json::from_str::<Lying>(&lying).expect("lies").tell();
    }
    let home = tempfile::tempdir().expect("a folder");
    let network = network();
    let identities = ["a", "v"].map(|name| (name, home.path().join(format!("{name}.key"))));
    let ids = peers(home.path(), &identities);
    let _relay = listen_as(&network, home.path(), "a", &["--relay"]);
    let recorder = Recorder::start(&network, "v");
    let via = format!("/ip4/11.22.33.1/udp/4011/quic-v1/p2p/{}", ids["a"]);
    let mut listener = listen_as(&network, home.path(), "v", &["--via", &via]);
    listener.until(|line| line["address"].as_str().is_some_and(|address| address.contains("/p2p-circuit/")));
    let lying = Lying {
        from: SocketAddr::new(CLIENT.split('/').next().and_then(|ip| ip.parse().ok()).expect("an address"), 0),
        relay: "11.22.33.1:4011".parse().expect("an address"),
        listener: ids["v"].clone(),
        peers: PEERS,
        places: (0..PEERS).map(places).collect(),
    };
    let mut liars = lying.on(&network);
    let held_back = ended(&mut listener, PEERS);
    drop(liars.stdin.take());
    let output = liars.wait_with_output().expect("it runs");
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
    let mut faults = judge(&recorder.end());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let asked = said.lines().find_map(|line| line.split_once(MARK)).map(|(_, asked)| asked);
    let asked: Vec<u32> = serde_json::from_str(asked.unwrap_or("none")).unwrap_or_else(|_| {
        panic!("no answers: {said}{}", String::from_utf8_lossy(&output.stderr));
    });
    eprintln!("rounds: {asked:?}");
    let punched = asked.iter().filter(|rounds| **rounds > 0).count();
    if punched != AT_ONCE {
        faults.push(format!("{punched} of {PEERS} peers are punched to at once: {asked:?}"));
    }
    if held_back != PEERS - AT_ONCE {
        faults.push(format!("the listener tells of {held_back} peers that it held back"));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

pub fn network() -> Network {
    let network = Network::new(CLIENT, &[], &[], &HOSTS);
    for (host, address) in SIX {
        six::on(&network, host, &["ip -6 addr add {} dev eth0 nodad", "ip -6 route add default dev eth0"], address);
    }
    for victim in 2..=VICTIMS {
        six::on(&network, "t", &["ip addr add {}/24 dev eth0"], &format!("11.22.36.{victim}"));
        six::on(&network, "t", &["ip -6 addr add {}/64 dev eth0 nodad"], &format!("2a11:22:36::{victim}"));
    }
    for (host, _) in SIX {
        six::settled(&network, host);
    }
    let silent = "table inet silent { chain come { type filter hook input priority 0; ip daddr 11.22.36.2 drop; \
                  ip6 daddr 2a11:22:36::2 drop; }; }";
    assert!(network.command("t", "nft").arg(silent).status().is_ok_and(|status| status.success()));
    network
}

/// Ports of others, over each transport, after places that are nobody's or, by every other peer, the listener's own. No two peers
/// name the same ports.
fn places(peer: usize) -> Vec<String> {
    let own: &[&str] = if peer.is_multiple_of(2) { &["11.22.37.3", "2a11:22:37::3"] } else { &[] };
    let first = u16::try_from(1000 + 10 * peer).expect("a port");
    let mut places = Vec::new();
    let mut add = |ip: &str, port: u16| {
        let family = if ip.contains(':') { "ip6" } else { "ip4" };
        places.push(format!("/{family}/{ip}/tcp/{port}"));
        places.push(format!("/{family}/{ip}/udp/{port}/quic-v1"));
    };
    let nobody = ["127.0.0.1", "10.7.7.7", "192.168.77.9", "169.254.7.7", "100.64.7.7", "224.0.0.1", "255.255.255.255", "::1"];
    for ip in nobody.iter().chain(own) {
        add(ip, 80);
    }
    for victim in 1..=VICTIMS {
        add(&format!("11.22.36.{victim}"), first);
        add(&format!("2a11:22:36::{victim}"), first);
    }
    for port in first + 1..first + 9 {
        add("11.22.36.1", port);
    }
    places
}

/// Waits until the listener is done with so many who came through the relay, and tells how many it says were held back.
fn ended(listener: &mut Live, count: usize) -> usize {
    let (mut open, mut come, mut held_back) = (BTreeSet::new(), 0, 0);
    let events = ["attempt-planned", "stage-ended", "attempt-ended"];
    while come < count || !open.is_empty() {
        let line = listener.until(|line| events.iter().any(|event| line["event"] == *event));
        if line["event"] == "stage-ended" {
            held_back += usize::from(line["stage"] == "dcutr-connect" && line["why"]["code"] == "over-limit");
            continue;
        }
        let Some(attempt) = line["attempt"].as_u64() else { continue };
        if line["direction"] == "inbound" && line["transport"] == "relay" {
            open.insert(attempt);
            come += 1;
        } else if line["event"] == "attempt-ended" {
            open.remove(&attempt);
        }
    }
    held_back
}

/// What one host gets.
#[derive(Debug, Default)]
struct Sent {
    datagrams: u64,
    segments: u64,
    places: BTreeSet<(String, IpAddr, u16)>,
}

impl Sent {
    fn add(&mut self, flow: &Flow) {
        *(if flow.protocol == "udp" { &mut self.datagrams } else { &mut self.segments }) += flow.packets;
        self.places.insert((flow.protocol.clone(), flow.other, flow.at));
    }
}

/// Who is sent to, how much, and to how many ports.
fn judge(flows: &[Flow]) -> Vec<String> {
    let mut hosts: BTreeMap<String, Sent> = BTreeMap::new();
    let mut faults = Vec::new();
    let begun = flows.iter().filter(|flow| flow.packets > 0 && flow.began_here());
    for flow in begun.filter(|flow| flow.protocol == "udp" || flow.protocol == "tcp") {
        let other = flow.other.to_string();
        if other == "11.22.33.1" {
            continue;
        }
        let named = ["11.22.36.1", "11.22.36.2", "2a11:22:36::1", "2a11:22:36::2"];
        if !named.contains(&other.as_str()) {
            faults.push(format!("{} packets to {} {other}:{}", flow.packets, flow.protocol, flow.at));
        }
        let host = if flow.other.is_ipv6() { "2a11:22:36::/64".into() } else { other };
        hosts.entry(host).or_default().add(flow);
    }
    for (host, sent) in &hosts {
        eprintln!("{host}: {} datagrams and {} packets of TCP to {} places", sent.datagrams, sent.segments, sent.places.len());
        // Of those that refuse each dial is one packet.
        let segments = if host == "11.22.36.1" { DIALS } else { DIALS + AGAIN * OF_ONE_HOST };
        if sent.datagrams > PACKETS * OF_ONE_HOST || sent.segments > segments || sent.places.len() > PLACES {
            faults.push(format!("{host} is sent to: {sent:?}"));
        }
    }
    let all: u64 = hosts.values().map(|sent| sent.datagrams + sent.segments).sum();
    if all > PACKETS * OF_ALL {
        faults.push(format!("{all} packets in all"));
    }
    // Else nothing was tried.
    for host in ["11.22.36.1", "11.22.36.2", "2a11:22:36::/64"] {
        if !hosts.contains_key(host) {
            faults.push(format!("{host} is not sent to: {flows:?}"));
        }
    }
    faults
}

impl Lying {
    /// Has it told on the attacker's host.
    fn on(&self, network: &Network) -> std::process::Child {
        let itself = std::env::current_exe().expect("a program");
        let mut command = network.command("c", &itself.to_string_lossy());
        command.args(["--exact", TEST, "--nocapture"]).env(LIES, serde_json::to_string(self).expect("JSON"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
    }

    /// Tells it until the standard input ends, and prints how many rounds each peer was asked for.
    #[expect(clippy::print_stdout, reason = "a program of its own, of which the output is read")]
    fn tell(&self) {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let asked: Vec<Rc<Cell<u32>>> = (0..self.peers).map(|_| Rc::default()).collect();
        tokio.block_on(async {
            let telling = join_all(asked.iter().zip(&self.places).map(|(asked, places)| self.peer(Rc::clone(asked), places)));
            let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
            select(pin!(telling), pin!(end)).await;
        });
        let asked: Vec<u32> = asked.iter().map(|asked| asked.get()).collect();
        println!("{MARK}{}", serde_json::to_string(&asked).expect("JSON"));
    }

    /// One peer, until it is dropped.
    async fn peer(&self, asked: Rc<Cell<u32>>, places: &[String]) {
        let keypair = Keypair::generate_ed25519();
        let socket = UdpSocket::bind(self.from).expect("a port");
        let dialed = quic::dial(socket, self.relay, &keypair, quic::Progress::default()).await.expect("a connection");
        let announced: Vec<Multiaddr> = places.iter().map(|place| place.parse().expect("an address")).collect();
        let session = |connection, listen| {
            let us = Us { key: keypair.public(), listen, observed: None };
            Session::new(connection, Native::new(Settings::default()).clock(), us, |_| ())
        };
        let outer = session(Multiplexed::from(StreamMuxerBox::new(dialed.connection)), Vec::new());
        let relay = outer.opener();
        let lies = Rc::new(message(places));
        let within = async {
            let target: PeerId = self.listener.parse().expect("a peer");
            let (answer, stream) = relay::connect(&relay, target).await.expect("an answer");
            assert_eq!(answer.status, 100, "the relay's limits are lower than this test believes");
            let circuit = Circuit::new(stream, answer.limits);
            let secured = secure_outbound(circuit, &keypair, Security::Noise).await.expect("a secure connection");
            let service = Service::new(DCUTR, move |stream| lie(stream, Rc::clone(&lies), Rc::clone(&asked)));
            let muxer = multiplex_outbound(secured.stream).await.expect("a muxer");
            let inner = session(muxer, announced).offering(vec![service]);
            inner
                .run(async {
                    inner.identify().await.expect("identify");
                    pending::<()>().await;
                })
                .await;
        };
        outer.run(within).await;
    }
}

/// CONNECT, in which everything is as it should be but for the addresses.
fn message(places: &[String]) -> Vec<u8> {
    let mut message = vec![1 << 3, 100];
    for place in places {
        let address: Multiaddr = place.parse().expect("an address");
        message.push(2 << 3 | 2);
        message.extend(framed(&address.to_vec()));
    }
    framed(&message)
}

/// Takes part in one round.
async fn lie(mut stream: SubstreamBox, lies: Rc<Vec<u8>>, asked: Rc<Cell<u32>>) {
    let loopback: IpAddr = [127, 0, 0, 1].into();
    if punch::hear(&mut stream, &[loopback.into()]).await.is_ok() {
        asked.set(asked.get() + 1);
        if stream.write_all(&lies).await.is_ok() && stream.flush().await.is_ok() {
            let _ = punch::synced(&mut stream).await;
        }
    }
}
