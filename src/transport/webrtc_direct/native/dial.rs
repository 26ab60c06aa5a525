//! One dial of one address.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use futures::future::join;
use libp2p_identity::{Keypair, PeerId};
use tokio::task::yield_now;

use super::super::certhash::Fingerprint;
use super::asking::Asking;
use super::beside::Beside;
use super::certificate::Shown;
use super::connection::Event;
use super::credentials::Version;
use super::driver::Driver;
use super::error::{DialError, Ended};
use super::muxer::Connection;
use super::noise::Proof;
use super::question::Question;
use super::versions::Versions;
use super::{noise, waiting};
use crate::transport::SocketFault;
use crate::transport::quic::Progress;

/// In which version to dial.
#[derive(Debug)]
pub enum Ask {
    /// In this one. When it stays without an answer the other one is asked for too, from this socket, just to tell of it.
    Only(Version, UdpSocket),
    /// In both, from two sockets since some listeners know a dialer by its address: version 2 from the first, and version 1 a
    /// moment later from this one. The first answer decides.
    Both(UdpSocket),
}

/// What to dial, and as whom.
#[derive(Debug)]
pub struct Dial<'a> {
    /// A bound socket of the remote's family. It will be connected.
    pub socket: UdpSocket,
    /// Where to.
    pub remote: SocketAddr,
    /// In which version.
    pub ask: Ask,
    /// The certificates that the address names. With none any is taken, and it is for the caller to judge.
    pub certhashes: Vec<Fingerprint>,
    /// Who we are.
    pub keypair: &'a Keypair,
    /// What comes and goes.
    pub progress: Progress,
}

/// What a dial has reached, told when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The first valid answer to a STUN binding request.
    Answered {
        /// The version that the dial goes on in.
        version: Version,
        /// The versions answered in until now.
        versions: Versions,
        /// Our end, with the address that the routing table chose.
        local: SocketAddr,
        /// From the first request to the answer.
        rtt: Duration,
    },
    /// What became known of the versions since they were last told of.
    Versions(Versions),
    /// DTLS stands.
    Secured {
        /// The certificate that was shown.
        certificate: Shown,
        /// The version of DTLS.
        version: Option<&'static str>,
    },
    /// The data channel of the Noise handshake is open.
    Channel,
}

/// A connection that was dialed.
#[derive(Debug)]
pub struct Dialed {
    /// Who answered, proved by Noise. It may be another than the one meant: the caller compares.
    pub peer: PeerId,
    /// The connection, which keeps the socket open.
    pub connection: Connection,
    /// The version spoken.
    pub version: Version,
    /// The other version, asked for as long as this is polled.
    pub beside: Beside,
    /// The versions answered in until now.
    pub versions: Versions,
}

impl Dial<'_> {
    /// Dials, and tells each step when it is done. A closed port, an unreachable host or network and a local ban are known as
    /// soon as the system says so.
    pub async fn run(self, mut step: impl FnMut(Step)) -> Result<Dialed, DialError> {
        let question = Question { remote: self.remote, expected: self.certhashes, progress: self.progress };
        let mut asking = match self.ask {
            Ask::Only(version, second) => Asking::only(question, version, [self.socket, second], &mut step)?,
            Ask::Both(second) => Asking::both(question, [self.socket, second], &mut step)?,
        };
        let (version, rtt) = asking.first_answer().await?;
        let local = asking.driver().link.local_addr().map_err(SocketFault::Local)?;
        let versions = asking.versions();
        (asking.step)(Step::Answered { version, versions, local, rtt });
        asking.proceed().await?;
        // The other side works now, and so do we.
        let proving = async {
            yield_now().await;
            Proof::new(self.keypair)
        };
        let (dtls, proof) = join(asking.until(Event::Dtls), proving).await;
        dtls.map_err(of_dtls)?;
        asking.ask_beside();
        let secured = waiting::secured(asking.driver())?;
        (asking.step)(secured);
        asking.until(Event::Channel).await.map_err(DialError::ChannelFailed)?;
        (asking.step)(Step::Channel);
        let handshake = noise::handshake(asking.driver(), proof.map_err(DialError::Noise)?, true);
        let peer = asking.driven(handshake).await.map_err(DialError::Io)?;
        let peer = peer.map_err(|error| of_noise(asking.driver(), error))?;
        let versions = asking.versions();
        let (driver, beside) = asking.into_parts();
        Ok(Dialed { peer, connection: Connection::new(driver, None), version, versions, beside })
    }
}

/// What an end before DTLS stood means.
pub(super) fn of_dtls(ended: Ended) -> DialError {
    match ended {
        Ended::Certificate(actual) => DialError::CertHashMismatch { actual },
        Ended::DtlsAlert(alert) => DialError::DtlsFailed { alert: Some(alert), what: ended.to_string() },
        Ended::Dtls(what) => DialError::DtlsFailed { alert: None, what },
        ended => DialError::Ended(ended),
    }
}

/// What the end of the Noise handshake means: where the connection ended, that is why.
pub(super) fn of_noise(driver: &Driver, error: libp2p_noise::Error) -> DialError {
    match driver.shared.machine().ended() {
        Some(ended) => DialError::Ended(ended.clone()),
        None => DialError::Noise(error),
    }
}
