//! A dialer that signs and shakes hands as it should, and writes another's address as the source of what it sends. Of what goes
//! there it is said to guess everything but the number of a check: more than anybody could.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use libp2p_identity::{Keypair, PeerId};

use super::super::certificate::Certificate;
use super::super::config::AMPLIFICATION;
use super::super::connection::{Event, Machine};
use super::super::credentials::{Credentials, Version};
use super::super::driver::Driver;
use super::super::dtls::{Dtls, Ready};
use super::super::error::AcceptError;
use super::super::link::Link;
use super::super::listen::{Accepted, Listener};
use super::super::muxer::Connection;
use super::super::noise::{self, Proof};
use super::super::question::make;
use super::super::shared::now;
use super::super::waiting;
use super::hostile::signed;
use super::line::{DIALER, LISTENER, Line, Weather};
use super::simulated::{open, transfer, write};
use crate::transport::quic::{Limits, Progress};

const VICTIM: &str = "192.0.2.77:53";
/// What is asked for in the end.
const ASKED: usize = 300_000;

struct Forger {
    ends: [Machine; 2],
    /// What it writes.
    source: SocketAddr,
    proceeded: bool,
    /// Whether it answers the checks that it hears.
    answers: bool,
    now: Instant,
    /// Bytes in the name of the other address, and to it.
    came: usize,
    went: usize,
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

impl Forger {
    /// Every kind of dialer: one that answers checks or does not, and with a name that our agent can write or cannot. The first
    /// check comes from there.
    fn all(first: &str) -> impl Iterator<Item = Self> {
        [(false, true), (false, false), (true, true), (true, false)].into_iter().map(move |(lite, answers)| {
            let mut forger = Self::new(first, answers);
            if lite {
                forger.ends[1].ice.be_lite();
            }
            forger
        })
    }

    fn new(first: &str, answers: bool) -> Self {
        let now = now();
        let credentials = Credentials::dial(Version::V2);
        let certificate = || Certificate::generate().unwrap();
        let mut dialer = Machine::dial(&credentials, at(LISTENER), Vec::new(), now);
        dialer.prepare(Ready::new(certificate(), now).unwrap());
        let listener = Machine::listen(&credentials, at(first), certificate(), now);
        Self { ends: [dialer, listener], source: at(first), proceeded: false, answers, now, came: 0, went: 0 }
    }

    fn says(&mut self, datagram: &[u8]) {
        if self.source == at(VICTIM) {
            self.came += datagram.len();
        }
        self.ends[1].handle(self.now, self.source, datagram);
    }

    fn hears(&mut self, to: SocketAddr, datagram: &[u8]) {
        if to == at(VICTIM) {
            self.went += datagram.len();
            assert!(self.went <= AMPLIFICATION * self.came, "{} for {}", self.went, self.came);
        }
        // A binding request, with a number that is told at one address.
        if !datagram.starts_with(&[0, 1]) || self.answers && to != at(VICTIM) {
            self.ends[0].handle(self.now, at(LISTENER), datagram);
        }
    }

    /// One of them says something, or time goes on.
    fn step(&mut self) {
        while let Some(event) = self.ends[0].poll() {
            if event == Event::Answered && !std::mem::replace(&mut self.proceeded, true) {
                self.ends[0].proceed(self.now);
            }
        }
        if let Some((_, datagram)) = self.ends[0].poll_transmit(self.now) {
            self.says(&datagram);
        } else if let Some((to, datagram)) = self.ends[1].poll_transmit(self.now) {
            self.hears(to, &datagram);
        } else {
            self.wait(Duration::from_millis(10));
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.ends.iter_mut().for_each(|end| end.handle_timeout(self.now));
    }

    fn until(&mut self, done: impl Fn(&[Machine; 2]) -> bool) {
        for _ in 0..20_000 {
            if done(&self.ends) {
                return;
            }
            self.step();
        }
        panic!("it hangs");
    }

    fn connect(&mut self) {
        self.until(|ends| ends.iter().all(|end| end.channels.count().0 > 0));
    }

    /// Has the listener send a lot, for a while. Whether all of it is on its way by then.
    fn asks_for_much(&mut self) -> bool {
        let stream = self.ends[1].on_channels(|channels, sctp, _| channels.open(sctp));
        let data = vec![7; ASKED];
        let (mut rest, end) = (&data[..], self.now + Duration::from_secs(5));
        while self.now < end && !rest.is_empty() {
            if let Some(Ok(id)) = stream {
                rest = &rest[write(&mut self.ends[1], id, rest)..];
            }
            self.step();
        }
        rest.is_empty()
    }

    fn says_something(&mut self) {
        let id = open(&mut self.ends[0]);
        assert!(write(&mut self.ends[0], id, b"much, please") > 0);
    }
}

/// What ends the handshake needs what the listener said, wherever that was heard: it proves nothing of where it comes from.
#[test]
fn the_last_flight_in_anothers_name_proves_nothing() {
    for mut forger in Forger::all(DIALER) {
        // It has said all but its last.
        forger.until(|ends| ends[0].sctp.is_some());
        forger.source = at(VICTIM);
        forger.connect();
        assert_eq!(forger.ends[1].proved(), None);
        assert!(!forger.asks_for_much());
        assert_eq!((forger.ends[1].remote(), forger.ends[1].proved()), (at(VICTIM), None));
        assert!(forger.went > 0);
        // Where the handshake was heard is where the dialer is.
        forger.source = at(DIALER);
        forger.says_something();
        forger.until(|ends| ends[1].proved() == Some(at(DIALER)));
    }
}

/// Nor does anything said with the keys.
#[test]
fn records_in_anothers_name_prove_nothing() {
    for mut forger in Forger::all(DIALER) {
        forger.connect();
        assert_eq!(forger.ends[1].proved(), Some(at(DIALER)));
        forger.source = at(VICTIM);
        forger.says_something();
        forger.until(|ends| ends[1].remote() == at(VICTIM));
        assert!(!forger.asks_for_much());
        assert_eq!(forger.ends[1].proved(), None);
        assert!(forger.went > 0);
    }
}

/// The first check may be anybody's: what counts is where the rest was heard.
#[test]
fn a_dialer_is_where_it_hears_and_not_where_it_began() {
    for mut forger in Forger::all(VICTIM) {
        let (_, check) = forger.ends[0].poll_transmit(forger.now).unwrap();
        forger.says(&check);
        forger.source = at(DIALER);
        forger.connect();
        assert_eq!(forger.ends[1].proved(), Some(at(DIALER)));
        assert!(forger.came > 0 && forger.asks_for_much());
    }
}

/// Who begins with DTLS at both has heard at one of them, nobody knows at which, unless a check is answered.
#[test]
fn a_handshake_at_two_addresses_proves_none() {
    for mut forger in Forger::all(DIALER) {
        forger.until(|ends| ends[1].dtls.as_ref().is_some_and(Dtls::has_begun));
        // Its hello once more, or what else is due, is said there.
        forger.source = at(VICTIM);
        for _ in 0..3 {
            forger.wait(Duration::from_secs(1));
            while let Some((_, datagram)) = forger.ends[0].poll_transmit(forger.now) {
                forger.says(&datagram);
            }
            // What it is answered gets lost.
            while forger.ends[1].poll_transmit(forger.now).is_some() {}
        }
        forger.source = at(DIALER);
        forger.connect();
        if forger.answers {
            forger.until(|ends| ends[1].proved() == Some(at(DIALER)));
        } else {
            assert_eq!(forger.ends[1].proved(), None);
        }
    }
}

/// Where our agent makes no checks, a dialer that goes elsewhere is checked all the same, and gets as much as it likes.
#[test]
fn a_dialer_with_a_long_name_may_move() {
    let weather = Weather { lost: 0, doubled: 0, late: 0, round_trip: Duration::from_millis(50) };
    let mut line = Line::new(Version::V1, weather, 1);
    line.ends[1].ice.be_lite();
    line.connect();
    transfer(&mut line, 1, ASKED);
    line.dialer = "198.51.100.77:7".parse().unwrap();
    transfer(&mut line, 0, 10_000);
    transfer(&mut line, 1, ASKED);
    assert_eq!(line.ends[1].proved(), Some(line.dialer));
}

/// Dials with these credentials, which the listener may know by now.
async fn dial(credentials: &Credentials, socket: UdpSocket, remote: SocketAddr, keypair: &Keypair) -> (PeerId, Connection) {
    let machine = Machine::dial(credentials, remote, Vec::new(), now());
    let mut driver = Driver::new(machine, Link::connected(socket, remote).unwrap(), Progress::default());
    let ready = make().await.unwrap();
    waiting::until(&mut driver, Event::Answered).await.unwrap();
    {
        let mut machine = driver.shared.machine();
        machine.prepare(ready);
        machine.proceed(now());
    }
    waiting::until(&mut driver, Event::Dtls).await.unwrap();
    waiting::until(&mut driver, Event::Channel).await.unwrap();
    let handshake = noise::handshake(&driver, Proof::new(keypair).unwrap(), true);
    let peer = waiting::driven(&mut driver, handshake).await.unwrap().unwrap();
    (peer, Connection::new(driver, None))
}

/// Somebody whose first check is in another's name.
async fn pretends(listener: &Listener, first: &str) -> (SocketAddr, Result<Accepted, AcceptError>, Connection) {
    let remote = listener.local_addr().unwrap();
    let credentials = Credentials::dial(Version::V2);
    let pretended = tokio::net::UdpSocket::bind((first, 0)).await.unwrap();
    pretended.send_to(&signed(&credentials), remote).await.unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = socket.local_addr().unwrap();
    let keypair = Keypair::generate_ed25519();
    let dialing = async {
        // Once it is answered it was looked at.
        pretended.recv(&mut [0; 100]).await.unwrap();
        dial(&credentials, socket, remote, &keypair).await
    };
    let accepting = async { listener.accept().await.unwrap().handshake(|_| ()).await };
    let ((_, connection), accepted) = tokio::join!(dialing, accepting);
    (own, accepted, connection)
}

fn listener(limits: Limits) -> Listener {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    Listener::new(socket, &Keypair::generate_ed25519(), Certificate::generate().unwrap(), limits).unwrap()
}

#[tokio::test]
async fn a_connection_is_from_where_its_dialer_proved_to_be() {
    let listener = listener(Limits::default());
    let (own, accepted, _connection) = pretends(&listener, "127.0.0.2").await;
    assert_eq!(accepted.unwrap().remote, own);
}

/// A place that was given to a forged address counts at the dialer's own.
#[tokio::test]
async fn who_begins_elsewhere_has_no_place_more() {
    let listener = listener(Limits { per_ip: 1, ..Limits::default() });
    let (_, first, _connection) = pretends(&listener, "127.0.0.2").await;
    let _first = first.unwrap();
    let (_, second, _connection) = pretends(&listener, "127.0.0.3").await;
    assert!(matches!(second, Err(AcceptError::TooMany)), "{second:?}");
    // Nobody is at the addresses that were forged.
    let (_, third, _connection) = pretends(&listener, "127.0.0.2").await;
    assert!(matches!(third, Err(AcceptError::TooMany)), "{third:?}");
}
