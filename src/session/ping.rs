//! The time of a round trip: <https://github.com/libp2p/specs/blob/master/ping/ping.md>.
//!
//! Some responders (libp2p-ping 0.48 among them) sit on the second ping of a stream until something else wakes them. A
//! ping that comes late is therefore doubled on a new stream: if that one is answered and the old one goes on to hang, its
//! time is the line's, and the rest of the pings use a stream each.

use std::{pin::pin, time::Duration};

use futures::{
    AsyncReadExt, AsyncWriteExt, FutureExt,
    future::{Either, LocalBoxFuture, ready, select},
};

use super::{
    Fault,
    link::{Link, Stream},
};
use crate::{
    model::{Cause, Found, Micros},
    order::sorted,
};

pub(super) const PROTOCOL: &str = "/ipfs/ping/1.0.0";
/// Bytes of one ping.
pub(super) const SIZE: usize = 32;
/// A ping is late after this many times the first one's time: more than a lost packet takes to be sent again on a line
/// whose time is known.
const LATE: u32 = 4;
/// And never before this: schedulers and garbage collectors take their time.
const LATE_AT_LEAST: Duration = Duration::from_millis(50);

/// What pings found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pings {
    /// The line's time, by each ping that was answered, in the order sent.
    pub samples: Vec<Micros>,
    /// Pings sent; those doubled on another stream count once.
    pub sent: u32,
    /// How long the responder sat on a second ping of one stream, or at least how long it was seen to, while a new stream
    /// was answered at once.
    pub responder_stall: Option<Micros>,
}

impl Pings {
    /// Pings answered.
    #[must_use]
    pub fn received(&self) -> u32 {
        u32::try_from(self.samples.len()).unwrap_or(u32::MAX)
    }

    /// The fastest.
    #[must_use]
    pub fn min(&self) -> Option<Micros> {
        self.samples.iter().min().copied()
    }

    /// The middle one; of two the mean.
    #[must_use]
    pub fn median(&self) -> Option<Micros> {
        let sorted = sorted(self.samples.iter().copied());
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Micros(lower.0.midpoint(upper.0)))
    }

    /// The slowest.
    #[must_use]
    pub fn max(&self) -> Option<Micros> {
        self.samples.iter().max().copied()
    }

    /// As a report's ping stage carries it.
    #[must_use]
    pub fn found(&self) -> Found {
        Found {
            sent: Some(self.sent),
            received: Some(self.received()),
            min_ms: self.min(),
            median_ms: self.median(),
            max_ms: self.max(),
            samples_ms: Some(self.samples.clone()),
            responder_stall_ms: self.responder_stall,
            ..Found::default()
        }
    }
}

/// A ping's stream, to be used again, and its time.
type Answered = (Stream, Micros);
/// A ping on its way.
type Pending = LocalBoxFuture<'static, Result<Answered, Fault>>;

/// Sends pings until there are `count` of them or one fails, and waits for `pause` between them.
pub(super) async fn send(link: &Link, count: u32, pause: Duration, pings: &mut Pings) -> Result<(), Fault> {
    let mut reused: Option<Stream> = None;
    let mut stalled: Option<Stalled> = None;
    for _ in 0..count {
        if pings.sent > 0 && !pause.is_zero() {
            link.clock().sleep(pause).await;
        }
        pings.sent += 1;
        let late = pings.samples.first().map(|first| (LATE * Duration::from(*first)).max(LATE_AT_LEAST));
        let began = link.clock().now();
        let sample = match (reused.take(), late) {
            (Some(stream), Some(late)) => {
                let (outcome, hanging) = watched(link, round(link.clone(), stream).boxed_local(), late).await?;
                stalled = hanging.map(|hanging| Stalled::new(began, hanging));
                outcome
            }
            _ => fresh(link).await?,
        };
        pings.samples.push(sample.1);
        if let Some(stalled) = &mut stalled {
            pings.responder_stall = Some(stalled.lasted(link));
        } else {
            reused = Some(sample.0);
        }
    }
    Ok(())
}

/// Waits for a ping; when it is late, races it with one on a new stream. The late one comes back if it lost.
async fn watched(link: &Link, old: Pending, late: Duration) -> Result<(Answered, Option<Pending>), Fault> {
    let old = match select(old, link.clock().sleep(late)).await {
        Either::Left((answered, _)) => return Ok((answered?, None)),
        Either::Right(((), old)) => old,
    };
    match select(old, pin!(fresh(link))).await {
        Either::Left((Ok(answered), _)) => Ok((answered, None)),
        // A responder that keeps one stream for each connection drops the one that it sits on for the new one.
        Either::Left((Err(dropped), new)) => Ok((new.await?, Some(ready(Err(dropped)).boxed_local()))),
        // A peer that refuses a second stream may still answer on the first.
        Either::Right((Err(_), old)) => Ok((old.await?, None)),
        // A new stream as slow as the old one is a slow line, not a stalled responder.
        Either::Right((Ok(answered), _)) if answered.1 > Micros::from(late) => Ok((answered, None)),
        Either::Right((Ok(answered), old)) => Ok(overtaken(link, old, answered, late).await),
    }
}

/// A new stream was answered at once, and the old one is not yet. It gets once more the time after which it is late: the one
/// who answers there may have been kept from the processor while another answered here.
async fn overtaken(link: &Link, old: Pending, new: Answered, late: Duration) -> (Answered, Option<Pending>) {
    match select(old, link.clock().sleep(late)).await {
        Either::Left((Ok(answered), _)) => (answered, None),
        Either::Left((Err(dropped), _)) => (new, Some(ready(Err(dropped)).boxed_local())),
        Either::Right(((), old)) => (new, Some(old)),
    }
}

/// The ping that a responder sits on.
struct Stalled {
    began: Micros,
    /// None once it was answered.
    hanging: Option<Pending>,
    lasted: Micros,
}

impl Stalled {
    fn new(began: Micros, hanging: Pending) -> Self {
        Self { began, hanging: Some(hanging), lasted: Micros(0) }
    }

    /// How long it took, or has taken until now.
    fn lasted(&mut self, link: &Link) -> Micros {
        if let Some(hanging) = &mut self.hanging {
            self.lasted = link.clock().now().since(self.began);
            if hanging.now_or_never().is_some() {
                self.hanging = None;
            }
        }
        self.lasted
    }
}

async fn fresh(link: &Link) -> Result<Answered, Fault> {
    let stream = link.open(PROTOCOL).await?;
    round(link.clone(), stream).await
}

/// One ping. On a new stream the proposal leaves in the same flight, so that it costs no second round trip.
async fn round(link: Link, mut stream: Stream) -> Result<Answered, Fault> {
    let lost = |error| link.on_stream(Fault::from_io(&error, Cause::Malformed));
    let payload: [u8; SIZE] = rand::random();
    let mut echo = [0; SIZE];
    let sent = link.clock().now();
    stream.write_all(&payload).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    stream.read_exact(&mut echo).await.map_err(lost)?;
    let time = link.clock().now().since(sent);
    if echo != payload {
        return Err(Fault::from(Cause::Malformed).say("the echo differs from what was sent"));
    }
    Ok((stream, time))
}
