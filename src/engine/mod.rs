//! Runs a plan: look-ups, slots, time-outs, events. Polls its futures in place and spawns nothing, so it runs in a page.

mod ctx;
mod errand;
mod log;
mod names;
mod run;
mod runtime;
mod slots;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use futures::{Stream, future::LocalBoxFuture};
use multiaddr::Multiaddr;

pub use crate::fault::Fault;
pub use ctx::{Ctx, Identity};
pub use errand::Notes;
pub use log::Record;
#[cfg(feature = "session")]
pub(crate) use log::{Cut, Log};
pub use runtime::{LookedUp, Runtime};

use crate::model::{Event, Options, Source, Target};

/// What to probe.
#[derive(Clone, Debug)]
pub struct Job {
    /// What the run is about.
    pub target: Target,
    /// The addresses to dial.
    pub addresses: Vec<Multiaddr>,
    /// Where they came from.
    pub source: Source,
    /// How to work.
    pub options: Options,
}

/// Runs a job. The stream gives its events as they happen, and ends after `run-ended`. When `stop` ends, what is open
/// is closed as interrupted and the run ends. Dropping the stream drops every connection.
pub fn run<R: Runtime + 'static>(runtime: Rc<R>, job: Job, stop: impl Future<Output = ()> + 'static) -> Events {
    run_with(runtime, job, stop, |_| std::future::ready(()))
}

/// The same with an errand beside the attempts: the run ends when it has ended too, and cuts it short where it is cut short
/// itself. The errand tells what it finds by its [`Notes`].
pub fn run_with<R: Runtime + 'static, E: Future<Output = ()> + 'static>(
    runtime: Rc<R>,
    job: Job,
    stop: impl Future<Output = ()> + 'static,
    errand: impl FnOnce(Notes) -> E,
) -> Events {
    let clock = Rc::clone(&runtime);
    let log = log::Log::new(Box::new(move || clock.now()));
    let errand = errand(Notes::new(&log));
    let driver = run::Run::new(runtime, job, Rc::clone(&log)).drive(Box::pin(stop), Box::pin(errand));
    Events { log, driver: Some(Box::pin(driver)) }
}

/// The events of a run.
pub struct Events {
    log: Rc<log::Log>,
    driver: Option<LocalBoxFuture<'static, ()>>,
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(cx).is_ready()
        {
            self.driver = None;
        }
        match (self.log.take(), &self.driver) {
            (Some(event), _) => Poll::Ready(Some(event)),
            (None, Some(_)) => Poll::Pending,
            (None, None) => Poll::Ready(None),
        }
    }
}
