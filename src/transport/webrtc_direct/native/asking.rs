//! A dial while it asks: in one version, or in both at once.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::super::certhash::Fingerprint;
use super::certificate::Certificate;
use super::connection::{Event, Machine};
use super::credentials::{Credentials, Version};
use super::dial::Versions;
use super::driver::Driver;
use super::error::{DialError, Ended};
use super::link::Link;
use super::shared::now;
use super::waiting::{Failed, poll_driven, poll_event};
use crate::transport::SocketFault;
use crate::transport::quic::Progress;

/// How much later version 2 may answer and still be preferred: listeners begin to work on both at once.
const PREFERENCE: Duration = Duration::from_millis(3);

/// What is asked, in whatever version.
pub(super) struct Question<'a> {
    pub(super) remote: SocketAddr,
    pub(super) certificate: &'a Certificate,
    pub(super) expected: &'a [Fingerprint],
    pub(super) progress: &'a Progress,
}

/// A connection that begins, and its version.
pub(super) type Asked = (Driver, Version);

impl Question<'_> {
    /// Prepares to ask from this socket.
    pub(super) fn ask(&self, socket: UdpSocket, version: Version) -> Result<Asked, DialError> {
        let link = Link::connected(socket, self.remote).map_err(SocketFault::from)?;
        let credentials = Credentials::dial(version);
        let machine = Machine::dial(&credentials, self.remote, self.certificate.clone(), self.expected.to_vec(), now());
        let mut driver = Driver::new(machine, link, self.progress.clone());
        driver.expects_answer = true;
        Ok((driver, version))
    }
}

/// What goes on, and what was asked beside it.
pub(super) struct Asking {
    pub(super) driver: Driver,
    version: Version,
    beside: Option<Asked>,
    pub(super) versions: Versions,
    begun: Instant,
}

impl Asking {
    pub(super) fn only((driver, version): Asked) -> Self {
        Self { driver, version, beside: None, versions: Versions::default(), begun: now() }
    }

    /// `first` is preferred.
    pub(super) fn both(first: Asked, second: Asked) -> Self {
        Self { beside: Some(second), ..Self::only(first) }
    }

    /// Waits for the first answer and goes on with it: its version, and how long it took.
    pub(super) async fn first_answer(&mut self) -> Result<(Version, Duration), DialError> {
        let mut grace = None;
        poll_fn(|cx| {
            if self.beside_answered(cx) && grace.is_none() {
                grace = Some((self.elapsed(), Box::pin(tokio::time::sleep_until((now() + PREFERENCE).into()))));
            }
            match poll_event(&mut self.driver, cx, Event::Answered) {
                Poll::Ready(Ok(())) => {
                    self.versions.note(self.version);
                    return Poll::Ready(Ok((self.version, self.elapsed())));
                }
                Poll::Ready(Err(failed)) => return Poll::Ready(Err(failed.of_connect())),
                Poll::Pending => {}
            }
            let Some((took, over)) = &mut grace else { return Poll::Pending };
            let took = *took;
            if over.poll_unpin(cx).is_pending() {
                return Poll::Pending;
            }
            if let Some((driver, version)) = &mut self.beside {
                std::mem::swap(driver, &mut self.driver);
                std::mem::swap(version, &mut self.version);
            }
            Poll::Ready(Ok((self.version, took)))
        })
        .await
    }

    /// Waits for an event, or the end.
    pub(super) async fn until(&mut self, wanted: Event) -> Result<(), Ended> {
        poll_fn(|cx| {
            self.look_beside(cx);
            poll_event(&mut self.driver, cx, wanted).map_err(Failed::of_connection)
        })
        .await
    }

    /// Polls `work` and what it needs to move.
    pub(super) async fn driven<T>(&mut self, mut work: BoxFuture<'_, T>) -> io::Result<T> {
        poll_fn(|cx| {
            self.look_beside(cx);
            poll_driven(&mut self.driver, cx, &mut work)
        })
        .await
    }

    /// The connection, and what is known of the versions.
    pub(super) fn into_parts(self) -> (Driver, Versions) {
        if let Some((driver, _)) = &self.beside {
            driver.shared.machine().forget();
        }
        (self.driver, self.versions)
    }

    fn elapsed(&self) -> Duration {
        now().saturating_duration_since(self.begun)
    }

    /// Moves the other one. Whether it has been answered, now or before.
    fn beside_answered(&mut self, cx: &mut Context<'_>) -> bool {
        let Some((driver, version)) = &mut self.beside else { return false };
        if let Poll::Ready(Ok(())) = poll_event(driver, cx, Event::Answered) {
            self.versions.note(*version);
        }
        self.versions.holds(*version)
    }

    /// Notes a late answer, and asks no more then.
    fn look_beside(&mut self, cx: &mut Context<'_>) {
        if self.beside_answered(cx)
            && let Some((driver, _)) = self.beside.take()
        {
            driver.shared.machine().forget();
        }
    }
}
