//! A runtime without an operating system: its clock moves only when everything waits, its probes follow a script.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::Future,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::{Stream, future::LocalBoxFuture};
use p2p_probe::{
    engine::{self, Ctx, Fault, Identity, Job, LookedUp, Runtime},
    model::{
        Announced, Cause, Event, Fact, Family, Found, Options, RuntimeKind, Scope, Source, StageName, Stamp, Target, TargetKind,
        Transport,
    },
    plan::{Capabilities, Lookup, Planned, Record},
};

/// One step of a scripted probe.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Enters a stage and stays in it for so many milliseconds.
    Stage(StageName, u64),
    /// Keeps the processor for so many milliseconds: nothing else runs meanwhile.
    Work(u64),
    /// The stage finds the peer.
    Peer(&'static str),
    /// The peer announces these addresses.
    Announce(&'static [&'static str]),
    /// The stage fails, and the probe goes on.
    Mar(Cause),
    /// The probe fails.
    Fail(Cause),
    /// The probe hangs.
    Hang,
}

/// What names lead to, and what each `ip:port` does when it is dialed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) names: BTreeMap<&'static str, Vec<&'static str>>,
    pub(crate) peers: BTreeMap<&'static str, Vec<Act>>,
}

#[derive(Default)]
struct Clock {
    now: Cell<Duration>,
    timers: RefCell<Vec<(Duration, Waker)>>,
}

/// The runtime.
#[derive(Clone)]
pub(crate) struct Fake {
    clock: Rc<Clock>,
    script: Rc<Script>,
}

impl Fake {
    pub(crate) fn new(script: Script) -> Self {
        Self { clock: Rc::default(), script: Rc::new(script) }
    }

    pub(crate) fn nap(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        self.sleep(Duration::from_millis(ms))
    }

    /// Moves the clock to the next timer and wakes who waits for it. False when there is none.
    fn advance(&self) -> bool {
        let mut timers = self.clock.timers.borrow_mut();
        let Some(next) = timers.iter().map(|(end, _)| *end).min() else { return false };
        self.clock.now.set(next);
        let (due, later) = std::mem::take(&mut *timers).into_iter().partition(|(end, _)| *end <= next);
        *timers = later;
        drop(timers);
        let due: Vec<(Duration, Waker)> = due;
        for (_, waker) in due {
            waker.wake();
        }
        true
    }
}

impl Runtime for Fake {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Node
    }

    fn now(&self) -> Duration {
        self.clock.now.get()
    }

    fn utc(&self) -> Stamp {
        Stamp("2026-01-02T03:04:05.678Z".into())
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        let clock = Rc::clone(&self.clock);
        let end = clock.now.get() + span;
        Box::pin(futures::future::poll_fn(move |cx| {
            if clock.now.get() >= end {
                return Poll::Ready(());
            }
            clock.timers.borrow_mut().push((end, cx.waker().clone()));
            Poll::Pending
        }))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            transports: vec![Transport::Tcp, Transport::Ws],
            families: Some(vec![Family::Ipv4]),
            ..Capabilities::default()
        }
    }

    fn local_network(&self) -> Option<Fact> {
        None
    }

    fn look_up(&self, lookup: Lookup) -> LocalBoxFuture<'static, LookedUp> {
        let this = self.clone();
        Box::pin(async move {
            this.nap(5).await;
            let records = this.script.names.get(lookup.to_string().as_str()).ok_or(Cause::NameNotFound.into()).map(|records| {
                let record = |text: &&str| {
                    text.parse().map(Record::Ip).or_else(|_| text.parse().map(Record::Address)).expect("a record of the script")
                };
                records.iter().map(record).collect()
            });
            LookedUp { records, found: Found::default() }
        })
    }

    fn probe(&self, ctx: Ctx, planned: Rc<Planned>, _: Rc<Options>) -> LocalBoxFuture<'static, Result<(), Fault>> {
        let this = self.clone();
        let key = format!("{}:{}", planned.host(), planned.route.port);
        let acts = self
            .script
            .peers
            .get(key.as_str())
            .cloned()
            .unwrap_or_else(|| vec![Act::Stage(StageName::Connect, 1), Act::Fail(Cause::Refused)]);
        Box::pin(async move {
            let mut peer = "";
            for act in acts {
                match act {
                    Act::Stage(stage, ms) => {
                        ctx.enter(stage);
                        this.nap(ms).await;
                    }
                    Act::Work(ms) => this.clock.now.set(this.clock.now.get() + Duration::from_millis(ms)),
                    Act::Peer(id) => {
                        peer = id;
                        ctx.found(Found { peer: Some(id.into()), ..Found::default() });
                    }
                    Act::Announce(addresses) => ctx.identified(identity(peer, addresses)),
                    Act::Mar(cause) => ctx.failed_but_continue(cause),
                    Act::Fail(cause) => return Err(cause.into()),
                    Act::Hang => futures::future::pending().await,
                }
            }
            Ok(())
        })
    }
}

fn identity(peer: &str, addresses: &[&str]) -> Identity {
    let announced = addresses.iter().map(|address| Announced {
        address: (*address).into(),
        scope: Scope::of(&address.parse().expect("an address of the script")),
        attempt: None,
    });
    Identity {
        peer: peer.into(),
        agent: Some("fake/1".into()),
        announced: announced.collect(),
        announced_total: u32::try_from(addresses.len()).unwrap_or(u32::MAX),
        ..Identity::default()
    }
}

/// A job for a target.
pub(crate) fn job(target: &str, peer: Option<&str>, options: Options) -> Job {
    Job {
        target: Target { kind: TargetKind::Peer, input: target.into(), peer: peer.map(Into::into) },
        addresses: vec![target.parse().expect("an address of the test")],
        source: Source::Target,
        options,
    }
}

/// Runs a job to its end.
pub(crate) fn events(fake: &Fake, job: Job, stop: impl Future<Output = ()> + 'static) -> Vec<Event> {
    let mut stream = pin!(engine::run(Rc::new(fake.clone()), job, stop));
    let mut events = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match Pin::as_mut(&mut stream).poll_next(&mut cx) {
            Poll::Ready(Some(event)) => events.push(event),
            Poll::Ready(None) => return events,
            Poll::Pending => assert!(fake.advance(), "everything waits and nothing can wake it"),
        }
    }
}
