//! What the own network does to peers.

use super::{Page, Piece, Tone};
use crate::{
    model::{
        Behaviour, Cause, Family, FamilyNat, Inbound, InboundBy, Mapping, Nat, NatStatus, Outcome, PortMapping, Prediction,
        TargetKind, Tested,
    },
    render::{measured, phrase, style::columns},
};

/// Where the details of a family begin.
const INDENT: &str = "       ";
/// How many outside addresses are shown.
const SHOWN: usize = 3;

impl Page<'_> {
    pub(super) fn nat(&self, out: &mut String) {
        let Some(nat) = measured(self.report) else { return };
        if self.report.target.kind != TargetKind::Network {
            let lead = format!("{} ", self.style.paint(Tone::Strong, "this machine:"));
            self.style.fill(out, &lead, &Piece::words(Tone::Plain, &nat.summary).collect::<Vec<_>>(), " ");
        }
        for (name, family) in [("IPv4", &nat.ipv4), ("IPv6", &nat.ipv6)] {
            if let Some(family) = family {
                self.family(out, name, family);
            }
        }
        for usable in nat.local.usable.iter().filter(|usable| usable.outcome == Tested::Failed) {
            let name = if usable.family == Family::Ipv4 { "IPv4" } else { "IPv6" };
            let lead = format!("{}  ", self.style.paint(Tone::Strong, name));
            let words = format!("leads nowhere: no vantage point was reached from {}", usable.source);
            self.style.fill(out, &lead, &[Piece::new(Tone::Bad, &words)], " ");
        }
        for vantage in &nat.vantages {
            if let Some(cause) = &vantage.cause {
                let lead = format!("{} ", self.style.paint(Tone::Strong, "vantage point:"));
                let told = [Piece::new(Tone::Plain, &vantage.vantage), Piece::new(Tone::Bad, &phrase::cause(cause))];
                self.style.fill(out, &lead, &told, " ");
            }
        }
        nat.inbound.iter().for_each(|inbound| self.inbound(out, inbound));
        self.helped(out, nat);
    }

    fn family(&self, out: &mut String, name: &str, family: &FamilyNat) {
        let tone = match family.status {
            NatStatus::Public | NatStatus::Mapped => Tone::Good,
            NatStatus::Unknown => Tone::Warn,
            _ => Tone::Bad,
        };
        let lead = format!("{}  ", self.style.paint(Tone::Strong, name));
        let mut pieces = vec![Piece::new(tone, &family.status.to_string())];
        pieces.extend(family.nat64.then(|| Piece::new(Tone::Plain, "through the network's translator (NAT64)")));
        pieces.extend(family.why.as_ref().map(|why| Piece::new(Tone::Dim, &format!("({})", why.code.brief()))));
        self.style.fill(out, &lead, &pieces, " ");
        for (name, layer) in [("udp", &family.udp), ("tcp", &family.tcp)] {
            self.style.fill(out, &format!("{:<width$}{name}  ", "", width = INDENT.len() - 5), &told(layer), " · ");
        }
    }

    fn inbound(&self, out: &mut String, inbound: &Inbound) {
        let (mark, tone) = match inbound.outcome {
            Tested::Passed => ("✔", Tone::Good),
            Tested::Failed => ("✘", Tone::Bad),
            Tested::Unknown => ("?", Tone::Warn),
        };
        let name: &str = inbound.transport.into();
        let mut pieces = vec![Piece::new(Tone::Plain, &inbound.address), Piece::new(Tone::Dim, "from outside")];
        pieces.extend(inbound.cause.as_ref().map(|cause| Piece::new(Tone::Bad, cause.code())));
        pieces.extend(inbound.why.as_ref().map(|why| Piece::new(Tone::Dim, &format!("({})", why.code.brief()))));
        self.row(out, (mark, tone), name, &pieces);
        for by in &inbound.by {
            let indent = " ".repeat(self.column.max(columns(name)) + 3);
            self.style.fill(out, &indent, &asked(by), " · ");
        }
    }

    /// Gateways, relays and hole punches.
    fn helped(&self, out: &mut String, nat: &Nat) {
        let mut line = |name: &str, words: &str, (tone, ended): (Tone, String)| {
            let lead = format!("{} ", self.style.paint(Tone::Strong, &format!("{name}:")));
            let mut pieces: Vec<Piece> = Piece::words(Tone::Plain, words).collect();
            pieces.push(Piece::new(tone, &ended));
            self.style.fill(out, &lead, &pieces, " ");
        };
        let nobody = |mapping: &&PortMapping| mapping.outcome.cause() == Some(&Cause::NoGateway);
        let (silent, others): (Vec<_>, Vec<_>) = nat.port_mapping.iter().partition(nobody);
        for mapping in others {
            line(&mapping.name(), &phrase::mapping(mapping), granted(mapping));
        }
        if let Some(first) = silent.first() {
            let names = silent.iter().map(|mapping| mapping.name()).collect::<Vec<_>>();
            line(&names.join(", "), "", ended(&first.outcome));
        }
        for relay in &nat.relays {
            let words = [relay.via.clone(), phrase::slot(relay)].into_iter().filter(|words| !words.is_empty());
            line("relay", &words.collect::<Vec<_>>().join(", "), ended(&relay.outcome));
        }
        for punch in &nat.hole_punches {
            line("hole punch", &phrase::punch(punch), ended(&punch.outcome));
        }
    }

    /// What would help, most useful first.
    pub(super) fn remedies(&self, out: &mut String) {
        let Some(nat) = measured(self.report) else { return };
        for remedy in &nat.remedies {
            let lead = format!("{} ", self.style.paint(Tone::Warn, "remedy:"));
            self.advice(out, &lead, remedy, Some(remedy.code.code()));
        }
    }
}

/// What is known about one protocol.
fn told(layer: &Behaviour) -> Vec<Piece> {
    let plain = |text: String| Piece::new(Tone::Plain, &text);
    let mut pieces =
        vec![plain(format!("mapping {}", phrase::behaviour(layer))), plain(format!("filtering {}", layer.filtering))];
    pieces.extend(layer.why.as_ref().map(|why| Piece::new(Tone::Warn, why.code.brief())));
    if !layer.mapped.is_empty() {
        let more = layer.mapped.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown = layer.mapped.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        pieces.push(plain(format!("seen as {shown}{more}")));
    }
    match layer.port_preserved {
        Some(true) if layer.mapping != Mapping::None => pieces.push(plain("port preserved".into())),
        Some(false) => pieces.push(plain("port not preserved".into())),
        _ => {}
    }
    if layer.hairpin != Tested::Unknown {
        pieces.push(plain(format!("hairpin {}", layer.hairpin)));
    }
    match layer.hole_punch_predicted {
        Prediction::Likely => pieces.push(plain("hole punching likely".into())),
        Prediction::Unlikely => pieces.push(plain("hole punching unlikely".into())),
        Prediction::NotNeeded | Prediction::Unknown => {}
    }
    let points = if layer.vantages == 1 { "vantage point" } else { "vantage points" };
    pieces.push(Piece::new(Tone::Dim, &format!("{} {points}", layer.vantages)));
    pieces
}

/// One answer about an address.
fn asked(by: &InboundBy) -> Vec<Piece> {
    let (tone, ended) = ended(&by.outcome);
    let mut pieces = vec![Piece::new(Tone::Dim, &by.method.to_string()), Piece::new(tone, &ended)];
    let from = by.from.as_deref().unwrap_or(&by.vantage);
    let contacted = if by.contacted_before { ", which had been sent to" } else { "" };
    pieces.push(Piece::new(Tone::Dim, &format!("from {from}{contacted}")));
    let failed = by.stages.iter().find(|stage| stage.outcome.cause().is_some());
    pieces.extend(failed.map(|stage| Piece::new(Tone::Dim, &format!("at {}", stage.stage))));
    pieces.extend(by.message.as_ref().map(|message| Piece::new(Tone::Dim, message)));
    pieces
}

/// What a gateway grants is worth what comes through it.
fn granted(mapping: &PortMapping) -> (Tone, String) {
    match phrase::worth(mapping) {
        Some(worth) => (if mapping.verified == Some(false) { Tone::Bad } else { Tone::Good }, worth.into()),
        None => ended(&mapping.outcome),
    }
}

fn ended(outcome: &Outcome) -> (Tone, String) {
    match outcome {
        Outcome::Passed => (Tone::Good, "passed".into()),
        Outcome::Failed { cause } => (Tone::Bad, phrase::cause(cause)),
        Outcome::Skipped { why } | Outcome::Unknown { why } => (Tone::Warn, why.code.brief().into()),
    }
}
