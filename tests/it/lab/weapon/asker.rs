//! Who asks a helper to send to somebody else, and hears what comes of it: this test once more, on a host of the lab.

use super::mover;
use crate::lab::network::Network;
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p_core::muxing::StreamMuxerBox;
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;
use p2p_probe::nat::autonat::{self, ask};
use p2p_probe::nat::dialback::{self, Answer, By, Request, TokenText};
use p2p_probe::nat::relay;
use p2p_probe::native::{Native, Settings};
use p2p_probe::session::{Multiplexed, Opener, Session, Us};
use p2p_probe::transport::quic;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::net::{SocketAddr, UdpSocket};
use std::process::Stdio;

/// Names who is to be asked, and by whom, in the environment of the test that does it.
const ASKS: &str = "P2P_PROBE_TEST_ASKS";
/// What comes before the answers on the standard output.
const MARK: &str = "answers: ";
const TEST: &str = "lab::weapon::a_listener_is_no_weapon";
const TOKEN: &str = "00112233445566778899aabbccddeeff";

/// Who asks, whom, and who is to be harmed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asking {
    pub from: SocketAddr,
    pub helper: SocketAddr,
    /// The helper and its partner: peer IDs.
    pub peers: [String; 2],
    /// Ports of the asker's, to be dialed.
    pub ports: u16,
    /// IP addresses that never ask for anything.
    pub victims: Vec<String>,
    /// In whose name the first datagram is sent, if it is not the asker's own: over webrtc-direct then, to that port.
    pub pretends: Option<SocketAddr>,
}

/// What this process is to ask, if it is that of an asker.
pub fn wanted() -> Option<Asking> {
    std::env::var(ASKS).ok().map(|text| serde_json::from_str(&text).expect("an asking"))
}

impl Asking {
    /// Has it asked on a host, and gives the answers by name.
    pub fn on(&self, network: &Network, host: &str) -> Value {
        let itself = std::env::current_exe().expect("a program");
        let mut command = network.command(host, &itself.to_string_lossy());
        command.args(["--exact", TEST, "--nocapture"]).env(ASKS, serde_json::to_string(self).expect("JSON"));
        let output = command.stdin(Stdio::null()).output().expect("it runs");
        let [said, wrong] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let answers = said.lines().find_map(|line| line.split_once(MARK)).map(|(_, answers)| answers);
        serde_json::from_str(answers.unwrap_or_else(|| panic!("no answers: {said}{wrong}"))).expect("JSON")
    }

    /// Asks, and prints the answers.
    #[expect(clippy::print_stdout, reason = "a program of its own, of which the output is read")]
    pub fn ask(&self) {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answers = tokio.block_on(self.asking());
        println!("{MARK}{}", Value::Object(answers));
    }

    async fn asking(&self) -> Map<String, Value> {
        let keypair = Keypair::generate_ed25519();
        let connection = match self.pretends {
            None => self.over_quic(&keypair).await,
            Some(victim) => mover::dial(self.from, self.helper, victim, &keypair).await,
        };
        // Whoever believed an announcement would dial it.
        let listen = self.victims().collect();
        let us = Us { key: keypair.public(), listen, observed: None };
        let session = Session::new(Multiplexed::from(connection), Native::new(Settings::default()).clock(), us, |_| ());
        let helper = session.opener();
        session
            .run(async {
                let mut answers = Map::new();
                let identified = session.identify().await.expect("identify");
                answers.insert("observed".into(), identified.observed.map(|observed| observed.to_string()).into());
                self.dial_backs(&helper, &mut answers).await;
                self.tickets(&helper, &keypair, &mut answers).await;
                self.autonat(&helper, keypair.public().to_peer_id(), &mut answers).await;
                self.relay(&helper, &mut answers).await;
                answers
            })
            .await
    }

    async fn over_quic(&self, keypair: &Keypair) -> StreamMuxerBox {
        let socket = UdpSocket::bind(SocketAddr::new(self.from.ip(), 0)).expect("a port");
        let dialed = quic::dial(socket, self.helper, keypair, quic::Progress::default()).await.expect("a connection");
        StreamMuxerBox::new(dialed.connection)
    }

    /// Addresses at which somebody else would be dialed.
    fn victims(&self) -> impl Iterator<Item = Multiaddr> {
        let of = |ip: &String| {
            let family = if ip.contains(':') { "ip6" } else { "ip4" };
            [format!("/{family}/{ip}/tcp/80"), format!("/{family}/{ip}/udp/80/quic-v1")]
        };
        self.victims.iter().flat_map(of).map(|address| address.parse().expect("an address"))
    }

    async fn dial_backs(&self, helper: &Opener, answers: &mut Map<String, Value>) {
        let token = || TOKEN.parse::<TokenText>().expect("a token");
        let datagrams = |port, by| Request::Datagrams { port, token: token(), by };
        let dial = |layers: String, by| Request::Dial { layers, within_ms: 500, by };
        let mut tell = async |name: String, request: Request| {
            answers.insert(name, told(dialback::ask(helper, &request).await));
        };
        tell("datagrams".into(), datagrams(self.ports, By::You)).await;
        tell("dial".into(), dial(format!("/tcp/{}", self.ports + 1), By::You)).await;
        tell("datagrams by the partner".into(), datagrams(self.ports + 2, By::Partner)).await;
        tell("dial by the partner".into(), dial(format!("/tcp/{}", self.ports + 3), By::Partner)).await;
        for (place, address) in self.victims().enumerate() {
            for by in [By::You, By::Partner] {
                tell(format!("victim {place} as layers, {by:?}"), dial(address.to_string(), by)).await;
                let behind = format!("/tcp/{}{address}", self.ports + 1);
                tell(format!("victim {place} behind a port, {by:?}"), dial(behind, by)).await;
            }
        }
        let layers = format!("/tcp/{}/p2p/{}/p2p-circuit", self.ports + 1, self.peers[1]);
        tell("a relay behind a port".into(), dial(layers, By::You)).await;
        tell("a name".into(), dial(format!("/tcp/{}/dns4/victim.test/tcp/80", self.ports + 1), By::You)).await;
        // Members that nobody knows.
        let mut stream = helper.open(dialback::PROTOCOL).await.expect("a stream");
        let ip = &self.victims[0];
        let more =
            json!({ "ask": "datagrams", "port": self.ports, "token": TOKEN, "by": "you", "ip": ip, "asker": ip, "to": ip });
        stream.write_all(&framed(more.to_string().as_bytes())).await.expect("written");
        let heard = stream.read(&mut [0; 1000]).await.is_ok_and(|length| length > 0);
        answers.insert("members that nobody knows".into(), heard.into());
    }

    /// Errands of the partner's that the partner never signed.
    async fn tickets(&self, helper: &Opener, keypair: &Keypair, answers: &mut Map<String, Value>) {
        let partner: PeerId = self.peers[1].parse().expect("a peer");
        // The multihash of an Ed25519 peer ID is the key itself.
        let key_of = |peer: PeerId| peer.to_bytes()[2..].to_vec();
        let keys = [("own key", keypair.public().encode_protobuf()), ("the partner's key", key_of(partner))];
        for ((name, key), victim) in keys.into_iter().flat_map(|key| self.victims.iter().map(move |victim| (key.clone(), victim)))
        {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
            let what = json!({ "ask": "datagrams", "port": 80, "token": TOKEN });
            let errand = json!({ "asker": victim, "partner": self.peers[0], "signed": now, "what": what }).to_string();
            let signature = keypair.sign(&[b"p2p-probe dialback ticket 1\0", errand.as_bytes()].concat()).expect("a signature");
            let ticket = json!({ "errand": errand, "key": hex(&key), "signature": hex(&signature) });
            let request = serde_json::from_value(json!({ "ask": "for-partner", "ticket": ticket })).expect("a request");
            answers.insert(format!("a ticket for {victim} by {name}"), told(dialback::ask(helper, &request).await));
        }
    }

    async fn autonat(&self, helper: &Opener, us: PeerId, answers: &mut Map<String, Value>) {
        let own: Multiaddr = Multiaddr::from(self.from.ip());
        let own = |port: u16| own.clone().with(multiaddr::Protocol::Tcp(port));
        let name = "/dns4/victim.test/tcp/80".parse().expect("an address");
        let circuit = format!("/ip4/11.22.36.7/tcp/80/p2p/{us}/p2p-circuit").parse().expect("an address");
        for (place, address) in self.victims().chain([name, circuit]).enumerate() {
            let second = ask::v2(helper, &address, 7).await;
            answers.insert(format!("victim {place} by AutoNAT v2"), words(second));
        }
        for (place, address) in self.victims().enumerate() {
            // Of what is named the port alone matters: somebody with that IP address is never dialed.
            let first = ask::v1(helper, us, &address).await;
            answers.insert(format!("victim {place} by AutoNAT v1"), words(first));
        }
        answers.insert("another's address by AutoNAT v1".into(), words(ask::v1(helper, PeerId::random(), &own(9)).await));
        answers.insert("AutoNAT v2".into(), words(ask::v2(helper, &own(self.ports + 4), 7).await));
        for port in self.ports + 10..self.ports + 20 {
            answers.insert(format!("port {port} by AutoNAT v1"), words(ask::v1(helper, us, &own(port)).await));
        }
    }

    async fn relay(&self, helper: &Opener, answers: &mut Map<String, Value>) {
        let stranger = PeerId::random();
        let asked = relay::connect(helper, stranger).await.map(|(answer, _)| answer.status);
        answers.insert("a stranger by the relay".into(), asked.map_or_else(|fault| fault.to_string().into(), Value::from));
        // The same with the addresses at which the relay might look for the stranger: field 2 of `Peer`.
        let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2][..], &framed(bytes)].concat();
        let addresses = self.victims().flat_map(|address| field(2, &address.to_vec()));
        let peer = field(1, &stranger.to_bytes()).into_iter().chain(addresses).collect::<Vec<u8>>();
        let message = [&[1 << 3, 1][..], &field(2, &peer)].concat();
        let mut stream = helper.open(relay::HOP).await.expect("a stream");
        stream.write_all(&framed(&message)).await.expect("written");
        let heard = stream.read(&mut [0; 1000]).await.is_ok_and(|length| length > 0);
        answers.insert("addresses for the relay".into(), heard.into());
    }
}

fn told(answer: Result<Answer, p2p_probe::session::Fault>) -> Value {
    match answer {
        Ok(Answer::Refused { why }) => format!("refused: {why}").into(),
        Ok(Answer::Sent { .. }) => "sent".into(),
        Ok(Answer::Dialed { .. }) => "dialed".into(),
        Ok(other) => format!("{other:?}").into(),
        Err(fault) => fault.to_string().into(),
    }
}

fn words(answer: Result<autonat::Answer, p2p_probe::session::Fault>) -> Value {
    match answer {
        Ok(autonat::Answer::NotTested { words, .. }) => words.into(),
        Ok(autonat::Answer::Failed { .. }) => "dialed".into(),
        Ok(other) => format!("{other:?}").into(),
        Err(fault) => fault.to_string().into(),
    }
}

/// With its length in front, as an unsigned varint.
pub fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut length = bytes.len();
    let mut message = Vec::new();
    while length > 0x7f {
        message.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    message.push(u8::try_from(length).expect("seven bits"));
    message.extend(bytes);
    message
}

/// Two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
