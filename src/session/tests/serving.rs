//! Protocols beyond those of every session, and streams opened from outside.

use futures::{AsyncReadExt, AsyncWriteExt, future::join};

use super::*;
use crate::model::Cause;

const ECHO: &str = "/test/echo/1";

/// Answers one byte with the next one.
fn next_byte() -> Service {
    Service::new(ECHO, |mut stream: SubstreamBox| async move {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        stream.write_all(&[byte[0] + 1]).await.unwrap();
        stream.close().await.unwrap();
    })
}

async fn listen(end: End) -> Session {
    let keypair = Keypair::generate_ed25519();
    let secured = secure_inbound(end, &keypair).await.unwrap();
    let connection = multiplex_inbound(secured.stream).await.unwrap();
    session(connection, still(), &keypair).0.offering(vec![next_byte()])
}

#[tokio::test]
async fn a_service_is_offered_and_served_to_streams_opened_from_outside() {
    let (near, far) = pipe();
    let server = async { listen(far).await.serve().await };
    let client = async {
        let session = dial(near, still()).await.unwrap();
        let opener = session.opener();
        // The session is driven by one future, the stream asked for by another.
        let outside = async {
            let mut stream = opener.open(ECHO).await.unwrap();
            stream.write_all(&[7]).await.unwrap();
            stream.flush().await.unwrap();
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            byte[0]
        };
        let identified = session.run(async {
            let identified = session.identify().await.unwrap();
            (identified.protocols, outside.await)
        });
        let (protocols, answer) = identified.await;
        assert!(protocols.iter().any(|name| name == ECHO), "{protocols:?}");
        assert_eq!(answer, 8);
        session.close().await;
        assert!(opener.ended());
        assert_eq!(opener.open(ECHO).await.unwrap_err().cause, Cause::Closed);
    };
    join(client, server).await;
}

#[tokio::test]
async fn a_request_from_outside_wakes_the_driver_and_ends_with_the_session() {
    let (near, far) = pipe();
    let server = async { listen(far).await.serve().await };
    let client = async {
        let session = dial(near, still()).await.unwrap();
        session.run(session.established()).await.unwrap();
        let opener = session.opener();
        // The driver is polled first and has nothing to do: the request has to wake it.
        let driver = async {
            let mut done = pin!(session.serve());
            poll_fn(|cx| {
                let _ = done.as_mut().poll(cx);
                Poll::Ready(())
            })
            .await;
            done.await
        };
        let asked = async {
            let mut stream = opener.open(ECHO).await.unwrap();
            stream.write_all(&[1]).await.unwrap();
            stream.flush().await.unwrap();
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            byte[0]
        };
        assert_eq!(beside(asked, driver).await, 2);
        let mut pending = pin!(opener.open(ECHO));
        assert!((&mut pending).now_or_never().is_none());
        drop(session);
        assert_eq!(pending.await.unwrap_err().cause, Cause::Closed);
    };
    beside(client, server).await;
}
