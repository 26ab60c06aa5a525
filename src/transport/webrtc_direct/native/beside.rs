//! The version that a dial does not go on in: asked for beside it, for as long as anybody waits for the answer.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use super::connection::Event;
use super::credentials::Version;
use super::driver::Driver;
use super::shared::now;
use super::versions::{Requests, Versions, pace, patience};
use super::waiting::{Failed, poll_event};

/// The longest wait for the handshake of DTLS before the other version is asked for. A listener makes a connection of every
/// question, and works on it beside the handshake: that comes first.
const HANDSHAKE: Duration = Duration::from_millis(50);

/// A connection that begins, its version, and when it asked.
pub(super) struct Asked {
    pub(super) driver: Driver,
    pub(super) version: Version,
    requests: Requests,
}

impl Asked {
    pub(super) fn new(driver: Driver, version: Version) -> Self {
        Self { driver, version, requests: Requests::default() }
    }

    /// Whether its first request has left.
    pub(super) fn has_left(&self) -> bool {
        self.driver.is_idle() && self.driver.shared.machine().requests() > 0
    }

    /// Moves it until it is answered.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        let polled = poll_event(&mut self.driver, cx, Event::Answered);
        self.requests.note(self.driver.shared.machine().requests());
        polled
    }

    /// Its requests without an answer, where they are enough to tell anything.
    pub(super) fn overdue(&self, patience: Duration) -> Option<u32> {
        self.requests.overdue(patience)
    }
}

/// What is asked after a while.
struct Later {
    /// When; none as soon as it has a turn.
    due: Option<Pin<Box<Sleep>>>,
    ask: Box<dyn FnOnce() -> Option<Asked> + Send>,
}

/// The other version. Dropping it asks no more.
pub struct Beside {
    asked: Option<Asked>,
    later: Option<Later>,
    /// When it was asked.
    begun: Instant,
    /// How long the answer may take; none until the other version was answered.
    patience: Option<Duration>,
    /// How often its request is repeated then.
    pace: Option<Duration>,
    pub(super) versions: Versions,
}

impl Beside {
    /// Asks after a while. Where it cannot, its version stays unknown.
    pub(super) fn after(wait: Duration, ask: impl FnOnce() -> Option<Asked> + Send + 'static) -> Self {
        let due = Box::pin(tokio::time::sleep_until((now() + wait).into()));
        let later = Some(Later { due: Some(due), ask: Box::new(ask) });
        Self { asked: None, later, begun: now(), patience: None, pace: None, versions: Versions::default() }
    }

    fn ask(&mut self) {
        if let Some(Later { ask, .. }) = self.later.take() {
            self.begun = now();
            self.asked = ask();
            self.keep_pace();
        }
    }

    fn keep_pace(&self) {
        if let (Some(asked), Some(pace)) = (&self.asked, self.pace) {
            asked.driver.shared.machine().ask_every(pace);
        }
    }

    /// How long ago it was asked.
    pub(super) fn elapsed(&self) -> Duration {
        now().saturating_duration_since(self.begun)
    }

    /// Whether its answer came.
    pub(super) fn is_answered(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| self.versions.holds(asked.version))
    }

    /// Whether the dial goes on in a version already.
    pub(super) fn is_followed(&self) -> bool {
        self.patience.is_some()
    }

    /// Changes places with what a dial goes on in.
    pub(super) fn swap(&mut self, main: &mut Asked) {
        if let Some(asked) = &mut self.asked {
            std::mem::swap(asked, main);
        }
    }

    /// The dial goes on in a version whose answer took this long. What was not asked until now is asked after the handshake, if it
    /// is `wanted`, and else no more.
    pub(super) fn follow(&mut self, version: Version, took: Duration, wanted: bool) {
        self.versions.note(version);
        self.patience = Some(patience(took));
        if self.is_answered() || (self.later.is_some() && !wanted) {
            return self.leave();
        }
        self.pace = Some(pace(took));
        self.keep_pace();
        if let Some(later) = &mut self.later {
            later.due = Some(Box::pin(tokio::time::sleep_until((now() + HANDSHAKE).into())));
        }
    }

    /// What was not asked until now is asked in its next turn.
    pub(super) fn hurry(&mut self) {
        if let Some(later) = &mut self.later {
            later.due = None;
        }
    }

    /// Something new about the versions.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Option<Versions> {
        if let Some(later) = &mut self.later {
            if later.due.as_mut().is_some_and(|due| due.as_mut().poll(cx).is_pending()) {
                return None;
            }
            self.ask();
        }
        let asked = self.asked.as_mut().filter(|asked| !self.versions.holds(asked.version))?;
        let polled = asked.poll(cx);
        let before = self.versions;
        match polled {
            Poll::Ready(Ok(())) => self.versions.note(asked.version),
            Poll::Ready(Err(_)) | Poll::Pending => {
                self.versions.unanswered = self.patience.and_then(|patience| asked.overdue(patience));
            }
        }
        if self.patience.is_some() && (self.is_answered() || matches!(polled, Poll::Ready(Err(_)))) {
            self.leave();
        }
        (self.versions != before).then_some(self.versions)
    }

    /// The next news about the versions; waits for ever where there will be none.
    pub async fn news(&mut self) -> Versions {
        poll_fn(|cx| self.poll(cx).map_or(Poll::Pending, Poll::Ready)).await
    }

    /// Whether a few more moments tell if the other side speaks version 1 alone.
    pub fn is_about_to_tell(&self) -> bool {
        self.versions.v1 && self.versions.unanswered.is_none() && self.asked.as_ref().is_some_and(|a| a.version == Version::V2)
    }

    /// Asks no more, and says no goodbye to who has never begun.
    fn leave(&mut self) {
        self.later = None;
        if let Some(asked) = self.asked.take() {
            asked.driver.shared.machine().forget();
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").field("versions", &self.versions).finish_non_exhaustive()
    }
}
