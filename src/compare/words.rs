//! Sentences of a comparison. The reports are called A and B.

use super::{
    SameTarget,
    reason::{Reason, ReasonCode},
    row::{Relation, Row, Seen},
};
use crate::{
    model::{RuntimeKind, TransportStatus},
    render::cause_in_words,
    words::and,
};

pub(super) fn summary(target: SameTarget, rows: &[Row]) -> String {
    let lead = match target {
        SameTarget::Same => "",
        SameTarget::Different => "The reports are about different targets. ",
        SameTarget::Unknown => "Whether both are about the same target cannot be told. ",
    };
    let names = |wanted: &dyn Fn(&Row) -> bool| -> Vec<String> {
        rows.iter().filter(|row| wanted(row)).map(|row| row.transport.to_string()).collect()
    };
    let works = |row: &Row| row.a.status == TransportStatus::Passed && row.b.status == TransportStatus::Passed;
    let fails = |row: &Row| row.a.status == TransportStatus::Failed && row.b.status == TransportStatus::Failed;
    let differs = |row: &Row| row.relation == Relation::Differs;
    let a_alone = |row: &Row| differs(row) && row.a.status == TransportStatus::Passed;
    let b_alone = |row: &Row| differs(row) && row.b.status == TransportStatus::Passed;
    let told = |status: TransportStatus| matches!(status, TransportStatus::Passed | TransportStatus::Failed);
    let by_one = |row: &Row| told(row.a.status) != told(row.b.status);
    let mut clauses = Vec::new();
    let mut clause = |names: Vec<String>, one: &str, more: &str| {
        if !names.is_empty() {
            clauses.push(format!("{} {}", and(&names), if names.len() == 1 { one } else { more }));
        }
    };
    clause(names(&works), "works from both", "work from both");
    clause(names(&a_alone), "works from A alone", "work from A alone");
    clause(names(&b_alone), "works from B alone", "work from B alone");
    clause(names(&fails), "fails from both", "fail from both");
    clause(names(&by_one), "was told by one of them alone", "were told by one of them alone");
    if clauses.is_empty() {
        return format!("{lead}Nothing was tried in either.");
    }
    format!("{lead}{}.", clauses.join("; "))
}

/// Why one side works, or is told, and the other is not.
pub(super) fn reason(code: ReasonCode, told: &Seen<'_>, other: &Seen<'_>) -> Reason {
    let (works, fails) = (told.name, other.name);
    let because = other.view.cause.as_ref().map_or_else(String::new, |cause| format!(": {}", cause_in_words(cause)));
    let why = other.view.why.as_ref().map_or_else(String::new, |why| format!(" ({})", why.code.brief()));
    let transport = other.transport;
    let text = match code {
        ReasonCode::RuntimeCannot => format!("{fails} ran {}, which cannot dial {transport}.", place(other.report.tool.runtime)),
        ReasonCode::VersionCannot => format!("The p2p-probe of {fails} cannot dial {transport} yet."),
        ReasonCode::LeftOut => format!("{fails} left it out{why}."),
        ReasonCode::NoFamily => {
            format!("The machine of {fails} has no such address family, which says nothing about the target.")
        }
        ReasonCode::CutShort => format!("{fails} did not get to it{why}."),
        ReasonCode::NotLearned => format!("{fails} was given no such address, and did not learn one from the peer."),
        ReasonCode::HiddenByBrowser => {
            format!("It fails from {fails}, and the browser hides why; p2p-probe in a terminal of that machine tells more.")
        }
        ReasonCode::BrowserRule => format!("The browser of {fails} forbids it{because}. The address itself may be fine."),
        ReasonCode::OwnFault => format!("The machine of {fails} could not do its part{because}."),
        ReasonCode::NameLeadsElsewhere => format!("The same name led {fails} to other IP addresses than {works}{because}."),
        ReasonCode::OtherAddresses => format!("{works} and {fails} dialed different {transport} addresses{because}."),
        ReasonCode::UdpFiltered => {
            format!("Nothing over UDP was answered to {fails}, while TCP was: a network on its way drops UDP.")
        }
        ReasonCode::PathDiffers => format!(
            "The same address answers {works} and not {fails}{because}. A firewall or another network stands between, or the target changed."
        ),
        ReasonCode::TrustDiffers => format!(
            "Both saw the same certificate, and {fails} does not accept it{because}. Compare the clocks and trusted roots."
        ),
        ReasonCode::OtherCertificate => format!(
            "{fails} was shown another certificate than {works}{because}. Something between intercepts, or it was renewed."
        ),
        ReasonCode::OtherAnswers => format!("Something else answers {fails} there{because}."),
        ReasonCode::PeerDrops => {
            format!("The peer serves {works} and drops {fails}{because}. Look at its limits, block lists and load.")
        }
        _ => format!("The reports do not tell why it does not work from {fails}{because}."),
    };
    Reason { code, text }
}

pub(super) fn causes_differ(a: &Seen<'_>, b: &Seen<'_>) -> Reason {
    let cause = |seen: &Seen<'_>| seen.view.cause.as_ref().map_or_else(|| "it fails".to_owned(), cause_in_words);
    Reason { code: ReasonCode::CausesDiffer, text: format!("It fails from both, for A: {}; for B: {}.", cause(a), cause(b)) }
}

fn place(runtime: RuntimeKind) -> &'static str {
    match runtime {
        RuntimeKind::Native => "in a terminal",
        RuntimeKind::Browser => "in a page",
        RuntimeKind::Node => "in Node",
    }
}
