//! Senders of forged addresses, at a listener's port and in the middle of handshakes.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::mpsc;

use super::super::certificate::Certificate;
use super::super::config::MAX_ADDRESSES;
use super::super::connection::Machine;
use super::super::credentials::{Credentials, Version};
use super::super::dtls::Ready;
use super::super::hub::{Admitted, Hub};
use super::super::shared::now;
use super::super::stun::made::request;
use super::hostile::signed;
use super::line::{DIALER, LISTENER, Line, Weather};
use crate::transport::quic::{Gate, Limits};

/// A request from each of many addresses, as a sender of forged ones makes them.
fn flood(hub: &Arc<Hub>, count: u32, mut request: impl FnMut() -> Vec<u8>) -> Vec<Admitted> {
    let from = |number: u32| SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 + number), 1000));
    (0..count).filter_map(|number| hub.bring(from(number), &request())).collect()
}

#[tokio::test]
async fn a_flood_from_many_addresses_is_bounded_by_the_handshakes_at_once() {
    const FLOOD: u32 = 5_000;
    let gate = Gate::new(Limits::default());
    let hub = Hub::open(UdpSocket::bind("127.0.0.1:0").unwrap(), Arc::clone(&gate), mpsc::channel(1).0).unwrap();
    let good = Credentials::dial(Version::V2);
    let username = format!("{}:{}", good.server.ufrag, good.client.ufrag);
    let unsigned = request(&username, "another password");
    assert!(flood(&hub, FLOOD, || unsigned.clone()).is_empty());
    assert_eq!((hub.known(), gate.refused()), (0, 0));

    let handshakes = Limits::default().handshakes;
    let admitted = flood(&hub, FLOOD, || signed(&Credentials::dial(Version::V1)));
    assert_eq!(admitted.len(), handshakes);
    // Each by its name and its address, but for those that are to make way.
    assert!((2 * (handshakes - 8)..2 * handshakes).contains(&hub.known()), "{}", hub.known());
    assert_eq!(gate.refused(), u64::from(FLOOD) - handshakes as u64);
    drop(admitted);
    assert_eq!(hub.known(), 0);
}

/// Whoever has signed a check and nothing more goes for others, who ask again.
#[tokio::test]
async fn checks_in_the_name_of_others_keep_nobody_out() {
    for limits in [Limits { handshakes: 2, ..Limits::default() }, Limits { per_ip: 2, ..Limits::default() }] {
        let gate = Gate::new(limits);
        let hub = Hub::open(UdpSocket::bind("127.0.0.1:0").unwrap(), gate, mpsc::channel(1).0).unwrap();
        let ask = |port| hub.bring(([192, 0, 2, 1], port).into(), &signed(&Credentials::dial(Version::V2)));
        let [mut first, mut proved] = [1, 2].map(|port| ask(port).unwrap());
        proved.place.note_proof(|| true);
        let end = |admitted: &mut Admitted| match admitted.place.poll_receive(&mut Context::from_waker(Waker::noop()), |_, _| ())
        {
            Poll::Ready(Err(error)) => Some(error.kind()),
            Poll::Ready(Ok(_)) | Poll::Pending => None,
        };
        assert_eq!([end(&mut first), end(&mut proved)], [None; 2]);
        assert!(ask(3).is_none());
        // What was sent before is read before.
        let ended = std::iter::repeat_with(|| end(&mut first)).take(3).find_map(|ended| ended);
        assert_eq!((ended, end(&mut proved)), (Some(ErrorKind::ConnectionAborted), None));
        drop(first);
        assert!(ask(3).is_some());
    }
}

/// One dialer, or who has heard its request, that sends from everywhere.
#[tokio::test]
async fn one_name_from_many_addresses_is_bounded() {
    let gate = Gate::new(Limits::default());
    let hub = Hub::open(UdpSocket::bind("127.0.0.1:0").unwrap(), gate, mpsc::channel(1).0).unwrap();
    let again = signed(&Credentials::dial(Version::V2));
    let admitted = flood(&hub, 1_000, || again.clone());
    assert_eq!(admitted.len(), 1);
    assert_eq!(hub.known(), 1 + MAX_ADDRESSES);
}

/// Whoever forges a source may sign, and begin with DTLS as well: what comes back to that address stays within three times
/// what it cost, whatever time does.
#[test]
fn a_forged_dialer_gets_no_more_than_three_times_what_it_sent() {
    let (mut now, victim) = (now(), "192.0.2.77:53".parse().unwrap());
    let credentials = Credentials::dial(Version::V2);
    let certificate = || Certificate::generate().unwrap();
    let mut dialer = Machine::dial(&credentials, LISTENER.parse().unwrap(), Vec::new(), now);
    dialer.prepare(Ready::new(certificate(), now).unwrap());
    dialer.proceed(now);
    let mut listener = Machine::listen(&credentials, victim, certificate(), now);
    let (mut received, mut sent) = (0, 0);
    for _ in 0..200 {
        while let Some((_, datagram)) = dialer.poll_transmit(now).filter(|_| received < 20_000) {
            received += datagram.len();
            listener.handle(now, victim, &datagram);
        }
        // Nothing of it comes to who forges.
        while let Some((to, datagram)) = listener.poll_transmit(now) {
            assert_eq!(to, victim);
            sent += datagram.len();
        }
        assert!(sent <= 3 * received, "{sent} for {received}");
        now += Duration::from_millis(100);
        dialer.handle_timeout(now);
        listener.handle_timeout(now);
    }
    assert!(sent > 0);
}

/// Who knows two addresses can put alerts and nonsense between two others. Neither stops a handshake.
#[test]
fn forged_alerts_and_garbage_do_not_stop_a_handshake() {
    let weather = Weather { lost: 0, doubled: 0, late: 0, round_trip: Duration::from_millis(50) };
    let record = |kind: u8, body: &[u8]| {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9], &length[..], body].concat()
    };
    let forged = [
        record(21, &[2, 40]),
        record(21, &[2, 0]),
        record(21, &[]),
        record(20, &[1]),
        record(23, b"not encrypted"),
        vec![0x16],
        vec![0x2f; 60],
        vec![0xff; 1200],
    ];
    for (seed, forged) in forged.iter().enumerate() {
        let mut line = Line::new(Version::V2, weather, seed as u64);
        let (mut up, sources) = ([false; 2], [LISTENER.parse().unwrap(), DIALER.parse().unwrap()]);
        line.until(|ends, now| {
            for (end, from) in ends.iter_mut().zip(sources) {
                end.handle(now, from, forged);
                assert_eq!(end.ended(), None, "{forged:?}");
            }
            up = ends.each_ref().map(|end| end.channels.count().0 > 0);
            up == [true; 2]
        });
    }
}

/// Nor do records of a handshake that no handshake would have, from before the first real one until there are keys.
#[test]
fn forged_handshake_records_do_not_stop_a_handshake() {
    let weather = Weather { lost: 0, doubled: 0, late: 0, round_trip: Duration::from_millis(50) };
    let record = |body: &[u8]| {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9], &length[..], body].concat()
    };
    // Type, length, number, offset and length of the part (RFC 6347, section 4.2.2).
    let message = |kind: u8, number: u8, length: u8, offset: u8, part: u8| {
        let head = [kind, 0, 0, length, 0, number, 0, 0, offset, 0, 0, part];
        record(&[&head[..], &vec![7; usize::from(part)]].concat())
    };
    let mut forged = vec![record(&[]), record(&[1]), record(&[1; 12]), record(&[0xff; 40])];
    for kind in [1, 2, 3, 11, 16, 20, 254] {
        for number in [0, 1, 9] {
            forged.push(message(kind, number, 0, 0, 0));
            forged.push(message(kind, number, 100, 0, 100));
            forged.push(message(kind, number, 100, 0, 50));
            forged.push(message(kind, number, 100, 50, 50));
            forged.push(message(kind, number, 100, 80, 50));
        }
    }
    for (seed, bytes) in forged.iter().enumerate() {
        let mut line = Line::new(Version::V2, weather, seed as u64);
        let sources = [LISTENER.parse().unwrap(), DIALER.parse().unwrap()];
        line.until(|ends, now| {
            for (end, from) in ends.iter_mut().zip(sources) {
                if end.sctp.is_none() {
                    end.handle(now, from, bytes);
                }
                assert_eq!(end.ended(), None, "{bytes:?}");
            }
            ends.iter().all(|end| end.channels.count().0 > 0)
        });
    }
}
