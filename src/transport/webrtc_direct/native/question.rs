//! The question of a dial, and what it needs once it is answered.

use std::net::{SocketAddr, UdpSocket};

use tokio::task::yield_now;

use super::super::certhash::Fingerprint;
use super::beside::Asked;
use super::certificate::Certificate;
use super::config;
use super::connection::Machine;
use super::credentials::{Credentials, Version};
use super::dial::of_dtls;
use super::driver::Driver;
use super::dtls::Ready;
use super::error::DialError;
use super::link::Link;
use super::shared::now;
use crate::transport::SocketFault;
use crate::transport::quic::Progress;

/// What is asked, in whatever version.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) remote: SocketAddr,
    pub(super) expected: Vec<Fingerprint>,
    pub(super) progress: Progress,
}

impl Question {
    /// Prepares to ask from this socket.
    pub(super) fn ask(&self, socket: UdpSocket, version: Version) -> Result<Asked, DialError> {
        let link = Link::connected(socket, self.remote).map_err(SocketFault::from)?;
        let machine = Machine::dial(&Credentials::dial(version), self.remote, self.expected.clone(), now());
        let mut driver = Driver::new(machine, link, self.progress.clone());
        driver.expects_answer = true;
        Ok(Asked::new(driver, version))
    }
}

/// Makes what DTLS begins with, while the answer is awaited, and looks for that between the parts, so that none of them is
/// taken for the line's time.
pub(super) async fn make() -> Result<Ready, DialError> {
    // A fault shows where it is used.
    let _ = config::dtls();
    yield_now().await;
    let certificate = Certificate::generate()?;
    yield_now().await;
    Ready::new(certificate, now()).map_err(of_dtls)
}
