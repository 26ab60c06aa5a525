//! AutoNAT servers of other implementations, asked about addresses of the socket under test.
//!
//! Their answers are added as they come. A server that the socket has not sent to is the one that shows filtering, so it is
//! sent to only when it has answered, or has taken too long.

use std::{net::SocketAddr, pin::pin, time::Duration};

use futures::{
    FutureExt as _,
    future::{Either, join, join_all, maybe_done, select},
};
use multiaddr::{Multiaddr, Protocol};
use tokio::sync::{Notify, SemaphorePermit};

use super::{
    order::{Course, Target, UnderTest, address},
    vantage::Vantage,
};
use crate::{
    engine::Runtime as _,
    fault::Fault,
    model::{Cause, FilteringSeen, InboundBy, InboundSeen, Method, NatFound, Outcome, WhyCode},
    nat::autonat::{self, Answer},
};

/// The longest wait for an answer of version 2: go-libp2p takes 5 s, and 10 s at most, to say that it did not come through.
const SECOND: Duration = Duration::from_secs(11);
/// The same where a server that does not come through shows nothing: it is not known to speak the protocol at all, or the port may not
/// be mapped. Who comes through has come by then.
const UNLIKELY: Duration = Duration::from_secs(3);
/// The same of version 1: go-libp2p takes 15 s, by design.
const FIRST: Duration = Duration::from_secs(17);
/// The same where the server was asked in version 2 as well: who comes through has come by then.
const FIRST_BESIDE: Duration = Duration::from_secs(3);
/// The same where version 2 did not come through.
const FIRST_AGAIN: Duration = Duration::from_millis(1500);
/// How long a server is left a stranger: in version 2 go-libp2p says after 5 s that it did not come through, and UDP and TCP are
/// asked about one after the other.
const STRANGER: Duration = Duration::from_secs(11);
/// What is left of the run's time to send to it then.
const SENDING: Duration = Duration::from_millis(2500);
/// How long a dialer and its number may be on their way when the server has answered, and the answer when the number has come.
const SOON: Duration = Duration::from_secs(1);
/// How long the only host is left a stranger before the socket sends to it: what comes through comes in that time, unless the
/// server is slow.
const ALONE: Duration = Duration::from_millis(1500);

/// Of a dial that shows neither that strangers are let in nor that they are kept out.
const LATE: &str = "came in only once the socket had sent to it";

/// A question to one server about one address.
#[derive(Clone, Copy)]
struct Question<'a, 'q> {
    vantage: &'a Vantage,
    to: SocketAddr,
    /// Whether that is an outside address of the socket or an own one, and no port that the user may have forwarded: of such a port
    /// a failure shows nothing, and what comes in shows no filter.
    mapped: bool,
    /// Hears when a dial has come through or has not: nobody need be a stranger any longer.
    told: Option<&'q Notify>,
    /// Hears when it has its turn.
    turn: Option<&'q Notify>,
    how: How,
}

impl Question<'_, '_> {
    /// Waits for its turn, which it has for as long as it holds this. None would be of a vantage point that is no more: its turns live
    /// as long as it does. Who waits comes before who asks again.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.vantage.turns.acquire().await.ok();
        if let Some(turn) = self.turn {
            turn.notify_one();
        }
        permit
    }
}

/// How a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// As a stranger, and it is no use where the socket has sent to it meanwhile.
    Stranger,
    /// Whether it is a stranger or not.
    Anyhow,
    /// When all else is done, and gateways may have mapped the port: what comes in shows no filter.
    Again,
}

/// A question that version 2 has answered, to be asked in version 1 when all else is done.
#[derive(Debug)]
pub(super) struct Again<'a> {
    vantage: &'a Vantage,
    to: SocketAddr,
    mapped: bool,
    patience: Duration,
}

/// What came of it.
struct Seen {
    /// Where a dial came from that was seen here.
    from: Option<SocketAddr>,
    /// Whether the socket had sent to the server when it was asked.
    contacted: bool,
    outcome: Outcome,
    message: Option<String>,
}

impl Seen {
    fn unknown(why: WhyCode, message: impl Into<String>) -> Self {
        Self { from: None, contacted: false, outcome: Outcome::unknown(why), message: Some(message.into()) }
    }

    fn passed(from: SocketAddr, message: Option<String>) -> Self {
        Self { from: Some(from), contacted: false, outcome: Outcome::Passed, message }
    }
}

impl<'a, S: UnderTest> Course<'a, S> {
    /// Has one address dialed before the socket has sent anything, where one host alone can be asked: an own address, or the port
    /// that was forwarded by hand. `turn` hears when it begins.
    pub(super) async fn alone(&self, targets: &[Target], turn: &Notify) {
        let Some(first) = self.family.servers_by_autonat().next() else { return };
        if targets.iter().any(|target| target.to.ip() != first.ip) {
            return;
        }
        let asking = self.family.servers_by_autonat().filter_map(|vantage| {
            let to = SocketAddr::new(vantage.observed?, self.socket.port());
            let at_home = self.family.way.is_own(to);
            let question = Question { vantage, to, mapped: at_home, told: None, turn: Some(turn), how: How::Stranger };
            (at_home || self.family.fixed(S::LAYER)).then(|| self.ask_by_autonat(question))
        });
        join_all(asking).await;
    }

    /// Runs `rest` when those who were asked before have answered or taken their time, once it was their turn, and sees both to their
    /// end.
    pub(super) async fn after(&self, turn: &Notify, asking: impl Future<Output = ()>, rest: impl Future<Output = ()>) {
        let enough = async {
            select(pin!(turn.notified()), self.family.native.sleep(ALONE)).await;
            self.family.native.sleep(ALONE).await;
        };
        within(pin!(enough), asking, rest).await;
    }

    /// Has every server dial the outside address, and sends to those of `strangers` afterwards: `sent` hears of each when it is done.
    pub(super) async fn foreign(&self, outside: SocketAddr, strangers: &[Target], sent: &impl Fn()) {
        let stranger = STRANGER.min(self.left().saturating_sub(SENDING));
        let fixed = SocketAddr::new(outside.ip(), self.socket.port());
        let forwarded = fixed != outside && self.family.fixed(S::LAYER);
        let each = self.family.servers_by_autonat().map(|vantage| async move {
            let told = Notify::new();
            let asking = async {
                let question = Question { vantage, to: outside, mapped: true, told: Some(&told), turn: None, how: How::Anyhow };
                self.ask_by_autonat(question).await;
                if forwarded {
                    let question = Question { vantage, to: fixed, mapped: false, told: None, turn: None, how: How::Stranger };
                    self.ask_by_autonat(question).await;
                }
            };
            let enough = pin!(told.notified());
            let enough = select(enough, self.family.native.sleep(stranger));
            let sent_to = strangers.iter().filter(|target| target.vantage == vantage.name);
            let sending = join_all(sent_to.map(|target| self.ask(target))).map(|_| sent());
            within(enough, asking, sending).await;
        });
        join_all(each).await;
    }

    /// Asks in version 2, and in version 1 where that gave no answer; where it gave one, the other is a second opinion, see
    /// [`Course::again`].
    async fn ask_by_autonat(&self, question: Question<'a, '_>) {
        let Question { vantage, to, mapped, .. } = question;
        if !self.asked.borrow_mut().insert((vantage.name.clone(), to)) {
            return;
        }
        // Half of what is left is for the other protocol.
        let mut patience = FIRST.min(self.left() / 2);
        if vantage.speaks(autonat::DIAL_REQUEST) {
            let answer = self.second_version(question).await;
            if vantage.speaks(autonat::V1) && !matches!(answer, Outcome::Unknown { .. }) {
                let patience = if answer.passed() { FIRST_BESIDE } else { FIRST_AGAIN };
                self.again.borrow_mut().push(Again { vantage, to, mapped, patience });
                return;
            }
            patience = FIRST_BESIDE;
        }
        if vantage.speaks(autonat::V1) {
            self.first_version(question, patience).await;
        }
    }

    /// Asks in version 1 what version 2 has answered, when nothing else is to be asked: js-libp2p answers version 1 over a connection
    /// that it has, and closes that.
    pub(super) async fn again(&self) {
        for Again { vantage, to, mapped, patience } in self.again.take() {
            self.first_version(Question { vantage, to, mapped, told: None, turn: None, how: How::Again }, patience).await;
        }
    }

    /// Version 2: the number that comes in is what counts. The answer, once it is told.
    async fn second_version(&self, question: Question<'_, '_>) -> Outcome {
        let Question { vantage, to, mapped, .. } = question;
        let _turn = question.turn().await;
        let contacted = self.has_contacted(vantage.ip);
        let tell = |seen: Seen| {
            let outcome = seen.outcome.clone();
            self.note(question, Method::AutonatV2, Seen { contacted, ..seen });
            outcome
        };
        let guests = self.socket.guests();
        let (before, expected) = (guests.count(), guests.nonces.expect());
        let address = address(S::LAYER, to);
        let patience = if mapped && vantage.has(S::LAYER) { SECOND } else { UNLIKELY };
        let asking = pin!(self.bounded(patience, autonat::ask::v2(&vantage.opener, &address, expected.nonce())));
        let arrived = pin!(expected.arrived());
        let soon = || self.family.native.sleep(SOON);
        match select(arrived, asking).await {
            Either::Left((from, asking)) => {
                // However the server goes on, the address is reached. Until it has answered it may still hold the connection.
                let outcome = tell(Seen::passed(from, None));
                select(asking, soon()).await;
                outcome
            }
            Either::Right((Ok(Answer::Connected { words, .. }), arrived)) => {
                let absent = async {
                    let come = guests.until_after(before, |guest| guest.remote.ip() == vantage.ip);
                    select(pin!(come), soon()).await;
                    // Who is here may still bring its number.
                    guests.until_gone(vantage.ip).await;
                };
                match select(arrived, pin!(absent)).await {
                    Either::Left((from, _)) => tell(Seen::passed(from, words)),
                    Either::Right(_) => tell(unseen(words)),
                }
            }
            Either::Right((other, _)) => tell(of(other)),
        }
    }

    /// Version 1: only who is seen to come counts, and only at the address that was asked about.
    async fn first_version(&self, question: Question<'_, '_>, patience: Duration) {
        let Question { vantage, to, .. } = question;
        let _turn = question.turn().await;
        let contacted = self.has_contacted(vantage.ip);
        let guests = self.socket.guests();
        let before = guests.count();
        let us = self.family.native.machine().identity().public().to_peer_id();
        let address = address(S::LAYER, to);
        let seen = match self.bounded(patience, autonat::ask::v1(&vantage.opener, us, &address)).await {
            Ok(Answer::Connected { over: Some(other), .. }) if !same(&other, &address) => {
                Seen::unknown(WhyCode::VantagesDisagree, format!("answers for another address, {other}"))
            }
            Ok(Answer::Connected { words, .. }) => {
                // Over QUIC the side that dials is done first (RFC 9001, section 4.1.2): its answer may overtake its last flight.
                let came = pin!(guests.until_after(before, |guest| guest.remote.ip() == vantage.ip));
                match select(came, self.family.native.sleep(SOON)).await {
                    Either::Left((guest, _)) => Seen::passed(guest.remote, words),
                    Either::Right(_) => unseen(words),
                }
            }
            other => of(other),
        };
        self.note(question, Method::AutonatV1, Seen { contacted, ..seen });
    }

    /// What is left of the run's time.
    fn left(&self) -> Duration {
        self.family.until().saturating_sub(self.family.native.now())
    }

    /// The answer, if it comes within a time and the run's.
    async fn bounded(&self, patience: Duration, asking: impl Future<Output = Result<Answer, Fault>>) -> Result<Answer, Fault> {
        let left = self.left();
        match select(pin!(asking), self.family.native.sleep(patience.min(left))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) if left < patience => Ok(not_in_time(WhyCode::Deadline)),
            Either::Right(_) => Ok(not_in_time(WhyCode::NotReached)),
        }
    }

    /// Tells what a dial shows of the filter: nothing where nobody knows how it ended.
    fn filtered(&self, vantage: &Vantage, from: Option<SocketAddr>, to: SocketAddr, contacted_before: bool, outcome: &Outcome) {
        if matches!(outcome, Outcome::Unknown { .. }) {
            return;
        }
        self.family.notes.found(NatFound::Filtering(FilteringSeen {
            layer: S::LAYER,
            vantage: vantage.name.clone(),
            from,
            to,
            contacted_before,
            outcome: outcome.clone(),
            message: None,
        }));
    }

    /// Whether the host of somebody who was seen here had been sent to when it arrived.
    fn was_contacted_when_it_came(&self, from: SocketAddr) -> bool {
        let guest = self.socket.guests().find(|guest| guest.remote == from);
        guest.map_or_else(|| self.has_contacted(from.ip()), |guest| guest.contacted)
    }

    /// Tells it.
    fn note(&self, question: Question<'_, '_>, method: Method, seen: Seen) {
        let Question { vantage, to, mapped, told, how, .. } = question;
        let Seen { from, contacted, mut outcome, mut message } = seen;
        if outcome.cause().is_some() {
            if !mapped {
                return;
            }
            if !vantage.has(S::LAYER) {
                outcome = Outcome::unknown(WhyCode::VantageRefuses);
                message = message.map(|words| format!("{words}, by a peer that may not speak {} itself", S::LAYER.transport()));
            }
        }
        if let Some(told) = told.filter(|_| !matches!(outcome, Outcome::Unknown { .. })) {
            told.notify_one();
        }
        // What was sent to it meanwhile may have opened the way.
        let by_then = from.map_or(contacted, |from| self.was_contacted_when_it_came(from));
        // Asked as a stranger, and perhaps too late.
        let late = outcome.passed() && by_then && (how == How::Stranger || !contacted) && self.family.way.is_own(to);
        if late {
            (outcome, message) = (Outcome::unknown(WhyCode::TooFewVantages), Some(LATE.into()));
        }
        let contacted = by_then && !late;
        let answer = from.is_some_and(|from| self.socket.guests().is_contacted(from));
        if mapped && !answer && how != How::Again {
            self.filtered(vantage, from, to, contacted, &outcome);
        }
        // Who failed dialed from where it was asked, as far as anybody knows; who did not dial came from nowhere.
        let ip = from.map(|from| from.ip()).or(outcome.cause().map(|_| vantage.ip));
        let by = InboundBy {
            method,
            vantage: vantage.name.clone(),
            from: ip.map(|ip| format!("/{}/{ip}", if ip.is_ipv4() { "ip4" } else { "ip6" })),
            contacted_before: contacted,
            outcome,
            stages: Vec::new(),
            message,
        };
        let seen = InboundSeen { address: address(S::LAYER, to).to_string(), transport: S::LAYER.transport(), by };
        self.family.notes.found(NatFound::Inbound(seen));
    }
}

/// Runs `rest` when those who are asked have answered or it is enough, and sees both to their end.
async fn within<T>(enough: impl Future<Output = T>, asking: impl Future<Output = ()>, rest: impl Future<Output = ()>) {
    let mut asking = pin!(maybe_done(asking));
    select(asking.as_mut(), pin!(enough)).await;
    join(asking, rest).await;
}

fn of(answer: Result<Answer, Fault>) -> Seen {
    match answer {
        Ok(Answer::Failed { words }) => {
            Seen { from: None, contacted: false, outcome: Outcome::failed(Cause::DialFailed), message: Some(words) }
        }
        Ok(Answer::NotTested { why, words }) => Seen::unknown(why, words),
        Ok(Answer::Connected { words, .. }) => unseen(words),
        Err(fault) => Seen::unknown(WhyCode::NotReached, fault.to_string()),
    }
}

/// A server that says it came, and was not seen here.
fn unseen(words: Option<String>) -> Seen {
    let words = words.map_or_else(String::new, |words| format!(" ({words})"));
    Seen::unknown(WhyCode::VantagesDisagree, format!("says that it connected{words}, but did not arrive here"))
}

fn not_in_time(why: WhyCode) -> Answer {
    Answer::NotTested { why, words: "no answer in time".into() }
}

/// Whether two addresses are the same place; a peer ID at the end does not matter.
fn same(one: &Multiaddr, other: &Multiaddr) -> bool {
    let place = |address: &Multiaddr| -> Multiaddr { address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect() };
    place(one) == place(other)
}
