//! A dial while it asks: in one version, or in both at once.

use std::future::poll_fn;
use std::io;
use std::net::UdpSocket;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::beside::{Asked, Beside};
use super::connection::Event;
use super::credentials::Version;
use super::dial::Step;
use super::driver::Driver;
use super::dtls::Ready;
use super::error::{DialError, Ended};
use super::question::{Question, make};
use super::shared::now;
use super::versions::{Versions, patience};
use super::waiting::{Failed, poll_driven, poll_event};

/// How much earlier version 2 is asked for, being preferred, unless it is answered before: a listener works on what it is asked
/// first, and so do we.
const PREFERENCE: Duration = Duration::from_millis(3);

/// After how long without an answer in the only version wanted the other one is asked for: two requests are out by then, and
/// it is on the other side of the Earth and back.
const SILENCE: Duration = Duration::from_millis(500);

/// What goes on, and what is asked beside it. `S` is told each step.
pub(super) struct Asking<'a, S> {
    main: Asked,
    beside: Beside,
    /// Whether the other one is gone on with, should it be the one that is answered.
    either: bool,
    begun: Instant,
    making: BoxFuture<'static, Result<Ready, DialError>>,
    ready: Option<Ready>,
    pub(super) step: &'a mut S,
}

impl<'a, S: FnMut(Step)> Asking<'a, S> {
    /// Asks in this version, and from the second socket in the other one too when it is not answered, just to tell what is
    /// spoken.
    pub(super) fn only(
        question: Question,
        version: Version,
        sockets: [UdpSocket; 2],
        step: &'a mut S,
    ) -> Result<Self, DialError> {
        Self::new(question, version, sockets, SILENCE, false, step)
    }

    /// Asks in both. Version 2 is preferred.
    pub(super) fn both(question: Question, sockets: [UdpSocket; 2], step: &'a mut S) -> Result<Self, DialError> {
        Self::new(question, Version::V2, sockets, PREFERENCE, true, step)
    }

    fn new(
        question: Question,
        version: Version,
        [first, second]: [UdpSocket; 2],
        wait: Duration,
        either: bool,
        step: &'a mut S,
    ) -> Result<Self, DialError> {
        let main = question.ask(first, version)?;
        let beside = Beside::after(wait, move || question.ask(second, version.other()).ok());
        Ok(Self { main, beside, either, begun: now(), making: make().boxed(), ready: None, step })
    }

    /// Goes on with what DTLS begins with.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        if self.ready.is_none() {
            self.ready = Some(ready!(self.making.poll_unpin(cx))?);
        }
        Poll::Ready(Ok(()))
    }

    /// Goes on with DTLS.
    pub(super) async fn proceed(&mut self) -> Result<(), DialError> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        self.main.driver.expects_answer = false;
        let mut machine = self.main.driver.shared.machine();
        if let Some(ready) = self.ready.take() {
            machine.prepare(ready);
        }
        machine.proceed(now());
        Ok(())
    }

    pub(super) fn driver(&mut self) -> &mut Driver {
        &mut self.main.driver
    }

    /// Waits for the first answer and goes on with it: its version, and how long it took.
    pub(super) async fn first_answer(&mut self) -> Result<(Version, Duration), DialError> {
        let mut other_took = None;
        let (version, took) = poll_fn(|cx| {
            self.look_beside(cx);
            match self.main.poll(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok((self.main.version, self.elapsed()))),
                Poll::Ready(Err(failed)) => return Poll::Ready(Err(failed.of_connect())),
                Poll::Pending => {}
            }
            if self.main.has_left()
                && let Poll::Ready(Err(error)) = self.poll_ready(cx)
            {
                return Poll::Ready(Err(error));
            }
            if !self.beside.is_answered() {
                return Poll::Pending;
            }
            let took = *other_took.get_or_insert_with(|| self.beside.elapsed());
            if !self.either {
                self.wanted_is_overdue(patience(took));
                return Poll::Pending;
            }
            self.beside.swap(&mut self.main);
            Poll::Ready(Ok((self.main.version, took)))
        })
        .await?;
        self.beside.follow(version, took, self.either);
        Ok((version, took))
    }

    /// Asks for the other version, if that is still to be done.
    pub(super) fn ask_beside(&mut self) {
        self.beside.hurry();
    }

    /// Waits for an event, or the end.
    pub(super) async fn until(&mut self, wanted: Event) -> Result<(), Ended> {
        poll_fn(|cx| {
            let reached = poll_event(&mut self.main.driver, cx, wanted).map_err(Failed::of_connection);
            // What the dial goes on in comes first: the listener works on what it is sent first.
            self.look_beside(cx);
            reached
        })
        .await
    }

    /// Polls `work` and what it needs to move.
    pub(super) async fn driven<T>(&mut self, mut work: BoxFuture<'_, T>) -> io::Result<T> {
        poll_fn(|cx| {
            self.look_beside(cx);
            poll_driven(&mut self.main.driver, cx, &mut work)
        })
        .await
    }

    /// What is known of the versions.
    pub(super) fn versions(&self) -> Versions {
        self.beside.versions
    }

    /// The connection, and what is asked beside it.
    pub(super) fn into_parts(self) -> (Driver, Beside) {
        (self.main.driver, self.beside)
    }

    fn elapsed(&self) -> Duration {
        now().saturating_duration_since(self.begun)
    }

    /// Moves the other one, and tells what is new.
    fn look_beside(&mut self, cx: &mut Context<'_>) {
        let led = self.either && !self.beside.is_followed();
        if let Some(versions) = self.beside.poll(cx)
            && !led
        {
            (self.step)(Step::Versions(versions));
        }
    }

    /// Tells once that enough requests in the wanted version were not answered where the other version was.
    fn wanted_is_overdue(&mut self, patience: Duration) {
        let known = &mut self.beside.versions;
        if known.unanswered.is_none() {
            known.unanswered = self.main.overdue(patience);
            if known.unanswered.is_some() {
                (self.step)(Step::Versions(*known));
            }
        }
    }
}
