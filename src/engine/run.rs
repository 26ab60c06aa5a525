//! The course of a run.

use std::{pin::Pin, rc::Rc, time::Duration};

use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::{Either, Fuse, FusedFuture as _, LocalBoxFuture, select},
    select_biased,
    stream::FuturesUnordered,
};
use litemap::LiteMap;

use super::{
    Ctx, Job, LookedUp, Runtime,
    log::{Cut, Log, Record},
    names::Names,
    slots::Slots,
};
use crate::{
    model::{Cause, Fact, Found, NameResolved, Options, Outcome, SCHEMA, TargetKind, Tool, Transport, WhyCode},
    plan::{Candidate, Lookup, Planned, Planner, Record as DnsRecord, Step, extend, nat64},
};

/// A hole punch has up to three rounds, each of as many seconds as a dial may take.
const PUNCHING: u32 = 3;

/// How long is waited for a name server to show a translator: without one an address is left out at once.
const TRANSLATOR: Duration = Duration::from_secs(2);

/// What a task comes back with.
enum Done {
    LookedUp(Lookup, Box<LookedUp>),
    Dialed(u32, String),
}

pub(super) struct Run<R> {
    runtime: Rc<R>,
    job: Job,
    options: Rc<Options>,
    log: Rc<Log>,
    transports: Vec<Transport>,
    planner: Planner,
    names: Names,
    slots: Slots,
    tasks: FuturesUnordered<LocalBoxFuture<'static, Done>>,
    records: LiteMap<u32, Rc<Record>>,
    identified: (UnboundedSender<String>, UnboundedReceiver<String>),
}

impl<R: Runtime + 'static> Run<R> {
    pub(super) fn new(runtime: Rc<R>, job: Job, log: Rc<Log>) -> Self {
        let capabilities = runtime.capabilities();
        let peer = job.target.peer.as_ref().and_then(|peer| peer.parse().ok());
        Self {
            transports: capabilities.transports.clone(),
            planner: Planner::new(job.options.clone(), capabilities, peer),
            slots: Slots::new(job.options.concurrency),
            options: Rc::new(job.options.clone()),
            names: Names::default(),
            tasks: FuturesUnordered::new(),
            records: LiteMap::new(),
            identified: unbounded(),
            runtime,
            job,
            log,
        }
    }

    /// Runs the job and the errand beside it to their end, or until `stop`.
    pub(super) async fn drive(mut self, stop: Pin<Box<dyn Future<Output = ()>>>, errand: LocalBoxFuture<'static, ()>) {
        let (mut stop, mut errand) = (stop.fuse(), errand.fuse());
        let mut deadline = self.runtime.sleep(Duration::from(self.options.deadline_ms) + self.options.waiting()).fuse();
        self.begin();
        let cut = loop {
            self.start_waiting();
            self.extend_all();
            if self.tasks.is_empty() && errand.is_terminated() {
                break None;
            }
            select_biased! {
                () = stop => break Some(WhyCode::Interrupted),
                // First, so that no task that is always ready keeps the run.
                () = deadline => break (!self.is_done_by(&mut errand)).then_some(WhyCode::Deadline),
                () = errand => {}
                peer = self.identified.1.select_next_some() => self.extend(&peer),
                done = self.tasks.select_next_some() => self.done(done),
            }
        };
        let complete = cut.is_none();
        if let Some(why) = cut {
            self.cut(&why);
        }
        self.emit(Fact::RunEnded { complete });
    }

    /// What is ready when the time is up counts, and begins nothing more. Whether nothing is left then.
    fn is_done_by(&mut self, errand: &mut Fuse<LocalBoxFuture<'static, ()>>) -> bool {
        errand.now_or_never();
        for _ in 0..self.tasks.len() {
            let Some(Some(done)) = self.tasks.next().now_or_never() else { break };
            self.done(done);
        }
        while let Ok(peer) = self.identified.1.try_recv() {
            self.extend(&peer);
        }
        self.tasks.is_empty() && self.slots.is_empty() && errand.is_terminated()
    }

    fn emit(&self, fact: Fact) {
        self.log.emit(self.log.now(), fact);
    }

    fn begin(&mut self) {
        self.emit(Fact::RunStarted {
            schema: SCHEMA.into(),
            tool: Tool { user_agent: self.runtime.user_agent(), ..Tool::this(self.runtime.kind()) },
            started: self.runtime.utc(),
            target: self.job.target.clone(),
            options: self.job.options.clone(),
            capabilities: self.transports.clone(),
        });
        if let Some(network) = self.runtime.local_network() {
            self.emit(network);
        }
        for address in std::mem::take(&mut self.job.addresses) {
            self.plan(Candidate::new(address, self.job.source));
        }
    }

    /// Decides on an address and on all that its look-ups lead to, as far as they are known.
    fn plan(&mut self, candidate: Candidate) {
        let mut queue = vec![candidate];
        while let Some(candidate) = queue.pop() {
            match self.planner.step(candidate) {
                Step::LookUp(candidate, lookup) => queue.extend(self.look_up(candidate, lookup).into_iter().rev()),
                Step::Split(candidates) => queue.extend(candidates.into_iter().rev()),
                step => self.carry_out(step),
            }
        }
    }

    fn carry_out(&mut self, step: Step) {
        match step {
            Step::Dial(fact, planned) => {
                self.emit(fact);
                self.slots.queue(planned);
            }
            Step::Leave(fact) => self.emit(fact),
            Step::Fail(fact, attempt) => {
                let now = self.log.now();
                self.log.emit(now, fact);
                self.log.emit(now, Fact::AttemptStarted { attempt });
                self.log.emit(now, Fact::AttemptEnded { attempt, why: None });
            }
            Step::LookUp(..) | Step::Split(_) | Step::Drop => {}
        }
    }

    /// Begins a look-up, or gives what it led to when it was made before.
    fn look_up(&mut self, candidate: Candidate, lookup: Lookup) -> Vec<Candidate> {
        if let Some(known) = self.names.known(&lookup).cloned() {
            return self.resolved(candidate, &lookup, known.as_deref());
        }
        if self.names.wait(&lookup, candidate, self.log.now()) {
            let runtime = Rc::clone(&self.runtime);
            let timeout: Duration = self.options.timeout_ms.into();
            let bound = runtime.sleep(if lookup == nat64::lookup() { timeout.min(TRANSLATOR) } else { timeout });
            self.tasks.push(Box::pin(async move {
                let answer = match select(runtime.look_up(lookup.clone()), bound).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => LookedUp { records: Err(Cause::TimedOut.into()), found: Found::default() },
                };
                Done::LookedUp(lookup, Box::new(answer))
            }));
        }
        Vec::new()
    }

    /// The addresses that the records of a name lead to. What leads nowhere becomes an attempt that says so.
    fn resolved(&mut self, candidate: Candidate, lookup: &Lookup, records: Option<&[DnsRecord]>) -> Vec<Candidate> {
        let answered = self.planner.answered(&candidate, lookup, records.unwrap_or_default());
        if answered.candidates.is_empty() && nat64::concerns(&candidate, lookup) {
            // Nothing translates here.
            let step = self.planner.leave_out(&candidate, WhyCode::NoLocalFamily);
            self.carry_out(step);
            return Vec::new();
        }
        for other in &answered.others {
            let step = self.planner.leave_out(other, WhyCode::OtherPeer);
            self.carry_out(step);
        }
        if records.is_none() || answered.over_limit {
            let mut failed = candidate;
            failed.names.push(lookup.clone());
            let step = if answered.over_limit { self.planner.overflow(&failed) } else { self.planner.fail(&failed, None) };
            self.carry_out(step);
        }
        answered.candidates
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Dialed(id, host) => {
                self.records.remove(&id);
                self.slots.ended(&host);
            }
            Done::LookedUp(lookup, answer) => self.looked_up(&lookup, *answer),
        }
    }

    fn looked_up(&mut self, lookup: &Lookup, answer: LookedUp) {
        let now = self.log.now();
        let mut found = answer.found;
        let (records, outcome, message) = match answer.records {
            Ok(records) => (Some(records), Outcome::Passed, None),
            Err(fault) => (None, Outcome::failed(fault.cause), fault.message),
        };
        found.addresses = records.as_ref().and_then(|records| u32::try_from(records.len()).ok());
        let (waiting, start_ms) = self.names.answered(lookup, records.clone());
        let elapsed_ms = now.since(start_ms);
        let name = lookup.to_string();
        self.log.emit(now, Fact::NameResolved(NameResolved { name, start_ms, elapsed_ms, outcome, found, message }));
        for candidate in waiting {
            for next in self.resolved(candidate, lookup, records.as_deref()) {
                self.plan(next);
            }
        }
    }

    fn start_waiting(&mut self) {
        while let Some(planned) = self.slots.next() {
            self.start(planned);
        }
    }

    fn start(&mut self, planned: Rc<Planned>) {
        let (id, host) = (planned.id, planned.host());
        let record = Record::new(&self.log, id);
        self.records.insert(id, Rc::clone(&record));
        let ctx = Ctx { record: Rc::clone(&record), ping: self.slots.ping(&host), identified: self.identified.0.clone() };
        // Rounds of a hole punch come after all else that an attempt does.
        let rounds = if self.options.punch && planned.route.circuit.is_some() { PUNCHING } else { 1 };
        let time = Duration::from(self.options.timeout_ms).saturating_mul(rounds) + self.options.waiting();
        let bound = self.runtime.sleep(time);
        let probe = self.runtime.probe(ctx, planned, Rc::clone(&self.options));
        self.tasks.push(Box::pin(async move {
            match select(probe, bound).await {
                Either::Left((result, _)) => record.end(result),
                // What has ended its attempt goes on for others.
                Either::Right(((), probe)) if record.has_ended() => drop(probe.await),
                Either::Right(((), probe)) => {
                    // A probe that is dropped may still tell what it has.
                    drop(probe);
                    record.cut(Cut::TimedOut);
                }
            }
            Done::Dialed(id, host)
        }));
    }

    /// Plans what peers announced while nobody was looking.
    fn extend_all(&mut self) {
        while let Ok(peer) = self.identified.1.try_recv() {
            self.extend(&peer);
        }
        self.start_waiting();
    }

    /// Plans what a peer announces. A node of our own was dialed on all its addresses already.
    fn extend(&mut self, peer: &str) {
        if self.job.target.kind != TargetKind::Peer {
            return;
        }
        let (candidates, beyond) = self.log.report(|report| extend(report, peer));
        if let Ok(peer) = peer.parse() {
            self.planner.learned(peer);
        }
        for candidate in candidates {
            self.plan(candidate);
        }
        for candidate in beyond {
            let step = self.planner.leave_out(&candidate, WhyCode::OverLimit);
            self.carry_out(step);
        }
    }

    /// Closes everything that is open.
    fn cut(&mut self, why: &WhyCode) {
        self.tasks.clear();
        for (_, record) in std::mem::take(&mut self.records) {
            record.cut(Cut::Ended(why.clone().into()));
        }
        for planned in self.slots.drain() {
            self.emit(Fact::AttemptEnded { attempt: planned.id, why: Some(why.clone().into()) });
        }
        for lookup in self.names.pending() {
            self.cut_look_up(&lookup, why);
        }
    }

    fn cut_look_up(&mut self, lookup: &Lookup, why: &WhyCode) {
        let now = self.log.now();
        let (waiting, start_ms) = self.names.answered(lookup, None);
        self.log.emit(
            now,
            Fact::NameResolved(NameResolved {
                name: lookup.to_string(),
                start_ms,
                elapsed_ms: now.since(start_ms),
                outcome: Outcome::unknown(why.clone()),
                found: Found::default(),
                message: None,
            }),
        );
        for candidate in waiting {
            self.resolved(candidate, lookup, None);
        }
    }
}
