//! A question to an AutoNAT server, in either version, and what came of it.

use std::{net::SocketAddr, pin::pin, time::Duration};

use futures::future::{Either, select};
use multiaddr::{Multiaddr, Protocol};
use tokio::sync::{Notify, SemaphorePermit};

use super::{
    order::{Course, UnderTest, address},
    vantage::Vantage,
};
use crate::{
    engine::Runtime as _,
    fault::Fault,
    model::{Cause, Layer4, Method, Outcome, WhyCode},
    nat::autonat::{self, Answer},
};

/// The longest wait for an answer of version 2: go-libp2p takes 5 s, and 10 s at most, to say that it did not come through.
const SECOND: Duration = Duration::from_secs(11);
/// The same where a server that does not come through shows nothing: it is not known to speak the protocol at all, or the port may not
/// be mapped. Who comes through has come by then.
const UNLIKELY: Duration = Duration::from_secs(3);
/// How long a dialer and its number may be on their way when the server has answered, and the answer when the number has come.
const SOON: Duration = Duration::from_secs(1);

/// How long a question about TCP waits for that about UDP, which may not come.
const UDP_FIRST: Duration = Duration::from_millis(500);

/// A question to one server about one address.
#[derive(Clone, Copy)]
pub(super) struct Question<'a, 'q> {
    pub(super) vantage: &'a Vantage,
    pub(super) to: SocketAddr,
    /// Whether that is an outside address of the socket or an own one, and no port that the user may have forwarded: of such a port
    /// a failure shows nothing, and what comes in shows no filter.
    pub(super) mapped: bool,
    /// Hears when a dial has come through or has not: nobody need be a stranger any longer.
    pub(super) told: Option<&'q Notify>,
    /// Hears when it has its turn.
    pub(super) turn: Option<&'q Notify>,
    pub(super) how: How,
}

/// How a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
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
    pub(super) vantage: &'a Vantage,
    pub(super) to: SocketAddr,
    pub(super) mapped: bool,
    pub(super) patience: Duration,
}

/// What came of it.
pub(super) struct Seen {
    /// Where a dial came from that was seen here.
    pub(super) from: Option<SocketAddr>,
    /// Whether the socket had sent to the server when it was asked.
    pub(super) contacted: bool,
    pub(super) outcome: Outcome,
    pub(super) message: Option<String>,
}

impl Seen {
    fn unknown(why: WhyCode, message: impl Into<String>) -> Self {
        Self { from: None, contacted: false, outcome: Outcome::unknown(why), message: Some(message.into()) }
    }

    fn passed(from: SocketAddr, message: Option<String>) -> Self {
        Self { from: Some(from), contacted: false, outcome: Outcome::Passed, message }
    }
}

impl<S: UnderTest> Course<'_, S> {
    /// Waits for the turn of a question, which lasts for as long as this is held.
    async fn turn<'q>(&self, question: &Question<'q, 'q>) -> Option<SemaphorePermit<'q>> {
        let turns = &question.vantage.turns;
        // Before the socket has sent anything there is no time to lose.
        if S::LAYER == Layer4::Tcp && question.turn.is_none() && question.vantage.has(Layer4::Udp) {
            select(pin!(turns.after_udp()), self.family.native.sleep(UDP_FIRST)).await;
        }
        let permit = turns.take(S::LAYER).await;
        if let Some(turn) = question.turn {
            turn.notify_one();
        }
        permit
    }

    /// Version 2: the number that comes in is what counts. The answer, once it is told.
    pub(super) async fn second_version(&self, question: Question<'_, '_>) -> Outcome {
        let Question { vantage, to, mapped, .. } = question;
        let _turn = self.turn(&question).await;
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
    pub(super) async fn first_version(&self, question: Question<'_, '_>, patience: Duration) {
        let Question { vantage, to, .. } = question;
        let _turn = self.turn(&question).await;
        // Half of what is left is for the other protocol.
        let patience = patience.min(self.left() / 2);
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
    pub(super) fn left(&self) -> Duration {
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
