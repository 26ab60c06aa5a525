//! A multiaddr in words.

use super::{Piece, Style, Tone, style::columns};
use crate::{
    explain::Explained,
    model::{Scope, Transport},
    render::phrase,
};

/// The widest column of parts: a peer ID would push the meanings off the line.
const WIDEST: usize = 28;

/// Each part and its meaning, then whether it can be dialed and how far it reaches.
#[must_use]
pub fn address(explained: &Explained, style: &Style) -> String {
    let mut out = String::new();
    let width = explained.parts.iter().map(|part| columns(&part.text)).filter(|width| *width <= WIDEST).max().unwrap_or(0);
    for part in &explained.parts {
        let text = super::clean(&part.text);
        let padding = width.saturating_sub(columns(&text));
        let mut lead = format!("{}{}  ", style.paint(Tone::Strong, &text), " ".repeat(padding));
        if columns(&text) > width {
            out.push_str(&style.paint(Tone::Strong, &text));
            out.push('\n');
            lead = " ".repeat(width + 2);
        }
        style.fill(&mut out, &lead, &Piece::words(Tone::Plain, part.meaning).collect::<Vec<_>>(), " ");
    }
    out.push('\n');
    for line in [dialable(explained), scope(explained.scope).into()] {
        style.fill(&mut out, "", &Piece::words(Tone::Plain, &line).collect::<Vec<_>>(), " ");
    }
    out
}

fn dialable(explained: &Explained) -> String {
    match &explained.transport {
        Ok(Some(transport @ Transport::Webtransport)) => {
            format!("p2p-probe knows this as {transport}, and cannot dial it yet.")
        }
        Ok(Some(transport)) => format!("p2p-probe can dial it, over {transport}."),
        Ok(None) => "p2p-probe can dial the addresses that the name leads to.".into(),
        Err(cause) => format!("p2p-probe cannot dial it: {} ({}).", phrase::cause(cause), cause.code()),
    }
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Public => "Scope public: the address can be reached from the whole internet, as far as its range tells.",
        Scope::Private => "Scope private: the address means something only in its own network.",
        Scope::Loopback => "Scope loopback: the address means the machine that dials it.",
        Scope::LinkLocal => "Scope link-local: the address can be reached on one link only.",
        Scope::Cgnat => "Scope cgnat: the address is behind a carrier's NAT and can be reached only there.",
        Scope::Unspecified => "Scope unspecified: every address of a machine, to listen on; it cannot be dialed from elsewhere.",
        Scope::Documentation => "Scope documentation: the range is for examples and leads nowhere.",
        Scope::Multicast => "Scope multicast: a group of machines, not one to dial.",
        Scope::Reserved => "Scope reserved: the range is set aside and leads nowhere.",
        Scope::Nat64 => "Scope nat64: an IPv4 address, reached from IPv6 through a translator.",
        Scope::Dns => "Scope dns: how far it reaches depends on the addresses behind the name.",
        Scope::Relay => "Scope relay: it reaches as far as the relay does.",
    }
}
