//! Waiting for what a connection reaches, while it is moved.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::connection::Event;
use super::dial::Step;
use super::driver::Driver;
use super::error::{DialError, Ended};
use crate::transport::SocketFault;

/// Why an event never comes.
pub(super) enum Failed {
    Socket(io::Error),
    Ended(Ended),
}

impl Failed {
    /// While nobody has answered yet.
    pub(super) fn of_connect(self) -> DialError {
        match self {
            Self::Socket(error) => SocketFault::from(error).into(),
            Self::Ended(Ended::TimedOut) => DialError::Silent,
            Self::Ended(ended) => DialError::Ended(ended),
        }
    }

    pub(super) fn of_connection(self) -> Ended {
        match self {
            Self::Socket(error) => Ended::Socket(error.kind()),
            Self::Ended(ended) => ended,
        }
    }
}

/// Moves a connection until an event or its end.
pub(super) fn poll_event(driver: &mut Driver, cx: &mut Context<'_>, wanted: Event) -> Poll<Result<(), Failed>> {
    let outcome = driver.poll(cx);
    let mut machine = driver.shared.machine();
    while let Some(event) = machine.poll() {
        if event == wanted {
            return Poll::Ready(Ok(()));
        }
    }
    match (outcome, machine.ended()) {
        (Err(error), _) => Poll::Ready(Err(Failed::Socket(error))),
        (Ok(()), Some(ended)) => Poll::Ready(Err(Failed::Ended(ended.clone()))),
        (Ok(()), None) => Poll::Pending,
    }
}

/// Waits for an event, or the end.
pub(super) async fn until(driver: &mut Driver, wanted: Event) -> Result<(), Ended> {
    poll_fn(|cx| poll_event(driver, cx, wanted)).await.map_err(Failed::of_connection)
}

/// Waits until it is proved where the other side is, and tells where; or for the end.
pub(super) async fn proved(driver: &mut Driver) -> Result<SocketAddr, Ended> {
    poll_fn(|cx| {
        let moved = driver.poll(cx);
        let machine = driver.shared.machine();
        match (machine.proved(), moved, machine.ended()) {
            (Some(remote), ..) => Poll::Ready(Ok(remote)),
            (None, Err(error), _) => Poll::Ready(Err(Ended::Socket(error.kind()))),
            (None, Ok(()), Some(ended)) => Poll::Ready(Err(ended.clone())),
            (None, Ok(()), None) => Poll::Pending,
        }
    })
    .await
}

/// Moves a connection and what works on it.
pub(super) fn poll_driven<T>(driver: &mut Driver, cx: &mut Context<'_>, work: &mut BoxFuture<'_, T>) -> Poll<io::Result<T>> {
    driver.poll(cx)?;
    let Poll::Ready(output) = work.poll_unpin(cx) else { return Poll::Pending };
    // What it wrote last has to leave as well.
    driver.poll(cx)?;
    Poll::Ready(Ok(output))
}

/// Waits for what works on a connection.
pub(super) async fn driven<T>(driver: &mut Driver, mut work: BoxFuture<'_, T>) -> io::Result<T> {
    poll_fn(|cx| poll_driven(driver, cx, &mut work)).await
}

/// What DTLS has shown.
pub(super) fn secured(driver: &Driver) -> Result<Step, DialError> {
    let machine = driver.shared.machine();
    // DTLS without a certificate does not come about: both sides ask for it.
    let certificate = machine.shown().cloned().ok_or(DialError::Ended(Ended::Locally))?;
    Ok(Step::Secured { certificate, version: machine.dtls_version() })
}
