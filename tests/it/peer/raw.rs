//! Peers below libp2p: what they say over TCP, when, and how they end.

use crate::certificate::{Authority, WebCertificate};
use serde::Deserialize;
use socket2::SockRef;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::compat::{FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Raw {
    /// Waits until the dialer has sent something.
    heard: bool,
    says: String,
    /// Says this many bytes of no meaning.
    garbage: u16,
    /// Says one byte a second.
    drip: bool,
    then: Then,
    /// Speaks TLS first.
    tls: Option<WebCertificate>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Then {
    #[default]
    Hold,
    /// Ends its side and reads on, so that the end arrives as an end and not as a reset.
    Close,
    Reset,
}

impl Raw {
    pub async fn start(&self, authority: &Authority) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let acceptor = self.tls.map(|kind| authority.acceptor(kind));
        let raw = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (raw, acceptor) = (raw.clone(), acceptor.clone());
                tokio::spawn(async move {
                    let Some(acceptor) = acceptor else {
                        return raw.tcp(stream).await;
                    };
                    if let Ok(tls) = acceptor.accept(stream.compat()).await {
                        raw.talk(&mut tls.compat()).await;
                    }
                });
            }
        });
        port
    }

    async fn tcp(self, mut stream: TcpStream) {
        self.talk(&mut stream).await;
        if self.then == Then::Reset {
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
    }

    async fn talk(&self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
        let mut heard = [0; 1024];
        if self.heard && !matches!(stream.read(&mut heard).await, Ok(1..)) {
            return;
        }
        if self.speak(stream).await.is_err() || self.then == Then::Reset {
            return;
        }
        if self.then == Then::Close {
            let _ = stream.shutdown().await;
        }
        while matches!(stream.read(&mut heard).await, Ok(1..)) {}
    }

    async fn speak(&self, stream: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        let mut words = self.says.clone().into_bytes();
        words.extend((0..self.garbage).map(|at| (at.wrapping_mul(73) ^ 0xA5).to_le_bytes()[0]));
        if !self.drip {
            stream.write_all(&words).await?;
            return stream.flush().await;
        }
        for byte in words {
            stream.write_all(&[byte]).await?;
            stream.flush().await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    }
}
