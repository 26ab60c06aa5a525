//! The rules, each with somebody who tries to break it, over real connections on loopback.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    pin::pin,
    time::Duration,
};

use futures::{
    AsyncWriteExt as _,
    channel::oneshot,
    future::{Either, select},
    stream::{FuturesUnordered, StreamExt as _},
};
use libp2p_identity::Keypair;
use multiaddr::Multiaddr;
use tokio::io::AsyncWriteExt as _;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use super::*;
use crate::{
    model::{Cause, Outcome, StageName},
    nat::dialback::{TokenText, ask},
    native::Settings,
    node::{Config, Node},
    probe,
    session::Opener,
    transport::stun,
};

const TOKEN: TokenText = TokenText([7; 16]);
/// An address of the machine that a helper is made to believe to have.
const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(11, 22, 33, 1));
/// No test waits this long unless it hangs.
const HANGS: Duration = Duration::from_secs(30);

fn config(partner: Option<Multiaddr>, identity: Keypair) -> Config {
    let listen = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/udp/0/webrtc-direct"];
    Config { partner, ..Config::new(listen.map(|address| address.parse().unwrap()).into(), identity) }
}

/// Runs nodes while a dialer of the first one does its work.
async fn with<T>(nodes: Vec<Node>, work: impl AsyncFnOnce(Opener) -> T) -> T {
    let address = nodes[0].addresses().into_iter().find(|address| address.to_string().contains("/tcp/")).unwrap();
    let (ends, stops): (Vec<_>, Vec<_>) = nodes.iter().map(|_| oneshot::channel::<()>()).unzip();
    let running = nodes.into_iter().zip(stops).map(|(node, stop)| {
        node.run(|_, _| (), async {
            let _ = stop.await;
        })
    });
    let running = pin!(futures::future::join_all(running));
    let native = Native::new(Settings::default());
    let keypair = Keypair::generate_ed25519();
    let asking = probe::lend_once(&native, &keypair, &address, async |session, _| Ok(work(session.opener()).await));
    let answer = match select(running, pin!(tokio::time::timeout(HANGS, asking))).await {
        Either::Left(_) => panic!("a node ended by itself"),
        Either::Right((answer, running)) => {
            drop(ends);
            running.await;
            answer
        }
    };
    answer.expect("in time").expect("a connection")
}

fn node() -> Node {
    Node::bind(config(None, Keypair::generate_ed25519())).unwrap()
}

async fn datagrams(helper: &Opener, port: u16, by: By) -> Answer {
    ask(helper, &Request::Datagrams { port, token: TOKEN, by }).await.unwrap()
}

async fn dial(helper: &Opener, layers: &str) -> Answer {
    ask(helper, &Request::Dial { layers: layers.into(), within_ms: 2000, by: By::You }).await.unwrap()
}

fn refused(why: Refusal) -> Answer {
    Answer::Refused { why }
}

async fn socket() -> (tokio::net::UdpSocket, u16) {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[tokio::test]
async fn three_datagrams_come_from_a_fresh_port() {
    let node = node();
    let listening: Vec<u16> = node.addresses().iter().filter_map(port).collect();
    with(vec![node], async |helper| {
        let (socket, port) = socket().await;
        let Answer::Sent { from, count, .. } = datagrams(&helper, port, By::You).await else { panic!("not sent") };
        assert_eq!((from.ip().to_string().as_str(), count), ("127.0.0.1", 3));
        assert!(!listening.contains(&from.port()));
        for _ in 0..3 {
            let mut buffer = [0; 100];
            let (length, seen) = socket.recv_from(&mut buffer).await.unwrap();
            assert_eq!((length, seen), (48, from));
            assert_eq!(stun::read(&buffer[..length]), Some(stun::Message::Indication(TOKEN.0)));
        }
    })
    .await;
}

/// Who opens requests and reads no answers holds nothing that others need.
#[tokio::test]
async fn answers_that_nobody_reads_hold_no_places() {
    let keypair = Keypair::generate_ed25519();
    let reach = Reach::new(&["/ip4/127.0.0.1/tcp/1".parse().unwrap()], Vec::new);
    let node = Dialback::new(Native::new(Settings::default()), keypair, None, reach, vec![]);
    let (_socket, port) = socket().await;
    let ours = IpAddr::from([127, 0, 0, 1]);
    let asker = Asker { remote: SocketAddr::new(ours, 5), local: ours, peer: PeerId::random() };
    let mut request = Vec::new();
    frame::put(&mut request, &serde_json::to_vec(&Request::Datagrams { port, token: TOKEN, by: By::You }).unwrap());
    // As long as the request: the answer does not fit.
    let mut serving: FuturesUnordered<_> = (0..8)
        .map(|_| {
            let (mut asking, stream) = tokio::io::duplex(64);
            let (node, request) = (Rc::clone(&node), request.clone());
            async move {
                let asks = async move {
                    asking.write_all(&request).await.unwrap();
                    asking
                };
                let serve = node.serve(asker, SubstreamBox::new(stream.compat()));
                // What asked is kept, so that the stream does not break.
                drop(futures::join!(asks, serve).0);
            }
        })
        .collect();
    let others = async {
        while node.allowance.borrow().all.len() < 8 {
            tokio::task::yield_now().await;
        }
        while node.admit(ours, port).is_err() {
            tokio::task::yield_now().await;
        }
    };
    let hold = async { while serving.next().await.is_some() {} };
    let both = futures::future::join(hold, others);
    tokio::time::timeout(HANGS, both).await.expect("the answers are given up, and the places before");
}

fn port(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|part| match part {
        multiaddr::Protocol::Tcp(port) | multiaddr::Protocol::Udp(port) => Some(port),
        _ => None,
    })
}

#[tokio::test]
async fn a_dial_tells_its_stages() {
    with(vec![node()], async |helper| {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        drop(taken);
        let Answer::Dialed { outcome, stages, .. } = dial(&helper, &format!("/tcp/{port}")).await else { panic!("not dialed") };
        assert_eq!(outcome, Outcome::failed(Cause::Refused));
        assert_eq!(stages.iter().map(|stage| stage.stage).collect::<Vec<_>>(), [StageName::Connect]);
    })
    .await;
}

#[tokio::test]
async fn a_silent_port_takes_no_longer_than_was_asked() {
    with(vec![node()], async |helper| {
        let (_socket, port) = socket().await;
        let request = Request::Dial { layers: format!("/udp/{port}/quic-v1"), within_ms: 50, by: By::You };
        let Answer::Dialed { outcome, .. } = ask(&helper, &request).await.unwrap() else { panic!("not dialed") };
        assert_eq!(outcome, Outcome::failed(Cause::UdpSilent));
    })
    .await;
}

#[tokio::test]
async fn the_ninth_port_of_a_minute_is_refused() {
    with(vec![node()], async |helper| {
        for port in 50_001..=50_008 {
            assert!(matches!(datagrams(&helper, port, By::You).await, Answer::Sent { .. }), "{port}");
        }
        // The place among those at work is given back a little later.
        assert_eq!(datagrams(&helper, 50_009, By::You).await, refused(Refusal::TooManyPorts));
        assert_eq!(dial(&helper, "/tcp/50009").await, refused(Refusal::TooManyPorts));
        assert_eq!(datagrams(&helper, 0, By::You).await, refused(Refusal::Malformed));
    })
    .await;
}

#[tokio::test]
async fn nobody_else_can_be_named() {
    with(vec![node()], async |helper| {
        for layers in ["/ip4/11.22.33.44/tcp/80", "/tcp/80/ip4/11.22.33.44/tcp/80", "/tcp/80/dns4/victim.example/tcp/80", ""] {
            assert_eq!(dial(&helper, layers).await, refused(Refusal::Malformed), "{layers}");
        }
        // Members that the protocol does not know change nothing.
        let mut stream = helper.open(PROTOCOL).await.unwrap();
        let request = br#"{"ask":"datagrams","port":9,"ip":"11.22.33.44","token":"07070707070707070707070707070707","by":"you"}"#;
        let mut message = Vec::new();
        frame::put(&mut message, request);
        stream.write_all(&message).await.unwrap();
        stream.flush().await.unwrap();
        let answer = frame::read(&mut stream, 1000).await.unwrap().unwrap();
        let Answer::Sent { from, .. } = serde_json::from_slice(&answer).unwrap() else { panic!("not sent") };
        assert!(from.ip().is_loopback(), "sent from the address that leads to the asker alone");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_what_is_too_long_is_not_read() {
    with(vec![node()], async |helper| {
        let say = async |bytes: &[u8]| {
            let mut stream = helper.open(PROTOCOL).await.unwrap();
            let mut message = Vec::new();
            frame::put(&mut message, bytes);
            // The helper may hang up before all of it is written.
            let _ = stream.write_all(&message).await;
            let _ = stream.flush().await;
            let answer = frame::read(&mut stream, 1000).await.ok().flatten()?;
            serde_json::from_slice::<Answer>(&answer).ok()
        };
        for garbage in [&b""[..], b"{}", b"[1]", br#"{"ask":"moon"}"#, br#"{"ask":"datagrams","port":70000}"#, b"\xff\xfe"] {
            assert_eq!(say(garbage).await, Some(refused(Refusal::Malformed)));
        }
        assert_eq!(say(&vec![b' '; MAX_REQUEST + 1]).await, Some(refused(Refusal::Malformed)));
        assert!(matches!(ask(&helper, &Request::Info).await.unwrap(), Answer::Info { .. }));
    })
    .await;
}

#[tokio::test]
async fn stun_is_answered_on_every_udp_port() {
    with(vec![node()], async |helper| {
        let Answer::Info { observed, partner, stun: ports } = ask(&helper, &Request::Info).await.unwrap() else { panic!() };
        assert!(observed.ip().is_loopback() && partner.is_none());
        assert_eq!(ports.len(), 2);
        let (socket, own) = socket().await;
        for port in ports {
            socket.send_to(&stun::request([port.to_be_bytes()[1]; 12]), ("127.0.0.1", port)).await.unwrap();
            let mut buffer = [0; 100];
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            assert_eq!((length, from.port()), (32, port));
            let told = SocketAddr::from(([127, 0, 0, 1], own));
            assert_eq!(stun::read(&buffer[..length]), Some(stun::Message::Answer([port.to_be_bytes()[1]; 12], Some(told))));
        }
    })
    .await;
}

/// Two nodes that name each other, the first one on a port that is known before.
fn partners() -> Vec<Node> {
    let [a, b] = [(); 2].map(|()| Keypair::generate_ed25519());
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = |port: u16, keypair: &Keypair| -> Multiaddr {
        format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", keypair.public().to_peer_id()).parse().unwrap()
    };
    let second = Node::bind(config(Some(address(port, &a)), b.clone())).unwrap();
    let of_second = second.addresses().into_iter().find(|address| address.to_string().contains("/tcp/")).unwrap();
    vec![Node::bind(config(Some(of_second), a)).unwrap(), second]
}

#[tokio::test]
async fn a_partner_sends_for_its_helper() {
    let nodes = partners();
    let partner = nodes[1].addresses()[0].to_string().rsplit_once("/p2p/").unwrap().1.to_owned();
    with(nodes, async |helper| {
        let (socket, port) = socket().await;
        let Answer::Info { partner: told, .. } = ask(&helper, &Request::Info).await.unwrap() else { panic!() };
        assert_eq!(told.as_ref(), Some(&partner));
        let Answer::Sent { vantage, from, .. } = datagrams(&helper, port, By::Partner).await else { panic!("not sent") };
        assert_eq!(vantage, partner);
        let mut buffer = [0; 100];
        assert_eq!(socket.recv_from(&mut buffer).await.unwrap(), (48, from));
        let dial = Request::Dial { layers: "/tcp/1".into(), within_ms: 1000, by: By::Partner };
        let Answer::Dialed { vantage, .. } = ask(&helper, &dial).await.unwrap() else { panic!("not dialed") };
        assert_eq!(vantage, partner);
    })
    .await;
}

#[tokio::test]
async fn tickets_of_others_are_not_taken() {
    let stranger = Keypair::generate_ed25519();
    let nodes = partners();
    let us = nodes[0].addresses()[0].to_string().rsplit_once("/p2p/").unwrap().1.to_owned();
    let errand = Errand {
        asker: "127.0.0.1".parse().unwrap(),
        partner: us,
        signed: seconds(native::time_of_day()),
        what: What::Datagrams { port: 9, token: TOKEN },
    };
    let ticket = Ticket::sign(&errand, &stranger).unwrap();
    with(nodes, async |helper| {
        let answer = ask(&helper, &Request::ForPartner { ticket: ticket.clone() }).await.unwrap();
        assert_eq!(answer, refused(Refusal::BadTicket));
    })
    .await;
    with(vec![node()], async |helper| {
        assert_eq!(ask(&helper, &Request::ForPartner { ticket }).await.unwrap(), refused(Refusal::NoPartner));
        assert_eq!(datagrams(&helper, 9, By::Partner).await, refused(Refusal::NoPartner));
    })
    .await;
}

fn dialback(identity: &Keypair, partner: &Keypair, listening: &str) -> Rc<Dialback> {
    let partner: Multiaddr = format!("/ip4/11.22.33.2/tcp/1/p2p/{}", partner.public().to_peer_id()).parse().unwrap();
    let reach = Reach::new(&[listening.parse().unwrap()], || vec![OWN]);
    Dialback::new(Native::new(Settings::default()), identity.clone(), Some(partner), reach, vec![])
}

/// Behind a proxy on the helper's machine every stranger has its address. Whoever asks is told, in every protocol alike.
#[tokio::test]
async fn a_stranger_who_seems_to_be_the_machine_itself_is_told_so() {
    let [us, partner] = [(); 2].map(|()| Keypair::generate_ed25519());
    let node = dialback(&us, &partner, "/ip4/0.0.0.0/tcp/1");
    let asker = |ip: IpAddr| Asker { remote: SocketAddr::new(ip, 5), local: ip, peer: PeerId::random() };
    for ip in [IpAddr::from([127, 0, 0, 1]), OWN] {
        for by in [By::You, By::Partner] {
            let datagrams = Request::Datagrams { port: 4001, token: TOKEN, by };
            let dial = Request::Dial { layers: "/tcp/4001".into(), within_ms: 1000, by };
            for request in [datagrams, dial] {
                assert_eq!(node.answer(asker(ip), request).await.map(drop), Err(Refusal::OwnAddress), "{ip} {by:?}");
            }
        }
        assert_eq!(node.admit(ip, 4001).map(drop), Err(Refusal::OwnAddress));
    }
}

#[tokio::test]
async fn a_partner_cannot_lead_to_this_machine_itself() {
    let [us, partner] = [(); 2].map(|()| Keypair::generate_ed25519());
    let node = dialback(&us, &partner, "/ip4/127.0.0.1/tcp/1");
    let from = |remote: &str| Asker {
        remote: remote.parse().unwrap(),
        local: "11.22.33.1".parse().unwrap(),
        peer: partner.public().to_peer_id(),
    };
    let ticket = |asker: &str| {
        let errand = Errand {
            asker: asker.parse().unwrap(),
            partner: us.public().to_peer_id().to_base58(),
            signed: seconds(native::time_of_day()),
            what: What::Datagrams { port: 9, token: TOKEN },
        };
        Ticket::sign(&errand, &partner).unwrap()
    };
    assert_eq!(node.check(from("11.22.33.2:5"), &ticket("127.0.0.1")).unwrap_err(), Refusal::PrivateAddress);
    assert_eq!(node.check(from("11.22.33.2:5"), &ticket("::ffff:127.0.0.1")).unwrap_err(), Refusal::PrivateAddress);
    assert!(node.check(from("127.0.0.1:5"), &ticket("127.0.0.1")).is_ok());
    assert!(node.check(from("11.22.33.2:5"), &ticket("11.22.33.9")).is_ok());
    let other = Asker { peer: us.public().to_peer_id(), ..from("11.22.33.2:5") };
    assert_eq!(node.check(other, &ticket("11.22.33.9")).unwrap_err(), Refusal::BadTicket);
}

#[test]
fn a_partner_is_named_with_its_peer() {
    let unnamed = config(Some("/ip4/11.22.33.2/tcp/4011".parse().unwrap()), Keypair::generate_ed25519());
    let error = Node::bind(unnamed).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("/p2p/"), "{error}");
}
