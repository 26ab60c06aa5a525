//! Each name is looked up once, however many addresses hold it.

use litemap::LiteMap;

use crate::{
    model::Micros,
    plan::{Candidate, Lookup, Record},
};

/// What is known about a name.
pub(super) enum Name {
    /// It is being looked up; these addresses wait for it.
    Pending(Vec<Candidate>),
    /// Its records; none when the look-up failed.
    Known(Option<Vec<Record>>),
}

/// The names of a run.
#[derive(Default)]
pub(super) struct Names {
    known: LiteMap<Lookup, Name>,
    began: LiteMap<Lookup, Micros>,
}

impl Names {
    /// Notes that an address waits for a name. True when the look-up has to begin.
    pub(super) fn wait(&mut self, lookup: &Lookup, candidate: Candidate, now: Micros) -> bool {
        if let Some(Name::Pending(waiting)) = self.known.get_mut(lookup) {
            waiting.push(candidate);
            return false;
        }
        self.known.insert(lookup.clone(), Name::Pending(vec![candidate]));
        self.began.insert(lookup.clone(), now);
        true
    }

    /// The records of a name that was looked up before.
    pub(super) fn known(&self, lookup: &Lookup) -> Option<&Option<Vec<Record>>> {
        match self.known.get(lookup)? {
            Name::Known(records) => Some(records),
            Name::Pending(_) => None,
        }
    }

    /// Notes the records, and gives back the addresses that waited and when the look-up began.
    pub(super) fn answered(&mut self, lookup: &Lookup, records: Option<Vec<Record>>) -> (Vec<Candidate>, Micros) {
        let waited = self.known.insert(lookup.clone(), Name::Known(records));
        let began = self.began.get(lookup).copied().unwrap_or_default();
        match waited {
            Some(Name::Pending(candidates)) => (candidates, began),
            Some(Name::Known(_)) | None => (Vec::new(), began),
        }
    }

    /// The look-ups that have not ended.
    pub(super) fn pending(&self) -> Vec<Lookup> {
        let open = self.known.iter().filter(|(_, name)| matches!(name, Name::Pending(_)));
        open.map(|(lookup, _)| lookup.clone()).collect()
    }
}
