//! What the listener saw of its dialers lately: of each, the attempt with its latest state.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    task::{Context, Waker},
};

use crate::model::{Attempt, Event, Fact, Report};

/// How many attempts are remembered: a visit makes a dozen, and looks at them at once.
const REMEMBERED: usize = 256;

/// How many may wait for a change, those who have left included.
const WAITING: usize = 64;

/// Attempts of dialers who told their peer ID, newest last. Cloned, it is the same one.
#[derive(Clone, Debug, Default)]
pub struct Seen(Rc<RefCell<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    /// With the number of its last change.
    attempts: VecDeque<(u64, Attempt)>,
    changes: u64,
    waiting: Vec<Waker>,
}

impl Seen {
    /// Notes what an event has changed, with the report of the dialer that it belongs to.
    pub fn apply(&self, event: &Event, report: &Report) {
        let id = match &event.fact {
            Fact::StageEnded { attempt, .. } | Fact::StageStarted { attempt, .. } | Fact::AttemptEnded { attempt, .. } => {
                *attempt
            }
            _ => return,
        };
        let Some(attempt) = report.attempt(id).filter(|attempt| attempt.peer().is_some()) else { return };
        let mut memory = self.0.borrow_mut();
        memory.changes += 1;
        let changes = memory.changes;
        match memory.attempts.iter_mut().rev().find(|(_, other)| other.id == id) {
            Some(entry) => *entry = (changes, attempt.clone()),
            None => memory.attempts.push_back((changes, attempt.clone())),
        }
        if memory.attempts.len() > REMEMBERED {
            memory.attempts.pop_front();
        }
        memory.waiting.drain(..).for_each(Waker::wake);
    }

    /// The attempts of these peers that changed after the change of this number, and the number of the last change. Without
    /// any, the task is woken at the next change.
    pub(super) fn since(&self, last: u64, peers: &[String], cx: &Context<'_>) -> (u64, Vec<Attempt>) {
        let mut memory = self.0.borrow_mut();
        let of_these = |attempt: &Attempt| attempt.peer().is_some_and(|peer| peers.iter().any(|own| own == peer));
        let newer = memory.attempts.iter().filter(|(change, attempt)| *change > last && of_these(attempt));
        let changed: Vec<Attempt> = newer.map(|(_, attempt)| attempt.clone()).collect();
        // Those who have left are among the waiting.
        if memory.waiting.len() >= WAITING {
            memory.waiting.drain(..).for_each(Waker::wake);
        }
        if changed.is_empty() && !memory.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            memory.waiting.push(cx.waker().clone());
        }
        (memory.changes, changed)
    }
}
