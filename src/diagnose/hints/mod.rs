//! What would help: from causes, reasons and warnings to advice.

mod causes;
mod forms;

use crate::model::{Attempt, Hint, HintCode, Report, VerdictCode, Warning, WarningCode, WhyCode};

use super::{
    fault::Fault,
    heaps::{Heaps, why},
};

/// The most hints that a verdict gives: more are not read.
const MOST: usize = 4;

/// The hints for a report, those of the failures that decided first.
pub(super) fn all(report: &Report, heaps: &Heaps<'_>, code: &VerdictCode, warnings: &[Warning]) -> Vec<Hint> {
    let mut hints = Hints { report, hints: Vec::new() };
    let deciding = heaps.fails.iter().filter(|(_, other)| other == code);
    let others = heaps.fails.iter().filter(|(_, other)| other != code);
    for (fault, _) in deciding.chain(others) {
        hints.of_fault(fault);
        for later in fault.later() {
            hints.of_fault(&later);
        }
    }
    // Whatever these failed by, the target is not to be mended for it.
    for attempt in &heaps.local {
        let text = "Check this machine's network: its default route and its uplink.";
        hints.add(HintCode::CheckLocalNetwork, &[attempt.id], text.into());
    }
    for attempt in heaps.untold.iter().chain(&heaps.too_many) {
        match Fault::first(attempt) {
            Some(fault) => hints.of_fault(&fault),
            None => hints.of_reason(attempt),
        }
    }
    // What was left out on purpose needs no advice where something else worked.
    for attempt in heaps.left_out.iter().filter(|_| heaps.works.is_empty()) {
        hints.of_reason(attempt);
    }
    hints.of_family(heaps);
    for attempt in &heaps.works {
        hints.of_learned_certhash(attempt);
    }
    for warning in warnings {
        hints.of_warning(warning);
    }
    hints.hints.truncate(MOST);
    hints.hints
}

/// A command that dials an address, if the address is safe to paste into a shell.
fn dial(options: &str, address: &str) -> Option<String> {
    let safe = |char: char| char.is_ascii_alphanumeric() || "/.:-_%~=".contains(char);
    (!address.is_empty() && address.chars().all(safe)).then(|| format!("p2p-probe dial {options}{address}"))
}

struct Hints<'a> {
    report: &'a Report,
    hints: Vec<Hint>,
}

impl Hints<'_> {
    /// Adds advice about an attempt; of one code the first holds, and gathers the attempts of the rest.
    fn add(&mut self, code: HintCode, attempts: &[u32], text: String) -> Option<&mut Hint> {
        if let Some(known) = self.hints.iter_mut().find(|hint| hint.code == code) {
            known.attempts.extend(attempts.iter().filter(|id| !known.attempts.contains(id)).copied().collect::<Vec<_>>());
            return None;
        }
        self.hints.push(Hint::new(code, text).about(attempts.iter().copied()));
        self.hints.last_mut()
    }

    /// The same with an address to dial instead.
    fn add_address(&mut self, code: HintCode, id: u32, text: String, address: Option<String>) {
        if let (Some(hint), Some(address)) = (self.add(code, &[id], text), address) {
            hint.command = dial("", &address);
            hint.address = Some(address);
        }
    }

    fn say(&mut self, code: HintCode, fault: &Fault<'_>, text: impl Into<String>) {
        self.add(code, &[fault.attempt.id], text.into());
    }

    fn of_interruption(&mut self, attempt: &Attempt) {
        self.add(HintCode::MoreTime, &[attempt.id], "Let the run come to its end, or give it more time (--deadline).".into());
    }

    /// Advice for what was left out or not told.
    fn of_reason(&mut self, attempt: &Attempt) {
        let input = self.report.target.input.clone();
        let (code, text, options) = match why(attempt) {
            Some(WhyCode::PrivateScope) => {
                (HintCode::AllowPrivate, "Dial private addresses too, if they are on a network of yours.", Some("--private "))
            }
            Some(WhyCode::NotInThisRuntime) => (HintCode::UseTerminal, "Ask from a terminal, which can dial it.", Some("")),
            Some(WhyCode::Deadline | WhyCode::Interrupted) => return self.of_interruption(attempt),
            Some(WhyCode::NoLocalFamily) => (
                HintCode::CheckLocalNetwork,
                "Ask from a machine that has this address family, or mend this one's network.",
                None,
            ),
            _ => return,
        };
        if let Some(hint) = self.add(code, &[attempt.id], text.into()) {
            hint.command = options.and_then(|options| dial(options, &input));
        }
    }

    /// A literal IPv4 address is of no use where there is IPv6 alone and nothing translates.
    fn of_family(&mut self, heaps: &Heaps<'_>) {
        let literal = |attempt: &&&Attempt| attempt.address.starts_with("/ip4/");
        let ids: Vec<u32> = heaps.no_family().iter().filter(literal).map(|attempt| attempt.id).collect();
        let has_other = self.report.nat.as_ref().is_some_and(|nat| !nat.local.addresses.is_empty());
        if has_other && !ids.is_empty() {
            let text = "A literal /ip4 address cannot be dialed from here: IPv6 is all there is, and the name server tells of no translator (NAT64, RFC 7050). A name that has an IPv6 address can (/dns).";
            self.add(HintCode::UseName, &ids, text.into());
        }
    }

    fn of_warning(&mut self, warning: &Warning) {
        match warning.code {
            WarningCode::AnnouncesPrivate => {
                self.add(HintCode::AnnouncePublic, &[], "Set the addresses that the node announces to its public ones.".into());
            }
            WarningCode::UdpSilentTcpWorks => {
                let text =
                    "Check that UDP is open as well as TCP: firewall, cloud rules and container (-p …/udp) treat them apart.";
                self.add(HintCode::CheckUdp, &warning.attempts, text.into());
            }
            _ => {}
        }
    }

    fn peer(&self) -> Option<&str> {
        self.report.target.peer.as_deref()
    }
}
