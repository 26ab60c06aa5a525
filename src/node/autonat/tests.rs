//! The rules, each with somebody who tries to break it, over real connections on loopback; our own clients ask.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use futures::future::{Either, select};
use libp2p_core::muxing::SubstreamBox;
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;
use quinn::crypto::rustls::QuicServerConfig;
use std::pin::pin;
use tokio::{
    net::{TcpListener, UdpSocket},
    task::{LocalSet, spawn_local},
};
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use super::*;
use crate::{
    model::WhyCode,
    nat::autonat::{
        Answer, Nonces, ask,
        wire::{v1, v2},
    },
    native::{Native, Settings},
    node::{Config, Node, dialback::Reach},
    probe,
    session::{Opener, Proposal, Session, Us, multiplex_inbound, secure_inbound},
    transport::libp2p_tls::Credentials,
};

/// No test waits this long unless it hangs.
const HANGS: Duration = Duration::from_secs(30);

/// An asker, connected to a node, and listening itself.
struct Asking {
    server: Opener,
    us: PeerId,
    keypair: Keypair,
    listening: SocketAddr,
    nonces: Rc<Nonces>,
}

impl Asking {
    fn address(&self) -> Multiaddr {
        tcp(&self.listening.ip().to_string(), self.listening.port())
    }

    async fn first(&self, address: &Multiaddr) -> Answer {
        ask::v1(&self.server, self.us, address).await.unwrap()
    }

    async fn second(&self, address: &Multiaddr, nonce: u64) -> Answer {
        ask::v2(&self.server, address, nonce).await.unwrap()
    }

    /// What is answered to this message of version 1.
    async fn says(&self, message: v1::Message) -> v1::Response {
        let mut stream: Proposal<SubstreamBox> = self.server.open(V1).await.unwrap();
        wire::send(&mut stream, &message).await.unwrap();
        wire::receive::<v1::Message>(&mut stream, 4096).await.unwrap().response.unwrap()
    }
}

fn tcp(ip: &str, port: u16) -> Multiaddr {
    format!("/ip4/{ip}/tcp/{port}").parse().unwrap()
}

/// Serves whoever comes as the peer of this key; numbers are taken where `takes` says so.
async fn serve(listener: TcpListener, keypair: Keypair, native: Native, nonces: Rc<Nonces>, takes: bool) {
    let guests = futures::stream::FuturesUnordered::new();
    let mut guests = pin!(guests);
    loop {
        let accepted = pin!(listener.accept());
        let stream = match select(accepted, futures::StreamExt::next(&mut guests)).await {
            Either::Left((Ok((stream, from)), _)) => (stream, from),
            Either::Left(_) => return,
            Either::Right((Some(()), _)) => continue,
            Either::Right((None, accepted)) => accepted.await.unwrap(),
        };
        let (keypair, native, nonces) = (keypair.clone(), native.clone(), Rc::clone(&nonces));
        guests.push(async move {
            let (stream, from) = stream;
            let Ok(secured) = secure_inbound(stream.compat(), &keypair).await else { return };
            let Ok(connection) = multiplex_inbound(secured.stream).await else { return };
            let us = Us { key: keypair.public(), listen: Vec::new(), observed: None };
            let session = Session::new(connection, native.clock(), us, |_| ());
            let services = if takes { vec![nonces.service(from)] } else { Vec::new() };
            session.offering(services).serve().await;
        });
    }
}

/// Runs a node while an asker does its work.
async fn with<T>(takes: bool, work: impl AsyncFnOnce(Asking) -> T) -> T {
    let listen = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"].map(|address| address.parse().unwrap());
    let node = Node::bind(Config::new(listen.into(), Keypair::generate_ed25519())).unwrap();
    let address = node.addresses().into_iter().find(|address| address.to_string().contains("/tcp/")).unwrap();
    let running = node.run(|_, _| (), futures::future::pending());
    let native = Native::new(Settings::default());
    let keypair = Keypair::generate_ed25519();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (listening, nonces) = (listener.local_addr().unwrap(), Rc::<Nonces>::default());
    let serving = serve(listener, keypair.clone(), native.clone(), Rc::clone(&nonces), takes);
    let us = keypair.public().to_peer_id();
    let asking = probe::lend_once(&native, &keypair, &address, async |session, _| {
        Ok(work(Asking { server: session.opener(), us, keypair: keypair.clone(), listening, nonces }).await)
    });
    let asking = tokio::time::timeout(HANGS, asking);
    match select(select(pin!(running), pin!(serving)), pin!(asking)).await {
        Either::Right((answer, _)) => answer.expect("in time").expect("a connection"),
        Either::Left(_) => panic!("somebody ended"),
    }
}

fn refused(words: &str) -> Answer {
    Answer::NotTested { why: WhyCode::VantageRefuses, words: words.into() }
}

#[tokio::test]
async fn who_asks_is_dialed() {
    with(true, async |asking| {
        let address = asking.address();
        assert_eq!(asking.first(&address).await, Answer::Connected { over: Some(address.clone()), words: None });
        let expected = asking.nonces.expect();
        assert_eq!(asking.second(&address, expected.nonce()).await, Answer::Connected { over: None, words: None });
        assert!(expected.arrived().await.ip().is_loopback());
        // The peer that asks may stand at the end.
        let named = address.with(multiaddr::Protocol::P2p(asking.us));
        assert!(matches!(asking.first(&named).await, Answer::Connected { .. }));
    })
    .await;
}

#[tokio::test]
async fn a_number_that_nobody_takes_is_no_failure_of_the_dial() {
    let broken = Answer::Connected { over: None, words: Some("E_DIAL_BACK_ERROR".into()) };
    with(false, async |asking| assert_eq!(asking.second(&asking.address(), 7).await, broken)).await;
    // One that was not expected is not taken: the server cannot tell that from an answer that was lost.
    with(true, async |asking| {
        let expected = asking.nonces.expect();
        let answer = asking.second(&asking.address(), !expected.nonce()).await;
        assert_eq!(answer, Answer::Connected { over: None, words: None });
        assert!(futures::FutureExt::now_or_never(expected.arrived()).is_none());
    })
    .await;
}

#[tokio::test]
async fn a_closed_port_is_a_dial_that_failed() {
    with(true, async |asking| {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = tcp("127.0.0.1", closed);
        let words = format!("E_DIAL_ERROR: {address}: connection refused");
        assert_eq!(asking.first(&address).await, Answer::Failed { words });
        assert_eq!(asking.second(&address, 7).await, Answer::Failed { words: "E_DIAL_ERROR".into() });
    })
    .await;
}

/// In version 1 the IP address of a request does not matter, as with go-libp2p; in version 2 it has to be the asker's.
#[tokio::test]
async fn nobody_else_is_dialed() {
    with(true, async |asking| {
        let elsewhere = tcp("11.22.33.44", asking.listening.port());
        assert_eq!(asking.first(&elsewhere).await, Answer::Connected { over: Some(asking.address()), words: None });
        assert_eq!(asking.second(&elsewhere, 7).await, refused("E_DIAL_REFUSED"));
        let relay = PeerId::random();
        let (port, us) = (asking.listening.port(), asking.us);
        for address in [
            format!("/dns4/victim.example/tcp/{port}"),
            format!("/ip4/127.0.0.1/tcp/{port}/p2p/{relay}"),
            format!("/ip4/127.0.0.1/tcp/{port}/p2p/{relay}/p2p-circuit"),
            format!("/ip4/127.0.0.1/tcp/{port}/p2p/{relay}/p2p-circuit/p2p/{us}"),
            format!("/ip4/127.0.0.1/tcp/{port}/ip4/11.22.33.44/tcp/80"),
            "/ip4/127.0.0.1/tcp/0".into(),
            "/ip4/127.0.0.1/udp/9".into(),
        ] {
            let address: Multiaddr = address.parse().unwrap();
            assert_eq!(asking.first(&address).await, refused("E_DIAL_REFUSED: no address that can be dialed"), "{address}");
            assert_eq!(asking.second(&address, 7).await, refused("E_DIAL_REFUSED"), "{address}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_ninth_port_of_a_minute_is_refused() {
    with(true, async |asking| {
        for port in 50_001..=50_008 {
            assert!(matches!(asking.first(&tcp("127.0.0.1", port)).await, Answer::Failed { .. }), "{port}");
        }
        let ninth = tcp("127.0.0.1", 50_009);
        assert_eq!(asking.first(&ninth).await, refused("E_DIAL_REFUSED: too-many-ports"));
        let rejected = Answer::NotTested { why: WhyCode::OverLimit, words: "E_REQUEST_REJECTED".into() };
        assert_eq!(asking.second(&ninth, 7).await, rejected);
    })
    .await;
}

/// One request of version 1 names as many ports as it likes.
#[tokio::test]
async fn a_request_of_many_addresses_gets_no_more_ports() {
    with(true, async |asking| {
        let addrs = (50_001..50_200).map(|port| tcp("127.0.0.1", port).to_vec()).collect();
        let peer = v1::PeerInfo { id: Some(asking.us.to_bytes()), addrs };
        let dial = Some(v1::Dial { peer: Some(peer) });
        let response = asking.says(v1::Message { kind: Some(v1::DIAL), dial, response: None }).await;
        let text = response.text.unwrap_or_default();
        assert_eq!((response.status, text.matches("connection refused").count()), (Some(v1::E_DIAL_ERROR), 8), "{text}");
    })
    .await;
}

#[tokio::test]
async fn another_peer_is_not_asked_for_and_what_cannot_be_read_is_told() {
    with(true, async |asking| {
        let peer = v1::PeerInfo { id: Some(PeerId::random().to_bytes()), addrs: vec![asking.address().to_vec()] };
        let other = v1::Message { kind: Some(v1::DIAL), dial: Some(v1::Dial { peer: Some(peer) }), response: None };
        let response = asking.says(other).await;
        assert_eq!(response.status, Some(v1::E_BAD_REQUEST), "{response:?}");
        for unreadable in [v1::Message::default(), v1::Message { kind: Some(v1::DIAL_RESPONSE), ..v1::Message::default() }] {
            assert_eq!(asking.says(unreadable).await.status, Some(v1::E_BAD_REQUEST));
        }
        let nothing = v1::Message {
            kind: Some(v1::DIAL),
            dial: Some(v1::Dial { peer: Some(v1::PeerInfo { id: None, addrs: vec![vec![0xff, 0xff]; 20] }) }),
            response: None,
        };
        assert_eq!(asking.says(nothing).await.status, Some(v1::E_DIAL_REFUSED));
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_too_long_is_not_read() {
    with(true, async |asking| {
        let peer = v1::PeerInfo { id: Some(vec![0; 5000]), addrs: Vec::new() };
        let long = v1::Message { kind: Some(v1::DIAL), dial: Some(v1::Dial { peer: Some(peer) }), response: None };
        assert_eq!(asking.says(long).await.status, Some(v1::E_BAD_REQUEST));
        let mut stream = asking.server.open(DIAL_REQUEST).await.unwrap();
        let request = Some(v2::DialRequest { addrs: vec![vec![0; 9000]], nonce: 7 });
        let _ = wire::send(&mut stream, &v2::Message { request, ..v2::Message::default() }).await;
        let told = wire::receive::<v2::Message>(&mut stream, 4096).await.unwrap().response.unwrap();
        assert_eq!((told.status, told.address, told.dial), (v2::E_INTERNAL_ERROR, 0, 0));
        // It goes on all the same.
        assert!(matches!(asking.first(&asking.address()).await, Answer::Connected { .. }));
    })
    .await;
}

/// In version 2, too, who asks hears that the request is none.
#[tokio::test]
async fn what_is_no_request_is_answered() {
    with(true, async |asking| {
        let response = v2::Message { response: Some(v2::DialResponse::default()), ..v2::Message::default() };
        let encoded = prost::Message::encode_length_delimited_to_vec(&response);
        for unreadable in [vec![0], vec![3, 0xff, 0xff, 0xff], encoded] {
            let mut stream = asking.server.open(DIAL_REQUEST).await.unwrap();
            stream.write_all(&unreadable).await.unwrap();
            stream.flush().await.unwrap();
            let told = wire::receive::<v2::Message>(&mut stream, 4096).await.unwrap().response;
            assert_eq!(told.map(|told| told.status), Some(v2::E_INTERNAL_ERROR), "{unreadable:?}");
        }
    })
    .await;
}

/// Of 200 addresses in version 2 the first sixteen are looked at.
#[tokio::test]
async fn a_list_of_addresses_is_looked_at_so_far() {
    with(true, async |asking| {
        let second = async |good: usize| {
            let mut addrs = vec![tcp("11.22.33.44", 80).to_vec(); 40];
            addrs[good] = asking.address().to_vec();
            let mut stream = asking.server.open(DIAL_REQUEST).await.unwrap();
            let expected = asking.nonces.expect();
            let request = Some(v2::DialRequest { addrs, nonce: expected.nonce() });
            wire::send(&mut stream, &v2::Message { request, ..v2::Message::default() }).await.unwrap();
            wire::receive::<v2::Message>(&mut stream, 4096).await.unwrap().response.unwrap()
        };
        let told = second(15).await;
        assert_eq!((told.status, told.address, told.dial), (v2::OK, 15, v2::DIAL_OK));
        assert_eq!(second(16).await.status, v2::E_DIAL_REFUSED);
    })
    .await;
}

/// One address asks more often than it may, and all together do: nobody is dialed, and who asks hears why.
#[tokio::test]
async fn a_share_that_is_used_up_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let own: IpAddr = listener.local_addr().unwrap().ip();
    let port = listener.local_addr().unwrap().port();
    let asker = Asker { remote: SocketAddr::new(own, 5), local: own, peer: PeerId::random() };
    let elsewhere = |n: u32| IpAddr::from(Ipv4Addr::from_bits(0x0b16_0000 + n));
    for (alone, words) in [(true, "too-often"), (false, "busy")] {
        let native = Native::new(Settings::default());
        let reach = Reach::new(&[tcp("127.0.0.1", 1)], Vec::new);
        let dialback = Dialback::new(native, Keypair::generate_ed25519(), None, reach, Vec::new());
        let used_up = |n: &u32| dialback.admit(if alone { own } else { elsewhere(*n) }, port).is_err();
        assert!((0..10_000).any(|n| used_up(&n)), "{words}: it has no end");
        let addrs = vec![tcp("127.0.0.1", port).to_vec()];
        let [(mut ours, theirs), (mut again, other)] = [(); 2].map(|()| pipe());
        let peer = v1::PeerInfo { id: Some(asker.peer.to_bytes()), addrs: addrs.clone() };
        let dial = Some(v1::Dial { peer: Some(peer) });
        wire::send(&mut ours, &v1::Message { kind: Some(v1::DIAL), dial, response: None }).await.unwrap();
        super::v1::serve(Rc::clone(&dialback), asker, theirs).await;
        let told = wire::receive::<v1::Message>(&mut ours, 4096).await.unwrap().response.unwrap();
        assert_eq!((told.status, told.text.as_deref()), (Some(v1::E_DIAL_REFUSED), Some(words)));
        let request = Some(v2::DialRequest { addrs, nonce: 7 });
        wire::send(&mut again, &v2::Message { request, ..v2::Message::default() }).await.unwrap();
        super::v2::serve(Rc::clone(&dialback), asker, other).await;
        let told = wire::receive::<v2::Message>(&mut again, 4096).await.unwrap().response.unwrap();
        assert_eq!(told.status, v2::E_REQUEST_REJECTED, "{words}");
        assert!(listener.accept().is_err(), "{words}: somebody came");
    }
}

/// Both ends of a stream.
fn pipe() -> (SubstreamBox, SubstreamBox) {
    let (ours, theirs) = tokio::io::duplex(4096);
    (SubstreamBox::new(ours.compat()), SubstreamBox::new(theirs.compat()))
}

/// A QUIC listener of whoever has this key, of which dialers see the first flight and which hears no more than theirs: where dialers
/// meet it.
async fn hears_the_first_flight(keypair: &Keypair) -> SocketAddr {
    let (tls, _) = Credentials::generate(keypair).unwrap().server().unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()));
    let server = quinn::Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
    let listening = server.local_addr().unwrap();
    spawn_local(async move {
        let mut waiting = Vec::new();
        while let Some(incoming) = server.accept().await {
            waiting.push(incoming.accept().unwrap());
        }
    });
    let outside = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let address = outside.local_addr().unwrap();
    spawn_local(async move {
        let (mut known, mut datagram) = (Vec::new(), [0; 2048]);
        while let Ok((length, dialer)) = outside.recv_from(&mut datagram).await {
            if known.contains(&dialer) {
                continue;
            }
            known.push(dialer);
            let inside = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            inside.connect(listening).await.unwrap();
            inside.send(&datagram[..length]).await.unwrap();
            let back = Arc::clone(&outside);
            spawn_local(async move {
                let mut datagram = [0; 2048];
                while let Ok(length) = inside.recv(&mut datagram).await {
                    back.send_to(&datagram[..length], dialer).await.unwrap();
                }
            });
        }
    });
    address
}

/// Over QUIC a dialer's half of the handshake is over before the other end has seen its last flight.
#[tokio::test]
async fn half_a_handshake_is_no_connection() {
    let test = with(true, async |asking| {
        let port = hears_the_first_flight(&asking.keypair).await.port();
        let address: Multiaddr = format!("/ip4/127.0.0.1/udp/{port}/quic-v1").parse().unwrap();
        let (first, second) = futures::join!(asking.first(&address), asking.second(&address, 7));
        assert_eq!(first, Answer::Failed { words: format!("E_DIAL_ERROR: {address}: timed out") });
        assert_eq!(second, Answer::Failed { words: "E_DIAL_ERROR".into() });
    });
    LocalSet::new().run_until(Box::pin(test)).await;
}

/// A port that swallows everything, and an asker that says nothing: neither is waited for without end.
#[tokio::test]
async fn silence_ends() {
    with(true, async |asking| {
        let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        let address: Multiaddr = format!("/ip4/127.0.0.1/udp/{port}/quic-v1").parse().unwrap();
        let hushed = async |protocol: &str| {
            let mut stream = asking.server.open(protocol).await.unwrap();
            stream.confirmed().await.unwrap();
            wire::receive::<v1::Message>(&mut stream, 4096).await.map(drop)
        };
        let (first, second, one, two) =
            futures::join!(asking.first(&address), asking.second(&address, 7), hushed(V1), hushed(DIAL_REQUEST));
        assert!(matches!(first, Answer::Failed { .. }), "{first:?}");
        assert_eq!(second, Answer::Failed { words: "E_DIAL_ERROR".into() });
        assert!(one.is_err() && two.is_err());
    })
    .await;
}
