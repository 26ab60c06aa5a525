//! A listener under senders that mean no good.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use libp2p_identity::Keypair;

use super::super::certificate::Certificate;
use super::super::channels::HANDSHAKE;
use super::super::connection::Machine;
use super::super::credentials::{Credentials, Version};
use super::super::dcep;
use super::super::listen::Listener;
use super::super::sctp::Ppi;
use super::super::shared::now;
use super::super::stun::Request;
use super::super::stun::made::request;
use super::line::{DIALER, LISTENER, Line, Weather};
use super::simulated::{accept, let_go};
use crate::transport::quic::Limits;
use crate::transport::stun;

const FAIR: Weather = Weather { lost: 0, doubled: 0, late: 0, round_trip: Duration::from_millis(50) };

fn listener(limits: Limits) -> (Listener, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let listener = Listener::new(socket, &Keypair::generate_ed25519(), Certificate::generate().unwrap(), limits).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Sends all of it and then a good request; once that is answered the rest was looked at.
async fn after(listener: &Listener, address: SocketAddr, datagrams: &[Vec<u8>]) {
    let sender = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in datagrams {
        sender.send_to(datagram, address).await.unwrap();
        // Faster than they are read the system would drop them.
        tokio::task::yield_now().await;
    }
    let good = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    good.send_to(&signed(&Credentials::dial(Version::V2)), address).await.unwrap();
    let mut buffer = [0; 100];
    tokio::select! {
        arrived = listener.accept() => panic!("a request is no arrival: {arrived:?}"),
        answered = good.recv(&mut buffer) => assert!(answered.unwrap() > 20),
    }
}

pub(super) fn signed(credentials: &Credentials) -> Vec<u8> {
    request(&format!("{}:{}", credentials.server.ufrag, credentials.client.ufrag), &credentials.server.pass)
}

#[tokio::test]
async fn who_does_not_sign_costs_nothing() {
    let (listener, address) = listener(Limits::default());
    let good = Credentials::dial(Version::V2);
    let username = format!("{}:{}", good.server.ufrag, good.client.ufrag);
    let long = "x".repeat(400);
    let mut datagrams = vec![
        Vec::new(),
        vec![0],
        request(&username, "another password"),
        request("libp2p+webrtc+v9/abcdefghijklmnopqrstuvwxyz:abcd", "libp2p+webrtc+v9/abcdefghijklmnopqrstuvwxyz"),
        request("server:client", "server"),
        request(&format!("libp2p+webrtc+v1/{long}:abcd"), &format!("libp2p+webrtc+v1/{long}")),
        vec![0x16; 200],
    ];
    let whole = signed(&good);
    datagrams.extend((1..whole.len()).step_by(7).map(|length| whole[..length].to_vec()));
    after(&listener, address, &datagrams).await;
    // The good one alone is known, by its name and its address.
    assert_eq!(listener.known(), 2);
}

/// So many good requests, each from another port and from one of so many addresses; how many have a place at the end.
async fn flood(limits: Limits, requests: u64, addresses: u8) -> usize {
    let (listener, address) = listener(limits);
    let mut senders = Vec::new();
    for number in 0..requests {
        let host = 1 + u8::try_from(number % u64::from(addresses)).unwrap();
        let sender = tokio::net::UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), 0)).await.unwrap();
        sender.send_to(&signed(&Credentials::dial(Version::V1)), address).await.unwrap();
        senders.push(sender);
        tokio::task::yield_now().await;
    }
    let read = async {
        while listener.refused() + listener.entered() < requests {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        arrived = listener.accept() => panic!("{arrived:?}"),
        () = read => {}
    }
    // Each is known by its name and its address.
    listener.known() / 2
}

#[tokio::test]
async fn a_flood_of_good_requests_is_bounded() {
    let limits = Limits::default();
    for (limits, requests, addresses, most) in [
        (Limits { per_ip: 8, ..limits }, 200, 1, 8),
        (Limits { per_ip: 8, ..limits }, 200, 4, 32),
        (Limits { handshakes: 5, ..limits }, 100, 20, 5),
        (Limits { connections: 7, ..limits }, 100, 20, 7),
    ] {
        // A few of those that have shown no more than a request are about to make way.
        let kept = flood(limits, requests, addresses).await;
        assert!((most - 4..=most).contains(&kept), "{kept} of {most}");
    }
}

#[tokio::test]
async fn who_only_asks_is_told_once_and_forgotten_at_the_limit() {
    let (listener, address) = listener(Limits { handshake: Duration::from_millis(500), ..Limits::default() });
    let senders: Vec<_> = (0..3).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    for sender in &senders {
        sender.send_to(&signed(&Credentials::dial(Version::V2)), address).unwrap();
    }
    let arrival = listener.accept().await.unwrap();
    assert!(!arrival.began);
    drop(arrival);
    let forgotten = async {
        while listener.known() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        arrived = listener.accept() => panic!("told again: {arrived:?}"),
        () = forgotten => {}
    }
}

/// Nobody proves anything by a plain question.
#[tokio::test]
async fn plain_questions_from_one_address_are_answered_so_many_times() {
    let (listener, address) = listener(Limits::default());
    let [flood, other] = ["127.0.0.1:0", "127.0.0.2:0"].map(|own| UdpSocket::bind(own).unwrap());
    flood.set_nonblocking(true).unwrap();
    for _ in 0..2 * stun::EACH {
        flood.send_to(&stun::request([7; 12]), address).unwrap();
        tokio::task::yield_now().await;
    }
    other.set_nonblocking(true).unwrap();
    let other = tokio::net::UdpSocket::from_std(other).unwrap();
    other.send_to(&stun::request([8; 12]), address).await.unwrap();
    let mut buffer = [0; 100];
    // By then those before it were looked at.
    other.recv(&mut buffer).await.unwrap();
    let answers = std::iter::from_fn(|| flood.recv(&mut buffer).ok()).count();
    assert_eq!((answers, listener.known()), (stun::EACH as usize, 0));
}

#[test]
fn a_username_that_is_too_long_for_is_is_answered_all_the_same() {
    let now = now();
    for length in [40, 64, 100, 230] {
        let (server, client) = (format!("libp2p+webrtc+v1/{}", "s".repeat(length)), "c".repeat(length));
        let credentials = Credentials::of_username(&format!("{server}:{client}")).unwrap();
        let dialer: SocketAddr = DIALER.parse().unwrap();
        let mut machine = Machine::listen(&credentials, dialer, Certificate::generate().unwrap(), now);
        machine.handle(now, dialer, &signed(&credentials));
        let (to, answer) = machine.poll_transmit(now).unwrap();
        assert_eq!((to, &answer[..2]), (dialer, &[1, 1][..]), "{length}");
        let (to, check) = machine.poll_transmit(now).unwrap();
        assert!(to == dialer && Request::parse(&check).unwrap().is_signed_by(&credentials.client.pass), "{length}");
        assert_eq!(Request::parse(&check).unwrap().username.split_once(':'), Some((&credentials.client.ufrag[..], &server[..])));
        // Time goes on without a panic as well.
        for second in 1..40 {
            machine.handle_timeout(now + Duration::from_secs(second));
            while machine.poll_transmit(now + Duration::from_secs(second)).is_some() {}
        }
    }
}

#[test]
fn an_address_that_is_not_validated_gets_no_more_than_three_times_what_it_sent() {
    let now = now();
    let credentials = Credentials::dial(Version::V2);
    let dialer: SocketAddr = DIALER.parse().unwrap();
    let mut machine = Machine::listen(&credentials, dialer, Certificate::generate().unwrap(), now);
    let first = signed(&credentials);
    machine.handle(now, dialer, &first);
    let mut sent = 0;
    for tick in 0..600 {
        let now = now + Duration::from_millis(100 * tick);
        machine.handle_timeout(now);
        while let Some((_, bytes)) = machine.poll_transmit(now) {
            sent += bytes.len();
        }
    }
    assert!((1..=3 * first.len()).contains(&sent), "{sent} for {}", first.len());
}

/// Alerts without protection, records that nobody can read, and what is no record at all, in the middle of a handshake.
#[test]
fn what_anybody_may_send_ends_no_handshake() {
    let header = |kind: u8, epoch: u8, length: u8| [&[kind, 0xfe, 0xfd, 0, epoch][..], &[0; 5], &[77, 0, length]].concat();
    let forged = [
        [header(21, 0, 2), vec![2, 40]].concat(),
        [header(21, 0, 2), vec![1, 0]].concat(),
        [header(20, 0, 1), vec![1], header(21, 0, 2), vec![2, 80]].concat(),
        [header(23, 1, 40), vec![9; 40]].concat(),
        [header(22, 2, 40), vec![9; 40]].concat(),
        [header(22, 0, 40), vec![9; 10]].concat(),
        [vec![0x2f; 60]].concat(),
        vec![0x80; 60],
        vec![63],
    ];
    for (number, bytes) in forged.iter().enumerate() {
        let mut line = Line::new(Version::V2, FAIR, 6);
        line.until(|ends, now| {
            ends[0].handle(now, LISTENER.parse().unwrap(), bytes);
            ends[1].handle(now, DIALER.parse().unwrap(), bytes);
            assert_eq!(ends.each_ref().map(Machine::ended), [None; 2], "{number}");
            ends.iter_mut().all(|end| end.on_channels(|_, _, _| ()).is_some())
        });
    }
}

#[test]
fn noise_never_panics_and_after_the_handshake_disturbs_nothing() {
    let mut line = Line::new(Version::V2, FAIR, 3);
    let mut seed = 5_u64;
    let mut noise = |line: &mut Line| {
        for length in 0..200_usize {
            let bytes: Vec<u8> = (0..length)
                .map(|at| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let byte = seed.to_le_bytes()[7];
                    // STUN, DTLS handshake, alerts and application data, of right and wrong lengths.
                    match (at, length % 4) {
                        (0, 0) => byte & 3,
                        (0, _) => 20 + (byte & 7),
                        (1, 1..) => 0xfe,
                        (2, 1..) => 0xfd,
                        _ => byte,
                    }
                })
                .collect();
            let now = line.now;
            line.ends[1].handle(now, DIALER.parse().unwrap(), &bytes);
        }
    };
    // Before there are keys DTLS believes whom it hears: such a handshake fails, and that is all.
    noise(&mut Line::new(Version::V1, FAIR, 4));
    line.connect();
    noise(&mut line);
    assert!(line.ends[1].ended().is_none(), "{:?}", line.ends[1].ended());
}

/// RFC 7983, section 7: a port may be shared with other protocols (ZRTP, TURN's channels, RTP). Until there are keys whatever
/// DTLS is given makes its sender the other side.
#[test]
fn datagrams_of_other_protocols_do_not_get_to_dtls() {
    let (now, elsewhere) = (now(), "198.51.100.9:9".parse().unwrap());
    let (credentials, certificate) = (Credentials::dial(Version::V2), Certificate::generate().unwrap());
    for first in 0..=255 {
        let mut machine = Machine::listen(&credentials, DIALER.parse().unwrap(), certificate.clone(), now);
        machine.handle(now, elsewhere, &[&[first, 0xfe, 0xfd][..], &[0; 60]].concat());
        assert_eq!(machine.remote() == elsewhere, (20..=63).contains(&first), "{first}");
    }
}

/// Sends one message of DCEP on a stream of SCTP.
fn says(line: &mut Line, id: u16, message: &[u8]) {
    let said = line.ends[0].on_channels(|_, sctp, _| sctp.open(id) && sctp.write(id, Ppi::Dcep, message));
    assert_eq!(said, Some(true));
    let until = line.now + Duration::from_secs(1);
    line.until(|_, now| now >= until);
}

/// RFC 8832, section 6: it is closed, and not acknowledged.
#[test]
fn a_channel_that_is_opened_twice_or_by_what_is_no_open_is_closed() {
    let mut line = Line::new(Version::V2, FAIR, 3);
    line.connect();
    let before = line.ends[1].channels.count().0;
    says(&mut line, 2, &dcep::OPEN);
    let id = accept(&mut line.ends[1]).expect("a channel");
    says(&mut line, 4, &dcep::OPEN[..11]);
    assert_eq!(accept(&mut line.ends[1]), None);
    assert!(!line.ends[1].channels.is_gone(id));
    assert!(line.ends[1].channels.is_gone(4));
    says(&mut line, 2, &dcep::OPEN);
    assert!(line.ends[1].channels.is_gone(id));
    let_go(&mut line.ends[1], id);
    assert_eq!(line.ends[1].channels.count().0, before);
    // That of the handshake is open without a word, and some say it all the same.
    says(&mut line, HANDSHAKE, &dcep::OPEN);
    assert!(!line.ends[1].channels.is_gone(HANDSHAKE));
    assert_eq!(line.ends.each_ref().map(Machine::ended), [None; 2]);
}
