//! A node on loopback, dialed by our own engine and by strangers.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use futures::{FutureExt, StreamExt, channel::oneshot, future::pending};
use libp2p_identity::Keypair;
use multiaddr::{Multiaddr, Protocol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::{BindError, Config, LOOPBACK, Limits, Node, Tally, sentence};
use crate::{
    engine::{self, Fault, Job},
    inbound::Times,
    model::{
        Attempt, Cause, Direction, Event, Fact, Micros, Options, Outcome, Report, Security, Source, StageName, Target,
        TargetKind, Transport, WhyCode,
    },
    native::{Native, Settings},
    session::{Clock, Session, Us, multiplex_outbound, secure_outbound},
};

const MULTISTREAM: &[u8] = b"\x13/multistream/1.0.0\n";

fn config(listen: &[&str], limits: Limits) -> Config {
    let listen = listen.iter().map(|address| address.parse().unwrap()).collect();
    Config { limits, ..Config::new(listen, Keypair::generate_ed25519()) }
}

/// What a node told while it was visited.
struct Told {
    events: Vec<Event>,
    attempts: Vec<Attempt>,
    sentences: Vec<String>,
    tally: Tally,
}

/// Runs the node until `visit` is over and `dialers` attempts have ended, or until it stops them itself with 0.
async fn visited<T>(node: Node, dialers: usize, visit: impl Future<Output = T>) -> (Told, T) {
    let (mut events, mut attempts, mut sentences) = (Vec::new(), Vec::new(), Vec::new());
    let (enough, stop) = oneshot::channel();
    let (over, visit_over) = oneshot::channel();
    let mut enough = (dialers > 0).then_some(enough);
    let sink = |event: &Event, report: &Report| {
        if let Fact::AttemptEnded { attempt, .. } = &event.fact {
            let attempt = report.attempt(*attempt).unwrap();
            assert_eq!(report.attempts.len(), 1, "each dialer has a report of its own");
            sentences.push(sentence(attempt, report.peers.first()));
            attempts.push(attempt.clone());
            if attempts.len() >= dialers {
                enough.take().map(|enough| enough.send(()));
            }
        }
        events.push(event.clone());
    };
    let stop = async {
        // Without a number of dialers the sender is kept until the visit is over.
        let _ = visit_over.await;
        if dialers > 0 {
            let _ = stop.await;
        }
    };
    let visit = async {
        let visited = visit.await;
        let _ = over.send(());
        visited
    };
    let (tally, visit) = futures::join!(node.run(sink, stop), visit);
    (Told { events, attempts, sentences, tally }, visit)
}

async fn dial(addresses: Vec<Multiaddr>, options: Options) -> Report {
    let target = Target { kind: TargetKind::Own, ..Target::default() };
    let job = Job { target, addresses, source: Source::Own, options };
    let events: Vec<Event> = engine::run(Rc::new(Native::new(Settings::default())), job, pending()).collect().await;
    Report::of(&events)
}

fn socket(node: &Node) -> SocketAddr {
    let mut parts = node.addresses[0].iter();
    match (parts.next(), parts.next()) {
        (Some(Protocol::Ip4(ip)), Some(Protocol::Tcp(port))) => SocketAddr::new(ip.into(), port),
        other => panic!("{other:?}"),
    }
}

fn failed_at(attempt: &Attempt) -> (StageName, &str) {
    let stage = attempt.stages.iter().find(|stage| stage.outcome.cause().is_some()).unwrap();
    (stage.stage, stage.outcome.cause().unwrap().code())
}

#[tokio::test]
async fn it_is_dialed_over_all_it_serves() {
    let node = Node::bind(config(&LOOPBACK, Limits::default())).unwrap();
    let addresses = node.addresses();
    let (told, report) = visited(node, 4, dial(addresses.clone(), Options::default())).await;
    for attempt in &report.attempts {
        assert!(attempt.outcome.passed(), "{attempt:#?}");
        assert!(attempt.stages.iter().all(|stage| stage.outcome.passed()), "{attempt:#?}");
    }
    assert_eq!((report.attempts.len(), told.attempts.len()), (4, 4));
    for attempt in &told.attempts {
        assert!(attempt.outcome.passed(), "{attempt:#?}");
        assert_eq!((attempt.direction, attempt.source), (Direction::Inbound, Source::Own));
        assert!(attempt.stages.iter().all(|stage| stage.outcome.passed()), "{attempt:#?}");
        let sum: u64 = attempt.stages.iter().map(|stage| stage.elapsed_ms.unwrap().0).sum();
        assert_eq!(Some(sum), attempt.elapsed_ms.map(|elapsed| elapsed.0));
        // What the listener calls its address is what was dialed, and the two ends agree on the other as well.
        let other = report.attempts.iter().find(|other| other.transport == attempt.transport).unwrap();
        assert_eq!(Some(attempt.address.as_str()), other.address.split("/certhash/").next());
        let dialer = other.stage(StageName::Connect).unwrap().found.local.clone().unwrap();
        assert!(attempt.remote.as_ref().unwrap().starts_with(&dialer) || attempt.transport == Some(Transport::Quic));
    }
    let listening: Vec<_> = told.events.iter().take(4).map(|event| event.fact.clone()).collect();
    let expected = addresses.iter().map(|address| Fact::Listening { address: address.to_string() });
    assert_eq!(listening, expected.collect::<Vec<_>>());
    assert!(told.sentences.iter().all(|sentence| sentence.contains("p2p-probe/")), "{:?}", told.sentences);
    assert_eq!((told.tally.dialers, told.tally.identified), (4, 4), "{}", told.tally);
}

#[tokio::test]
async fn a_certificate_nobody_trusts_is_served_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(["node.example".to_owned()]).unwrap();
    let [chain, key] = ["chain.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&chain, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.key_pair.serialize_pem()).unwrap();
    let mut config = config(&["/ip4/127.0.0.1/tcp/0/wss"], Limits::default());
    assert!(matches!(Node::bind(config.clone()), Err(BindError::NoCertificate { .. })));
    config.tls = Some(super::Certificate::load(&chain, &key).unwrap());
    let node = Node::bind(config).unwrap();
    let addresses = node.addresses();
    let (told, report) = visited(node, 1, dial(addresses, Options::default())).await;
    assert!(report.attempts[0].address.ends_with("/tls/sni/node.example/ws"), "{}", report.attempts[0].address);
    assert_eq!(failed_at(&report.attempts[0]), (StageName::Tls, "certificate-untrusted"));
    assert!(told.attempts[0].outcome.passed(), "{:#?}", told.attempts[0]);
    let tls = told.attempts[0].stage(StageName::Tls).unwrap();
    assert_eq!(tls.found.version.as_deref(), Some("TLSv1.3"));
}

#[tokio::test]
async fn a_dialer_of_another_peer_is_seen() {
    let node = Node::bind(config(&LOOPBACK, Limits::default())).unwrap();
    let other = Keypair::generate_ed25519().public().to_peer_id();
    let addresses = node.addresses().into_iter().map(|mut address| {
        address.pop();
        address.with(Protocol::P2p(other))
    });
    let (told, report) = visited(node, 4, dial(addresses.collect(), Options::default())).await;
    assert!(report.attempts.iter().all(|attempt| failed_at(attempt).1 == "wrong-peer"), "{:#?}", report.attempts);
    assert!(told.sentences.iter().all(|sentence| sentence.contains("expected another peer ID")), "{:#?}", told.sentences);
}

#[tokio::test]
async fn a_stranger_is_named() {
    let node = Node::bind(config(&LOOPBACK[..1], Limits::default())).unwrap();
    let address = socket(&node);
    let visit = async {
        for words in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"SSH-2.0-OpenSSH_9.6\r\n", b"", MULTISTREAM] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(words).await.unwrap();
            stream.shutdown().await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    };
    let (told, ()) = visited(node, 4, visit).await;
    let causes: Vec<_> = told.attempts.iter().map(failed_at).collect();
    let at = |code| (StageName::Secure, code);
    assert_eq!(causes, [at("not-libp2p"), at("not-libp2p"), at("closed"), at("closed")]);
    let begin = ["spoke HTTP", "spoke SSH", "closed at secure, before it proposed", "closed at secure, before it proposed"];
    for (sentence, begin) in told.sentences.iter().zip(begin) {
        assert!(sentence.starts_with(begin), "{sentence}");
    }
}

#[tokio::test]
async fn one_host_gets_so_many_connections_and_no_more() {
    let limits = Limits { per_ip: 32, ..Limits::default() };
    let node = Node::bind(config(&LOOPBACK[..1], limits)).unwrap();
    let address = socket(&node);
    let visit = async {
        let mut held = Vec::new();
        for _ in 0..limits.per_ip {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(MULTISTREAM).await.unwrap();
            stream.read_exact(&mut [0; 20]).await.unwrap();
            held.push(stream);
        }
        for _ in 0..20 {
            let mut extra = TcpStream::connect(address).await.unwrap();
            assert!(!matches!(extra.read(&mut [0; 20]).await, Ok(1..)));
        }
        drop(held);
    };
    let (told, ()) = visited(node, 32, visit).await;
    assert_eq!((told.tally.dialers, told.tally.refused), (32, 20), "{}", told.tally);
    let refusals = told.events.iter().filter(|event| match &event.fact {
        Fact::AttemptPlanned { why, .. } => why.as_ref().is_some_and(|why| why.code == WhyCode::OverLimit),
        _ => false,
    });
    // Two seconds' worth at the most, for a slow machine.
    assert!((1..=2 * limits.told_refusals as usize).contains(&refusals.count()));
}

#[tokio::test]
async fn a_silent_dialer_is_let_go() {
    let limits = Limits { times: Times { handshake: Duration::from_millis(30), ..Times::default() }, ..Limits::default() };
    let node = Node::bind(config(&LOOPBACK[..1], limits)).unwrap();
    let address = socket(&node);
    let visit = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert!(!matches!(stream.read(&mut [0; 1]).await, Ok(1..)), "it is closed");
    };
    let (told, ()) = visited(node, 1, visit).await;
    assert_eq!(failed_at(&told.attempts[0]), (StageName::Secure, "timed-out"));
    assert_eq!(told.sentences, ["silent at secure until its time was over"]);
}

#[tokio::test]
async fn the_end_closes_what_is_open() {
    let node = Node::bind(config(&LOOPBACK[..1], Limits::default())).unwrap();
    let address = socket(&node);
    let visit = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(MULTISTREAM).await.unwrap();
        stream.read_exact(&mut [0; 20]).await.unwrap();
        stream
    };
    let (told, mut stream) = visited(node, 0, visit).await;
    assert_eq!(told.attempts[0].outcome, Outcome::unknown(WhyCode::Interrupted));
    assert_eq!(told.tally.to_string(), "1 dialer: 0 reached identify, 1 not done");
    assert!(!matches!(stream.read(&mut [0; 1]).await, Ok(1..)));
}

/// Connects, answers what it is asked, asks nothing, and waits for the end.
async fn idle(address: SocketAddr) -> Fault {
    let keypair = Keypair::generate_ed25519();
    let stream = TcpStream::connect(address).await.unwrap().compat();
    let secured = secure_outbound(stream, &keypair, Security::Noise).await.unwrap();
    let clock = Clock::new(Micros::default, |_| pending().boxed_local());
    let us = Us { key: keypair.public(), listen: vec![], observed: None };
    Session::new(multiplex_outbound(secured.stream).await.unwrap(), clock, us, |_| ()).identify_ahead().serve().await
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let limits = Limits { times: Times { idle: Duration::from_millis(20), ..Times::default() }, ..Limits::default() };
    let node = Node::bind(config(&LOOPBACK[..1], limits)).unwrap();
    let address = socket(&node);
    let (told, ended) = visited(node, 1, idle(address)).await;
    assert_eq!(ended.cause, Cause::Closed);
    assert_eq!((told.tally.dialers, told.tally.identified), (1, 1), "{:#?}", told.attempts);
}

#[tokio::test]
async fn the_end_says_goodbye_to_those_connected() {
    let node = Node::bind(config(&LOOPBACK[..1], Limits::default())).unwrap();
    let address = socket(&node);
    let (enough, stop) = oneshot::channel();
    let mut enough = Some(enough);
    let sink = |event: &Event, _: &Report| {
        if matches!(event.fact, Fact::AttemptEnded { .. }) {
            enough.take().map(|enough| enough.send(()));
        }
    };
    let (tally, ended) = futures::join!(node.run(sink, stop.map(drop)), idle(address));
    assert_eq!((tally.identified, ended.cause), (1, Cause::Closed));
}

#[tokio::test]
async fn a_port_in_use_is_one_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Node::bind(config(&[&format!("/ip4/127.0.0.1/tcp/{port}")], Limits::default())).unwrap_err();
    let words = error.to_string();
    assert!(words.contains(&format!("TCP port {port}")) && words.contains("--port"), "{words}");
    assert!(matches!(Node::bind(config(&[], Limits::default())), Err(BindError::Nothing)));
}
