//! Questions to helpers, and what their answers are worth.

use std::{net::SocketAddr, time::Duration};

use futures::future::{Either, select};

use super::vantage::Helper;
use crate::{
    engine::Runtime as _,
    fault::Fault,
    model::{Cause, Outcome, Stage, WhyCode},
    nat::dialback::{self, Answer, By, Refusal, Request, TokenText},
    native::Native,
    session::Opener,
    transport::stun::Token,
};

/// How long a helper may take beyond what the work itself takes: a partner has to be connected to.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a helper did.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Done<T> {
    /// What was asked.
    Did(T),
    /// Nothing, and why.
    Nothing(WhyCode, Option<String>),
}

/// Datagrams that are on their way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) vantage: String,
    pub(super) from: SocketAddr,
}

/// A dial that has ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dialed {
    pub(super) vantage: String,
    pub(super) from: Option<SocketAddr>,
    pub(super) outcome: Outcome,
    pub(super) stages: Vec<Stage>,
}

/// What the helper is, and how long it takes to say so.
pub(super) async fn info(native: &Native, helper: &Opener, patience: Duration) -> Option<Helper> {
    let began = native.now();
    match bounded(native, helper, &Request::Info, patience).await {
        Ok(Answer::Info { observed, partner, stun }) => {
            let rtt = native.now().saturating_sub(began);
            Some(Helper { observed: SocketAddr::new(observed.ip().to_canonical(), observed.port()), partner, stun, rtt })
        }
        _ => None,
    }
}

pub(super) async fn datagrams(native: &Native, helper: &Opener, port: u16, token: Token, by: By) -> Done<Sent> {
    let request = Request::Datagrams { port, token: TokenText(token), by };
    match bounded(native, helper, &request, PATIENCE).await {
        Ok(Answer::Sent { vantage, from, .. }) => Done::Did(Sent { vantage, from }),
        other => nothing(other),
    }
}

pub(super) async fn dial(native: &Native, helper: &Opener, layers: String, within: Duration, by: By) -> Done<Dialed> {
    let within_ms = u32::try_from(within.as_millis()).unwrap_or(u32::MAX);
    let request = Request::Dial { layers, within_ms, by };
    match bounded(native, helper, &request, within + PATIENCE).await {
        Ok(Answer::Dialed { vantage, from, outcome, stages }) => Done::Did(Dialed { vantage, from, outcome, stages }),
        other => nothing(other),
    }
}

async fn bounded(native: &Native, helper: &Opener, request: &Request, patience: Duration) -> Result<Answer, Fault> {
    match select(std::pin::pin!(dialback::ask(helper, request)), native.sleep(patience)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Cause::TimedOut.into()),
    }
}

fn nothing<T>(answer: Result<Answer, Fault>) -> Done<T> {
    let (code, words) = match answer {
        Ok(Answer::Refused { why }) => {
            let code = match why {
                Refusal::TooManyPorts | Refusal::TooOften | Refusal::Busy => WhyCode::OverLimit,
                Refusal::PrivateAddress | Refusal::OwnAddress => WhyCode::PrivateScope,
                Refusal::NoPartner => WhyCode::NotOffered,
                Refusal::Malformed | Refusal::PartnerSilent | Refusal::BadTicket | Refusal::LocalFault | Refusal::Other => {
                    WhyCode::NotReached
                }
            };
            (code, Some(format!("refused: {why}")))
        }
        Ok(_) => (WhyCode::NotReached, Some("an answer to another question".into())),
        Err(fault) => (WhyCode::NotReached, Some(fault.to_string())),
    };
    Done::Nothing(code, words)
}
