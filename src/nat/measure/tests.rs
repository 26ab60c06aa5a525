//! What strangers may do to a port under test.

use std::{net::SocketAddr, pin::pin, time::Duration};

use futures::future::{Either, join, join_all, select};
use libp2p_identity::Keypair;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, UdpSocket},
};

use super::{
    listener::{MOST, MOST_OF_ONE},
    nat64::Way,
    order::{How, Target, UnderTest as _},
    tcp::Tcp,
    udp::Udp,
};
use crate::{
    model::Cause,
    native::{Native, Settings},
};

/// No test waits this long unless it hangs.
const HANGS: Duration = Duration::from_secs(30);

/// More than are served at once are let go, and the port goes on.
#[tokio::test]
async fn a_crowd_is_served_so_far() {
    let (native, keypair) = (Native::new(Settings::default()), Keypair::generate_ed25519());
    let port = Tcp::bind(&native, &keypair, "127.0.0.1:0".parse().unwrap(), Way::default()).unwrap();
    let to = SocketAddr::from(([127, 0, 0, 1], port.port()));
    let connect = async |host: usize| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, u8::try_from(host).unwrap()], 0))).unwrap();
        socket.connect(to).await
    };
    let crowd = async {
        // Backlog after backlog, so that nobody is turned away by the system.
        let mut silent = Vec::new();
        for number in 0..MOST {
            silent.push(connect(1 + number / MOST_OF_ONE).await.unwrap());
        }
        while port.guests().count() < MOST {
            tokio::task::yield_now().await;
        }
        let mut late = join_all((1..9).map(connect)).await;
        let heard = late.iter_mut().map(|stream| Box::pin(async { stream.as_mut().unwrap().read(&mut [0; 64]).await }));
        for ended in join_all(heard).await {
            assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
        }
        // One of the first leaves, and there is a place again.
        drop(silent.pop());
        loop {
            let mut stream = connect(9).await.unwrap();
            let said = stream.write_all(b"\x13/multistream/1.0.0\n").await;
            if said.is_ok() && matches!(stream.read(&mut [0; 1]).await, Ok(1)) {
                return;
            }
        }
    };
    match select(pin!(port.pump()), pin!(tokio::time::timeout(HANGS, crowd))).await {
        Either::Left(_) => panic!("the port ended"),
        Either::Right((done, _)) => done.unwrap(),
    }
}

/// Answers each datagram as it is told to, or not at all.
async fn peer(socket: &UdpSocket, answer: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let mut bytes = [0; 2000];
    loop {
        let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
        if let Some(answer) = answer(&bytes[..length]) {
            socket.send_to(&answer, from).await.unwrap();
        }
    }
}

/// Speaks no version of QUIC that is asked for (RFC 9000, section 17.2.1).
fn another_version(initial: &[u8]) -> Option<Vec<u8>> {
    let own = usize::from(*initial.get(5)?);
    let (to, rest) = initial.get(6..)?.split_at_checked(own)?;
    let theirs = usize::from(*rest.first()?);
    let from = rest.get(1..=theirs)?;
    let lengths = [u8::try_from(theirs).ok()?, u8::try_from(own).ok()?];
    Some([&[0xc0, 0, 0, 0, 0, lengths[0]], from, &[lengths[1]], to, &[0x0a, 0x1a, 0x2a, 0x3a]].concat())
}

/// STUN, an error: 400, Bad Request.
fn bad_request(question: &[u8]) -> Option<Vec<u8>> {
    Some([&[0x01, 0x11, 0, 8][..], question.get(4..20)?, &[0, 9, 0, 4, 0, 0, 4, 0]].concat())
}

/// Whoever turns a question away was reached by it: only where nothing comes back is UDP silent.
#[tokio::test]
async fn what_is_turned_away_is_not_silence() {
    type Answer = fn(&[u8]) -> Option<Vec<u8>>;
    let (native, keypair) = (Native::new(Settings::default()), Keypair::generate_ed25519());
    let table: [(How, Answer, Cause); 4] = [
        (How::Quic, another_version, Cause::QuicFailed { alert: None }),
        (How::Quic, |_| None, Cause::UdpSilent),
        (How::Stun, bad_request, Cause::Malformed),
        (How::Stun, |_| None, Cause::UdpSilent),
    ];
    for (how, answer, cause) in table {
        let port = Udp::bind(&native, &keypair, "127.0.0.1:0".parse().unwrap(), Way::default()).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let target = Target { vantage: "v".into(), to: socket.local_addr().unwrap(), how, rtt: Duration::ZERO };
        let serving = async { join(peer(&socket, answer), port.pump()).await };
        let asked = tokio::time::timeout(HANGS, port.ask(&target));
        let told = match select(pin!(serving), pin!(asked)).await {
            Either::Left(_) => panic!("the port ended"),
            Either::Right((told, _)) => told.unwrap(),
        };
        assert_eq!(told.map_err(|fault| fault.cause), Err(cause), "{how:?}");
    }
}
