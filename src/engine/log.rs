//! Where events are made: the clock of a run, the queue of what happened, and the open stages. A listener uses the same for
//! its dialers, with a log of its own for each of them.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::Duration,
};

use super::{Fault, Identity};
use crate::model::{Cause, Event, Fact, Found, Leg, Micros, Outcome, Report, StageName, Why, WhyCode};

/// The log of a run: every event passes here once.
pub(crate) struct Log {
    now: Box<dyn Fn() -> Duration>,
    origin: Duration,
    events: RefCell<VecDeque<Event>>,
    report: RefCell<Report>,
}

impl Log {
    /// The log of a run that begins now.
    pub(crate) fn new(now: Box<dyn Fn() -> Duration>) -> Rc<Self> {
        let origin = now();
        Self::since(origin, now)
    }

    /// A log of things that happen in a run that began at `origin`.
    pub(crate) fn since(origin: Duration, now: Box<dyn Fn() -> Duration>) -> Rc<Self> {
        Rc::new(Self { now, origin, events: RefCell::default(), report: RefCell::default() })
    }

    /// Since the run began.
    pub(crate) fn now(&self) -> Micros {
        (self.now)().saturating_sub(self.origin).into()
    }

    /// Notes a fact: it is folded at once and waits to be taken.
    pub(crate) fn emit(&self, t_ms: Micros, fact: Fact) {
        let event = Event { t_ms, run: 0, fact };
        self.report.borrow_mut().apply(&event);
        self.events.borrow_mut().push_back(event);
    }

    /// The oldest event that was not taken.
    pub(crate) fn take(&self) -> Option<Event> {
        self.events.borrow_mut().pop_front()
    }

    /// What is known so far.
    pub(crate) fn report<T>(&self, read: impl FnOnce(&Report) -> T) -> T {
        read(&self.report.borrow())
    }
}

/// The stage that an attempt is in.
struct Open {
    stage: StageName,
    leg: Option<Leg>,
    found: Found,
    fault: Option<Fault>,
    skipped: Option<WhyCode>,
    timed_out: Option<Box<dyn Fn() -> Cause>>,
    /// It waits for another attempt, and not for the peer.
    waits: bool,
}

/// The record of one attempt: ends a stage where the next begins, and closes what is open whatever happens.
pub struct Record {
    log: Rc<Log>,
    attempt: u32,
    started: Cell<bool>,
    ended: Cell<bool>,
    open: RefCell<Option<Open>>,
    leg: Cell<Option<Leg>>,
}

/// Why an attempt was cut short.
pub(crate) enum Cut {
    /// Its own time was over.
    TimedOut,
    /// The run ended.
    Ended(Why),
}

impl Record {
    /// The record of an attempt that was planned.
    pub(crate) fn new(log: &Rc<Log>, attempt: u32) -> Rc<Self> {
        Rc::new(Self {
            log: Rc::clone(log),
            attempt,
            started: Cell::default(),
            ended: Cell::default(),
            open: RefCell::default(),
            leg: Cell::default(),
        })
    }

    /// An attempt begins with its first stage, so that its stages add up to it.
    fn start(&self, now: Micros) {
        if !self.started.replace(true) {
            self.log.emit(now, Fact::AttemptStarted { attempt: self.attempt });
        }
    }

    pub(crate) fn set_leg(&self, leg: Option<Leg>) {
        self.leg.set(leg);
    }

    /// Begins a stage; the one before has passed, unless it was said to have failed.
    pub fn enter(&self, stage: StageName) {
        let now = self.log.now();
        self.start(now);
        self.close(now, None);
        let leg = self.leg.get();
        self.log.emit(now, Fact::StageStarted { attempt: self.attempt, leg, stage });
        let open = Open { stage, leg, found: Found::default(), fault: None, skipped: None, timed_out: None, waits: false };
        *self.open.borrow_mut() = Some(open);
    }

    /// Adds what the open stage found.
    pub fn found(&self, found: Found) {
        if let Some(open) = &mut *self.open.borrow_mut() {
            open.found.merge(found);
        }
    }

    pub(crate) fn failed_but_continue(&self, fault: Fault) {
        if let Some(open) = &mut *self.open.borrow_mut() {
            open.fault.get_or_insert(fault);
        }
    }

    /// What the open stage is for is not done, and why.
    #[cfg_attr(not(feature = "native"), expect(dead_code, reason = "only a node of its own holds back"))]
    pub(crate) fn skip(&self, why: WhyCode) {
        if let Some(open) = &mut *self.open.borrow_mut() {
            open.skipped = Some(why);
        }
    }

    pub(crate) fn time_out_means(&self, cause: Box<dyn Fn() -> Cause>) {
        if let Some(open) = &mut *self.open.borrow_mut() {
            open.timed_out = Some(cause);
        }
    }

    /// Whether the open stage waits for another attempt: what it is to find is not reached then.
    pub(crate) fn waits(&self, waits: bool) {
        if let Some(open) = &mut *self.open.borrow_mut() {
            open.waits = waits;
        }
    }

    /// A fact that comes up in this attempt and is none of its stages.
    pub(crate) fn tell(&self, fact: Fact) {
        self.log.emit(self.log.now(), fact);
    }

    /// The peer told of itself.
    pub(crate) fn identified(&self, identity: Identity) {
        let Identity { peer, agent, protocol_version, protocols, announced, announced_total } = identity;
        let attempt = self.attempt;
        let fact = Fact::PeerIdentified { attempt, peer, agent, protocol_version, protocols, announced, announced_total };
        self.log.emit(self.log.now(), fact);
    }

    /// Ends the attempt as its probe ended. The first end holds: what a probe does after it, such as saying goodbye, belongs to
    /// no stage.
    pub(crate) fn end(&self, result: Result<(), Fault>) {
        self.finish(result.err().map(|fault| (Outcome::failed(fault.cause), fault.message)));
    }

    /// Whether the attempt has ended, though its probe may go on.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Ends the attempt from outside.
    pub(crate) fn cut(&self, cut: Cut) {
        let outcome = match cut {
            Cut::TimedOut if self.open.borrow().as_ref().is_some_and(|open| open.waits) => Outcome::unknown(WhyCode::NotReached),
            Cut::TimedOut => {
                let open = self.open.borrow();
                let meaning = open.as_ref().and_then(|open| open.timed_out.as_ref()).map(|cause| cause());
                Outcome::failed(meaning.unwrap_or(Cause::TimedOut))
            }
            Cut::Ended(why) => Outcome::Unknown { why },
        };
        self.finish(Some((outcome, None)));
    }

    fn finish(&self, end: Option<(Outcome, Option<String>)>) {
        if self.ended.replace(true) {
            return;
        }
        let now = self.log.now();
        self.start(now);
        self.close(now, end);
        self.log.emit(now, Fact::AttemptEnded { attempt: self.attempt, why: None });
    }

    /// Closes the open stage. A fault that did not stop the probe outweighs what came after it in the same stage.
    fn close(&self, now: Micros, end: Option<(Outcome, Option<String>)>) {
        let Some(open) = self.open.borrow_mut().take() else { return };
        let (outcome, message) = match (open.fault, end, open.skipped) {
            (Some(fault), ..) => (Outcome::failed(fault.cause), fault.message),
            (None, Some(end), _) => end,
            (None, None, Some(why)) => (Outcome::Skipped { why: why.into() }, None),
            (None, None, None) => (Outcome::Passed, None),
        };
        let Open { stage, leg, found, .. } = open;
        self.log.emit(now, Fact::StageEnded { attempt: self.attempt, leg, stage, outcome, found, message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_out_while_another_attempt_is_waited_for_is_not_the_peers() {
        let ended_by = |waits: &[bool]| {
            let log = Log::new(Box::new(|| Duration::ZERO));
            let record = Record::new(&log, 1);
            record.enter(StageName::Ping);
            for waits in waits {
                record.waits(*waits);
            }
            record.cut(Cut::TimedOut);
            let outcome = |fact| if let Fact::StageEnded { outcome, .. } = fact { Some(outcome) } else { None };
            std::iter::from_fn(|| log.take()).find_map(|event| outcome(event.fact))
        };
        assert_eq!(ended_by(&[true]), Some(Outcome::unknown(WhyCode::NotReached)));
        assert_eq!(ended_by(&[true, false]), Some(Outcome::failed(Cause::TimedOut)));
    }
}
