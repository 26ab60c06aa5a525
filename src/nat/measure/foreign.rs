//! AutoNAT servers of other implementations, asked about addresses of the socket under test.
//!
//! Their answers are added as they come. A server that the socket has not sent to is the one that shows filtering, so it is
//! sent to only when it has answered, or has taken too long.

use std::{net::SocketAddr, pin::pin, time::Duration};

use futures::{
    FutureExt as _,
    future::{join, join_all, maybe_done, select},
};
use tokio::sync::Notify;

use super::{
    order::{Course, Target, UnderTest, address},
    question::{Again, How, Question, Seen},
    vantage::Vantage,
};
use crate::{
    engine::Runtime as _,
    model::{FilteringSeen, InboundBy, InboundSeen, Method, NatFound, Outcome, WhyCode},
    nat::autonat,
};

/// The longest wait for an answer of version 1: go-libp2p takes 15 s, by design.
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
/// How long the only host is left a stranger before the socket sends to it: what comes through comes in that time, unless the
/// server is slow.
const ALONE: Duration = Duration::from_millis(1500);

/// Of a dial that shows neither that strangers are let in nor that they are kept out.
const LATE: &str = "came in only once the socket had sent to it";

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
        let mut patience = FIRST;
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
    pub(super) fn note(&self, question: Question<'_, '_>, method: Method, seen: Seen) {
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
