//! What strangers may do to a port under test.

use std::{net::SocketAddr, pin::pin, time::Duration};

use futures::future::{Either, join_all, select};
use libp2p_identity::Keypair;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};

use super::{
    listener::{MOST, MOST_OF_ONE},
    nat64::Way,
    order::UnderTest as _,
    tcp::Tcp,
};
use crate::native::{Native, Settings};

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
