//! A comparison for people.

use super::{Piece, Style, Tone, clean, phrase};
use crate::{
    compare::{Comparison, Reason, Relation, Row, SameTarget, Side, View},
    model::{RuntimeKind, TransportStatus},
};

/// How much of a browser's description of itself is shown, in characters.
const USER_AGENT: usize = 60;

/// The comparison as text, with a line end. The names are what the reports are called, files as a rule.
#[must_use]
pub fn comparison(comparison: &Comparison, names: [&str; 2], style: &Style) -> String {
    let mut out = String::new();
    let (mark, tone, brief) = headline(comparison);
    let mut pieces: Vec<Piece> = Piece::words(Tone::Strong, &format!("{brief}:")).collect();
    pieces.extend(Piece::words(Tone::Plain, &comparison.summary));
    style.fill(&mut out, &format!("{} ", style.paint(tone, mark)), &pieces, " ");
    for (letter, name, side) in [("A", names[0], &comparison.a), ("B", names[1], &comparison.b)] {
        style.fill(&mut out, &format!("  {letter}: "), &Piece::words(Tone::Plain, &from(name, side)).collect::<Vec<_>>(), " ");
    }
    out.push('\n');
    let column =
        comparison.transports.iter().filter(|row| shown(row)).map(|row| row.transport.to_string().len()).max().unwrap_or(0);
    for row in comparison.transports.iter().filter(|row| shown(row)) {
        transport(&mut out, row, column, style);
    }
    if !comparison.notes.is_empty() {
        out.push('\n');
    }
    for note in &comparison.notes {
        advice(&mut out, &format!("{} ", style.paint(Tone::Warn, "note:")), note, style);
    }
    out
}

/// What the mark says, in a few words.
pub(super) fn headline(comparison: &Comparison) -> (&'static str, Tone, &'static str) {
    match (comparison.same, comparison.target) {
        (Some(true), _) => ("=", Tone::Good, "the same"),
        (Some(false), _) => ("≠", Tone::Bad, "different"),
        (None, SameTarget::Different) => ("?", Tone::Warn, "not comparable"),
        (None, _) => ("?", Tone::Warn, "nothing to compare"),
    }
}

/// Whether a transport has anything to show: something was tried, or deliberately left out, in one of them.
pub(super) fn shown(row: &Row) -> bool {
    !row.a.attempts.is_empty() || !row.b.attempts.is_empty()
}

/// `a.json: native, p2p-probe 0.1.0, 2026-11-22T10:00:00.000Z, reachable`.
fn from(name: &str, side: &Side) -> String {
    let runtime = match (side.runtime, &side.user_agent) {
        (RuntimeKind::Native, _) => "terminal".to_owned(),
        (RuntimeKind::Node, _) => "Node".to_owned(),
        (RuntimeKind::Browser, None) => "browser".to_owned(),
        (RuntimeKind::Browser, Some(agent)) => format!("browser ({})", agent.chars().take(USER_AGENT).collect::<String>()),
    };
    let verdict = side.verdict.as_ref().map_or("no verdict", |verdict| verdict.brief());
    format!("{name}, {}, {runtime}, p2p-probe {}: {verdict}", side.started, side.version)
}

fn transport(out: &mut String, row: &Row, column: usize, style: &Style) {
    let (mark, tone) = match row.relation {
        Relation::Same => ("=", Tone::Good),
        Relation::OtherCause => ("~", Tone::Warn),
        Relation::Differs => ("≠", Tone::Bad),
        Relation::Untold => ("–", Tone::Dim),
    };
    let name = row.transport.to_string();
    let padding = " ".repeat(column.saturating_sub(name.len()));
    let lead = format!("{} {}{padding}  ", style.paint(tone, mark), style.paint(Tone::Strong, &name));
    let pieces: Vec<Piece> = [("A", &row.a), ("B", &row.b)]
        .into_iter()
        .map(|(letter, view)| Piece::new(Tone::Plain, &format!("{letter}: {}", words(view))))
        .collect();
    style.fill(out, &lead, &pieces, "  ");
    for reason in &row.reasons {
        advice(out, &" ".repeat(column + 4), reason, style);
    }
}

/// How it went on one side, in a few words.
pub(super) fn words(view: &View) -> String {
    match (view.status, &view.cause, &view.why) {
        (TransportStatus::Passed, ..) => {
            let dial = view.dial_ms.map_or_else(String::new, |time| format!(" in {time} ms"));
            let ping = view.ping_ms.map_or_else(String::new, |time| format!(", ping {time} ms"));
            format!("works{dial}{ping}")
        }
        (_, Some(cause), _) => format!("fails, {}", phrase::cause(cause)),
        (TransportStatus::Skipped, _, Some(why)) => format!("left out, {}", why.code.brief()),
        (_, _, Some(why)) => format!("not told, {}", why.code.brief()),
        (TransportStatus::NotOffered, ..) => "not offered".into(),
        (TransportStatus::Unsupported, ..) => "not possible there".into(),
        _ => "not tried".into(),
    }
}

fn advice(out: &mut String, lead: &str, reason: &Reason, style: &Style) {
    let mut pieces: Vec<Piece> = Piece::words(Tone::Plain, &clean(&reason.text)).collect();
    pieces.push(Piece::new(Tone::Dim, &format!("({})", reason.code.code())));
    style.fill(out, lead, &pieces, " ");
}
