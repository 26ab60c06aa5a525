//! One address: how it went, step by step.

use super::{Page, Piece, Tone, name_of};
use crate::{
    model::{Attempt, Leg, Outcome, Source, Stage, StageName},
    render::{clean, phrase, style::columns},
};

/// How much of a message is shown.
const MESSAGE: usize = 200;

impl Page<'_> {
    pub(super) fn attempt(&self, out: &mut String, attempt: &Attempt) {
        let (mark, tone) = match attempt.outcome {
            Outcome::Passed => ("✔", Tone::Good),
            Outcome::Failed { .. } => ("✘", Tone::Bad),
            Outcome::Skipped { .. } => ("–", Tone::Dim),
            Outcome::Unknown { .. } => ("?", Tone::Warn),
        };
        self.row(out, (mark, tone), name_of(attempt.transport), &self.address(attempt));
        self.stages(out, attempt);
        self.message(out, attempt);
    }

    /// A mark, a transport and what stands beside them.
    pub(super) fn row(&self, out: &mut String, (mark, tone): (&str, Tone), name: &str, pieces: &[Piece]) {
        let padding = " ".repeat(self.column.saturating_sub(columns(name)));
        let lead = format!("{} {}{padding} ", self.style.paint(tone, mark), self.style.paint(Tone::Strong, name));
        self.style.fill(out, &lead, pieces, "  ");
    }

    /// Below a row.
    fn indent(&self) -> String {
        " ".repeat(self.column + 3)
    }

    /// The address as it was offered, and the IP address that its name led to.
    fn address(&self, attempt: &Attempt) -> Vec<Piece> {
        let offered = self.without_peer(&attempt.address);
        let remote = attempt.remote.as_deref().map(|remote| self.without_peer(remote));
        let mut pieces = Vec::new();
        match remote {
            // The entry of a dnsaddr record that was dialed says more than the record's name.
            Some(remote) if offered.starts_with("/dnsaddr/") => {
                pieces.push(Piece::new(Tone::Plain, remote));
                pieces.push(Piece::new(Tone::Dim, &format!("({offered})")));
            }
            remote => {
                pieces.push(Piece::new(Tone::Plain, offered));
                let ip = remote.filter(|remote| *remote != offered).and_then(ip_of);
                pieces.extend(ip.map(|ip| Piece::new(Tone::Dim, &format!("({ip})"))));
            }
        }
        pieces.extend(attempt.version.as_deref().map(|version| Piece::new(Tone::Dim, version)));
        if attempt.source == Source::Announced {
            pieces.push(Piece::new(Tone::Dim, "announced"));
        }
        pieces
    }

    /// Without the `/p2p/…` that is the same everywhere.
    pub(super) fn without_peer<'b>(&self, address: &'b str) -> &'b str {
        let expected = self.report.expected_peer().map(|peer| peer.id.as_str()).or(self.report.target.peer.as_deref());
        let bare = expected.and_then(|peer| address.strip_suffix(peer)?.strip_suffix("/p2p/"));
        bare.filter(|bare| !bare.is_empty()).unwrap_or(address)
    }

    fn stages(&self, out: &mut String, attempt: &Attempt) {
        let failed = attempt.stages.iter().position(|stage| stage.stage.establishes() && stage.outcome.cause().is_some());
        let (first, rest) = attempt.stages.split_at(failed.map_or(attempt.stages.len(), |at| at + 1));
        if first.is_empty() {
            if let Some(cause) = attempt.outcome.cause() {
                self.style.fill(out, &self.indent(), &[Piece::new(Tone::Bad, cause.code())], "");
            }
            return;
        }
        self.style.fill(out, &self.indent(), &timed(first), " · ");
        if !rest.is_empty() {
            self.style.fill(out, &format!("{}and yet: ", self.indent()), &timed(rest), " · ");
        }
    }

    /// The system's or the peer's own words about a failure.
    fn message(&self, out: &mut String, attempt: &Attempt) {
        let failed = attempt.stages.iter().find(|stage| stage.outcome.cause().is_some());
        let Some(message) = failed.and_then(phrase::message) else { return };
        let mut shown: String = message.chars().take(MESSAGE).collect();
        if shown.len() < message.len() {
            shown.push('…');
        }
        // A word longer than a line is the peer's doing: it is cut into lines.
        let room = self.style.width.saturating_sub(self.column + 3).max(1);
        let text = clean(&shown);
        let mut pieces = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let letters: Vec<char> = word.chars().collect();
            pieces.extend(letters.chunks(room).map(|chunk| Piece::new(Tone::Dim, &chunk.iter().collect::<String>())));
        }
        if !pieces.is_empty() {
            self.style.fill(out, &self.indent(), &pieces, " ");
        }
    }
}

/// Stages with their times. The unit stands once, at the end.
fn timed(stages: &[Stage]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = stages.iter().map(piece).collect();
    let ends_in_a_time = stages.last().is_some_and(|stage| stage.elapsed_ms.is_some() && stage.outcome.passed());
    if let Some(last) = pieces.last_mut().filter(|_| ends_in_a_time) {
        last.push(" ms");
    }
    pieces
}

fn piece(stage: &Stage) -> Piece {
    let leg = if stage.leg == Some(Leg::Relay) { "relay " } else { "" };
    let time = match stage.stage {
        StageName::Ping => stage.found.median_ms.or(stage.elapsed_ms),
        _ => stage.elapsed_ms,
    };
    let time = time.map_or_else(|| "…".to_owned(), |time| time.to_string());
    let text = format!("{leg}{} {time}", stage.stage);
    match &stage.outcome {
        Outcome::Passed => Piece::new(Tone::Plain, &text),
        Outcome::Failed { cause } => Piece::new(Tone::Bad, &format!("{text} ✘ {}", cause.code())),
        Outcome::Skipped { why } | Outcome::Unknown { why } => Piece::new(Tone::Warn, &format!("{text} ? {}", why.code.code())),
    }
}

/// The IP address that a concrete multiaddr begins with.
pub(super) fn ip_of(address: &str) -> Option<&str> {
    let mut parts = address.strip_prefix('/')?.split('/');
    match parts.next()? {
        "ip4" | "ip6" => parts.next(),
        "ip6zone" => parts.nth(2),
        _ => None,
    }
}
