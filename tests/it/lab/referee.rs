//! What a network does, by plain sockets that know nothing of p2p-probe.

use super::network::Network;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// How long a packet is waited for that may never come, in milliseconds, where none is delayed; and in delays where they are: a
/// handshake takes two.
const PATIENCE: u32 = 500;
const DELAYS: u32 = 3;
/// How long one that has to come.
const SURELY: u32 = 3000;

/// What is seen: where that is not what is expected, at a second and longer look. On a busy machine what passes may come late, and then
/// looks like what is dropped.
pub fn look<T: PartialEq>(expected: &T, mut look: impl FnMut(u32) -> T) -> T {
    let seen = look(PATIENCE);
    if seen == *expected { seen } else { look(SURELY) }
}

/// Mapping and filtering.
pub type Behaviour = (String, String);

/// Plain sockets of one host.
pub struct Host {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Host {
    /// With IPv4 or IPv6.
    pub fn new(network: &Network, name: &str, six: bool) -> Self {
        Self::start(network.command(name, "python3"), six)
    }

    /// On the host that this process runs on.
    pub fn here() -> Self {
        Self::start(Command::new("python3"), false)
    }

    fn start(mut command: Command, six: bool) -> Self {
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/referee.py")).args(six.then_some("6"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a referee");
        let (input, output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { child, input, output: BufReader::new(output) }
    }

    pub fn ask(&mut self, what: &Value) -> Value {
        self.begin(what);
        self.answer(what)
    }

    fn begin(&mut self, what: &Value) {
        writeln!(self.input, "{what}").expect("the referee reads");
    }

    fn answer(&mut self, what: &Value) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the referee writes");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the referee ended at {what}"))
    }

    fn open(&mut self, op: &str, port: u16) -> (Value, u16) {
        let opened = self.ask(&json!({ "op": op, "port": port }));
        (opened["id"].clone(), port_of(&opened["port"]))
    }

    fn send(&mut self, socket: &Value, to: SocketAddr) {
        self.ask(&json!({ "op": "send", "id": socket, "to": [to.ip().to_string(), to.port()] }));
    }

    /// Where a packet or connection comes from.
    fn take(&mut self, op: &str, socket: &Value, ms: u32) -> Option<SocketAddr> {
        let from = self.ask(&json!({ "op": op, "id": socket, "ms": ms }))["from"].clone();
        Some(SocketAddr::new(from[0].as_str()?.parse().ok()?, port_of(&from[1])))
    }

    fn connect(&mut self, from: u16, to: SocketAddr, ms: u32) -> bool {
        let asked = json!({ "op": "connect", "port": from, "to": [to.ip().to_string(), to.port()], "ms": ms });
        self.ask(&asked)["id"].is_number()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn port_of(value: &Value) -> u16 {
    value.as_u64().and_then(|port| port.try_into().ok()).expect("a port")
}

fn at(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().expect("an address"), port)
}

/// The three destinations: two ports of one host, and another host.
fn places(six: bool) -> [SocketAddr; 3] {
    let [a, b] = if six { ["2a11:22:33::1", "2a11:22:34::2"] } else { ["11.22.33.1", "11.22.34.2"] };
    [at(a, 7001), at(a, 7002), at(b, 7001)]
}

/// How a client reaches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client<'a> {
    pub address: &'a str,
    /// Whether it has IPv6 and they IPv4, with a translator between.
    pub translated: bool,
}

impl Client<'_> {
    fn six(&self) -> bool {
        self.address.contains(':')
    }

    /// The client, and both hosts.
    fn hosts(&self, network: &Network) -> [Host; 3] {
        let far = self.six() && !self.translated;
        [Host::new(network, "c", self.six()), Host::new(network, "a", far), Host::new(network, "b", far)]
    }

    fn places(&self) -> [SocketAddr; 3] {
        places(self.six() && !self.translated)
    }

    /// A place as the client knows it.
    fn seen(&self, place: SocketAddr) -> SocketAddr {
        if self.translated { at(&format!("64:ff9b::{}", place.ip()), place.port()) } else { place }
    }
}

/// RFC 4787, section 4.1, by the outside addresses that the three saw.
fn mapping(seen: [SocketAddr; 3], own: SocketAddr) -> &'static str {
    match seen {
        [first, second, third] if first == second && second == third => {
            if first == own {
                "none"
            } else {
                "endpoint-independent"
            }
        }
        [first, second, _] if first == second => "address-dependent",
        _ => "address-and-port-dependent",
    }
}

/// RFC 4787, section 5, by who got through: a stranger, and another port of the host that was sent to.
fn filtering(stranger: bool, known: bool, mapping: &str) -> &'static str {
    match (stranger, known) {
        (true, _) if mapping == "none" => "none",
        (true, _) => "endpoint-independent",
        (false, true) => "address-dependent",
        (false, false) => "address-and-port-dependent",
    }
}

/// What may never come is waited for so long.
pub fn udp(network: &Network, client: Client<'_>, patience: u32) -> Behaviour {
    let patience = patience + DELAYS * network.delay;
    let [mut c, mut a, mut b] = client.hosts(network);
    let [(a1, _), (a2, _), (b1, _)] = [a.open("udp", 7001), a.open("udp", 7002), b.open("udp", 7001)];
    let [near, beside, far] = client.places();
    // Filtering first, from a socket that has sent to one place alone.
    let (first, _) = c.open("udp", 0);
    c.send(&first, client.seen(near));
    let Some(outside) = a.take("receive", &a1, patience) else { return ("blocked".into(), "blocked".into()) };
    b.send(&b1, outside);
    let stranger = c.take("receive", &first, patience) == Some(client.seen(far));
    a.send(&a2, outside);
    let known = c.take("receive", &first, patience) == Some(client.seen(beside));
    let (second, port) = c.open("udp", 0);
    let mut seen = |host: &mut Host, socket: &Value, to| {
        c.send(&second, client.seen(to));
        host.take("receive", socket, SURELY).expect("it gets out")
    };
    let seen = [seen(&mut a, &a1, near), seen(&mut a, &a2, beside), seen(&mut b, &b1, far)];
    let mapping = mapping(seen, at(client.address, port));
    (mapping.into(), filtering(stranger, known, mapping).into())
}

/// The same for TCP.
pub fn tcp(network: &Network, client: Client<'_>, patience: u32) -> Behaviour {
    let patience = patience + DELAYS * network.delay;
    let [mut c, mut a, mut b] = client.hosts(network);
    let [(a1, _), (a2, _), (b1, _)] = [a.open("listen", 7001), a.open("listen", 7002), b.open("listen", 7001)];
    let [near, beside, far] = client.places();
    let (first, port) = c.open("listen", 0);
    if !c.connect(port, client.seen(near), SURELY) {
        return ("blocked".into(), "blocked".into());
    }
    let outside = a.take("accept", &a1, SURELY).expect("a connection");
    let mut passes = |host: &mut Host| host.connect(0, outside, patience) && c.take("accept", &first, SURELY).is_some();
    let (stranger, known) = (passes(&mut b), passes(&mut a));
    let (_, port) = c.open("listen", 0);
    let mut seen = |host: &mut Host, socket: &Value, to| {
        assert!(c.connect(port, client.seen(to), SURELY), "TCP gets out");
        host.take("accept", socket, SURELY).expect("a connection")
    };
    let seen = [seen(&mut a, &a1, near), seen(&mut a, &a2, beside), seen(&mut b, &b1, far)];
    let mapping = mapping(seen, at(client.address, port));
    (mapping.into(), filtering(stranger, known, mapping).into())
}

/// Whether two hosts behind NATs meet when both send at once, each to where the host `a` sees the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meet {
    /// Where the first is the client.
    Yes,
    /// Only where the second is the client.
    Reversed,
    No,
}

/// How long both send, and how much earlier they are told so, in milliseconds.
const MEETING: u32 = 2000;
const AHEAD: f64 = 0.3;

/// Whether `c` and `d` meet over UDP or TCP, at a second try where they are expected to and did not.
pub fn meet(network: &Network, over: &str, expected: Meet) -> Meet {
    look(&expected, |_| met(network, over))
}

fn met(network: &Network, over: &str) -> Meet {
    let [mut c, mut d, mut a] = ["c", "d", "a"].map(|name| Host::new(network, name, false));
    let (open, op) = if over == "udp" { ("udp", "punch-udp") } else { ("listen", "punch-tcp") };
    let (seen_by, _) = a.open(open, 7001);
    let known = [&mut c, &mut d].map(|host| {
        let (socket, port) = host.open(open, 0);
        if over == "udp" {
            host.send(&socket, places(false)[0]);
            (socket, a.take("receive", &seen_by, SURELY).expect("it gets out"))
        } else {
            assert!(host.connect(port, places(false)[0], SURELY), "TCP gets out");
            (socket, a.take("accept", &seen_by, SURELY).expect("a connection"))
        }
    });
    let at = c.ask(&json!({ "op": "clock" }))["now"].as_f64().expect("a time") + AHEAD;
    let towards = known.each_ref().map(|(_, outside)| *outside);
    let asked = |(socket, _): &(Value, SocketAddr), to: SocketAddr| json!({ "op": op, "id": socket, "to": [to.ip().to_string(), to.port()], "at": at, "ms": MEETING });
    let [first, second] = [asked(&known[0], towards[1]), asked(&known[1], towards[0])];
    c.begin(&first);
    d.begin(&second);
    match [c.answer(&first), d.answer(&second)].map(|answer| answer["answered"] == true) {
        // A connection over TCP is one for both, and may be reset at one end alone.
        [true, true] => Meet::Yes,
        [first, _] if over == "udp" && first => Meet::Yes,
        [_, true] if over == "udp" => Meet::Reversed,
        _ => Meet::No,
    }
}

#[test]
fn what_comes_late_is_looked_at_again() {
    let mut looks = Vec::new();
    let mut late = |patience| {
        looks.push(patience);
        patience > PATIENCE
    };
    assert!(look(&true, &mut late));
    assert!(!look(&false, &mut late));
    assert_eq!(looks, [PATIENCE, SURELY, PATIENCE]);
}
