//! What it comes to, who it is, and what would help.

use super::{Page, Piece, Tone};
use crate::{
    model::{Attempt, Cause, TargetKind, Transport, TransportStatus, VerdictCode},
    render::phrase,
    words,
};
use strum::IntoEnumIterator as _;

/// How much of an agent version is shown, in characters: a peer may send any.
const AGENT: usize = 64;
/// How many causes are told before the attempts, which tell them all.
const CAUSES: usize = 6;

impl Page<'_> {
    pub(super) fn headline(&self, out: &mut String) {
        let (mark, tone, brief) = self.mark();
        let lead = format!("{} ", self.style.paint(tone, mark));
        let network = self.report.target.kind == TargetKind::Network;
        let over = if network { String::new() } else { self.over() };
        let mut pieces: Vec<Piece> = Piece::words(Tone::Strong, brief).collect();
        if !over.is_empty() {
            if let Some(last) = pieces.last_mut() {
                last.push(":");
            }
            pieces.extend(Piece::words(Tone::Plain, &over));
        }
        // Of a run about the own network the peers are vantage points.
        let peer = self.report.expected_peer().filter(|_| !network);
        if let Some(agent) = peer.and_then(|peer| peer.agent.as_deref()) {
            let agent: String = agent.chars().take(AGENT).collect();
            pieces.extend(Piece::words(Tone::Dim, &format!("· {agent}")));
        }
        self.style.fill(out, &lead, &pieces, " ");
        if let Some(id) = peer.map(|peer| &peer.id).or(self.report.target.peer.as_ref()) {
            self.style.fill(out, "  ", &[Piece::new(Tone::Plain, id)], " ");
        } else if !network {
            self.style.fill(out, "  ", &[Piece::new(Tone::Plain, &self.report.target.input)], " ");
        }
        self.summary(out);
    }

    fn mark(&self) -> (&'static str, Tone, &str) {
        let Some(verdict) = &self.report.verdict else { return ("?", Tone::Warn, "still running") };
        let brief = verdict.code.brief();
        match (verdict.ok, &verdict.code) {
            (Some(true), VerdictCode::PartlyReachable) => ("◐", Tone::Warn, brief),
            (Some(true), _) => ("✔", Tone::Good, brief),
            (Some(false), _) => ("✘", Tone::Bad, brief),
            (None, _) => ("?", Tone::Warn, brief),
        }
    }

    /// `tcp and quic work, wss fails`, where anything works.
    fn over(&self) -> String {
        let of = |wanted: TransportStatus| -> Vec<String> {
            Transport::iter().filter(|t| self.report.transports.get(*t) == wanted).map(|t| t.to_string()).collect()
        };
        let (works, fails) = (of(TransportStatus::Passed), of(TransportStatus::Failed));
        if works.is_empty() {
            return String::new();
        }
        let clause = |names: &[String], one: &str, more: &str| {
            format!("{} {}", words::and(names), if names.len() == 1 { one } else { more })
        };
        let mut over = clause(&works, "works", "work");
        if !fails.is_empty() {
            over.push_str(", ");
            over.push_str(&clause(&fails, "fails", "fail"));
        }
        over
    }

    fn summary(&self, out: &mut String) {
        let Some(verdict) = &self.report.verdict else { return };
        let network = self.report.target.kind == TargetKind::Network;
        if (verdict.ok != Some(true) || network) && !verdict.summary.is_empty() {
            self.style.fill(out, "  ", &Piece::words(Tone::Plain, &verdict.summary).collect::<Vec<_>>(), " ");
        }
        let causes = if network { Vec::new() } else { self.causes() };
        // One cause for all is what the summary says.
        if verdict.ok == Some(true) || causes.len() > 1 {
            for (transport, cause) in causes.iter().take(CAUSES) {
                let line = format!("{transport}: {cause}");
                self.style.fill(out, "  ", &Piece::words(Tone::Plain, &line).collect::<Vec<_>>(), " ");
            }
        }
        for hint in &verdict.hints {
            let lead = format!("  {} ", self.style.paint(Tone::Warn, "hint:"));
            self.advice(out, &lead, hint, None);
        }
    }

    /// What each transport fails for, each once.
    fn causes(&self) -> Vec<(String, String)> {
        let mut causes = Vec::new();
        let told = |(attempt, cause): (&Attempt, &Cause)| {
            let mut transport = attempt.transport.map_or_else(|| "address".to_owned(), |transport| transport.to_string());
            if let Some(version) = &attempt.version {
                transport = format!("{transport} {version}");
            }
            (transport, phrase::cause(cause))
        };
        for cause in self.failures().map(told) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        causes
    }
}
