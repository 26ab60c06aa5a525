//! Which versions the other side speaks, as far as its answers tell.

use std::time::{Duration, Instant};

use super::credentials::Version;
use super::shared::now;

/// So many requests are not all lost where the other version is answered: at 10 % loss each way seven times in a thousand,
/// and what lost them would hardly have let the rest of a handshake through.
const ENOUGH: usize = 3;

/// An answer that takes no longer than this is not late, however fast the other version was answered: a listener works on
/// both at once.
const LEAST_PATIENCE: Duration = Duration::from_millis(5);

/// Which versions the other side has answered in. One that it did not answer in is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Versions {
    /// Version 1.
    pub v1: bool,
    /// Version 2.
    pub v2: bool,
    /// Requests in the one of them that was not answered while the other was, each with twice the time that the other's
    /// answer took. None unless they are enough to tell this from loss.
    pub unanswered: Option<u32>,
}

impl Versions {
    pub(super) fn note(&mut self, version: Version) {
        match version {
            Version::V1 => self.v1 = true,
            Version::V2 => self.v2 = true,
        }
        if self.v1 && self.v2 {
            self.unanswered = None;
        }
    }

    pub(super) fn holds(self, version: Version) -> bool {
        match version {
            Version::V1 => self.v1,
            Version::V2 => self.v2,
        }
    }
}

/// When requests of one version left.
#[derive(Debug, Default)]
pub(super) struct Requests(Vec<Instant>);

impl Requests {
    /// Notes that there are `count` by now. Those that are enough are all that is kept.
    pub(super) fn note(&mut self, count: usize) {
        if count > self.0.len() && self.0.len() < ENOUGH {
            self.0.push(now());
        }
    }

    /// How many have had their time, where those are enough.
    pub(super) fn overdue(&self, patience: Duration) -> Option<u32> {
        let overdue = self.0.iter().filter(|sent| now().saturating_duration_since(**sent) >= patience).count();
        (overdue >= ENOUGH).then_some(overdue).and_then(|overdue| overdue.try_into().ok())
    }
}

/// And none is later than the other version's by more than this. That one's may have taken so long because its first request
/// was lost.
const MOST_LATENESS: Duration = Duration::from_millis(250);

/// How long to wait for an answer where the other version's took this long.
pub(super) fn patience(took: Duration) -> Duration {
    LEAST_PATIENCE.max(took * 2).min(took + MOST_LATENESS)
}

/// How often to ask then.
pub(super) fn pace(took: Duration) -> Duration {
    patience(took) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_tells_something_when_enough_requests_had_their_time() {
        let mut requests = Requests::default();
        for count in 1..=2 * ENOUGH {
            requests.note(count);
            requests.note(count);
            assert_eq!(requests.overdue(Duration::ZERO).is_some(), count >= ENOUGH, "{count}");
        }
        assert_eq!(requests.0.len(), ENOUGH);
        assert_eq!(requests.overdue(Duration::from_secs(3600)), None);
    }

    #[test]
    fn an_answer_has_its_time_by_what_the_others_took() {
        for (took, waits) in [(0, 5), (1, 5), (20, 40), (250, 500), (600, 850)] {
            assert_eq!(patience(Duration::from_millis(took)), Duration::from_millis(waits), "{took}");
        }
    }
}
