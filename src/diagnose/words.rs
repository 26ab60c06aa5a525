//! Words: lists, names of places, and what became of which transport.

use litemap::LiteMap;
use multiaddr::{Multiaddr, Protocol};

pub(super) use crate::words::addresses;

use super::fault::{Fault, ip_of, over_udp, port_of};
use crate::{
    model::{Attempt, Family, Outcome},
    words::and,
};

/// The longest text of another's making inside a sentence.
const QUOTED_CHARACTERS: usize = 120;
/// How many of several places are named; more are counted.
const NAMED: usize = 3;

/// The first few of many, and a sign that there are more.
pub(super) fn few(words: &[String]) -> String {
    let more = if words.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", words.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
}

/// Text of another's making: without control characters, and bounded.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for (index, char) in text.chars().enumerate() {
        match char {
            _ if index == QUOTED_CHARACTERS => {
                quoted.push('…');
                break;
            }
            char if char.is_control() => quoted.extend(char.escape_default()),
            char => quoted.push(char),
        }
    }
    quoted
}

/// Ends a sentence.
pub(super) fn as_sentence(words: &str) -> String {
    if words.ends_with(['.', '!', '?']) { words.into() } else { format!("{words}.") }
}

/// The address family that an attempt needs, where it is known.
pub(super) fn family_of(attempt: &Attempt) -> Option<Family> {
    let family = |address: &str| {
        let address: Multiaddr = address.parse().ok()?;
        address.iter().find_map(|part| match part {
            Protocol::Ip4(_) | Protocol::Dns4(_) => Some(Family::Ipv4),
            Protocol::Ip6(_) | Protocol::Dns6(_) => Some(Family::Ipv6),
            _ => None,
        })
    };
    attempt.remote.as_deref().and_then(family).or_else(|| family(&attempt.address))
}

/// An address family as people write it.
pub(super) fn family_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    }
}

/// The machine that an attempt dials.
pub(super) fn host(attempt: &Attempt) -> String {
    ip_of(attempt).map_or_else(|| name(attempt), |ip| ip.to_string())
}

/// The port that an attempt dials: `TCP port 4001`.
pub(super) fn port(attempt: &Attempt) -> String {
    let over = if over_udp(attempt) { "UDP" } else { "TCP" };
    port_of(attempt).map_or_else(|| format!("this {over} port"), |port| format!("{over} port {port}"))
}

/// The name behind an attempt, without the kind of look-up.
pub(super) fn name(attempt: &Attempt) -> String {
    let named = attempt.names.last().map_or(attempt.address.as_str(), String::as_str);
    let mut parts = named.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some("dns" | "dns4" | "dns6" | "dnsaddr"), Some(name)) => quoted(name),
        _ => quoted(named),
    }
}

/// An attempt by its transport; by its address where it has none.
pub(super) fn label(attempt: &Attempt) -> String {
    attempt.transport.map_or_else(|| quoted(&attempt.address), |transport| transport.to_string())
}

/// The transports of some attempts, each once: "tcp and quic".
pub(super) fn labels<'a>(attempts: impl IntoIterator<Item = &'a Attempt>) -> String {
    let mut labels: Vec<String> = Vec::new();
    for label in attempts.into_iter().map(label) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    and(&labels)
}

/// The reasons of attempts that could not be told or were left out: "interrupted (tcp and quic)".
pub(super) fn reasons(attempts: &[&Attempt]) -> String {
    let mut groups: Vec<(String, Vec<&Attempt>)> = Vec::new();
    for attempt in attempts {
        let reason = match &attempt.outcome {
            Outcome::Skipped { why } | Outcome::Unknown { why } => quoted(why.code.brief()),
            Outcome::Failed { .. } | Outcome::Passed => {
                Fault::first(attempt).map_or_else(String::new, |fault| quoted(fault.cause.brief()))
            }
        };
        match groups.iter_mut().find(|(other, _)| *other == reason) {
            Some((_, members)) => members.push(attempt),
            None => groups.push((reason, vec![attempt])),
        }
    }
    let said: Vec<_> = groups.into_iter().map(|(reason, members)| format!("{reason} ({})", labels(members))).collect();
    said.join(", ")
}

/// What became of one address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    attempt: &'a Attempt,
    phrase: &'static str,
}

impl<'a> Member<'a> {
    pub(super) fn new(attempt: &'a Attempt, phrase: &'static str) -> Self {
        Self { attempt, phrase }
    }
}

/// What became of each transport: "tcp and quic work, wss fails"; "tcp works over IPv4, fails over IPv6".
pub(super) fn per_transport(members: &[Member<'_>]) -> String {
    let mut transports: Vec<(String, Vec<Member<'_>>)> = Vec::new();
    for member in members {
        let label = label(member.attempt);
        match transports.iter_mut().find(|(other, _)| *other == label) {
            Some((_, group)) => group.push(*member),
            None => transports.push((label, vec![*member])),
        }
    }
    let mut uniform: Vec<(&'static str, Vec<String>)> = Vec::new();
    let mut mixed = Vec::new();
    for (label, group) in transports {
        let phrase = group[0].phrase;
        if group.iter().any(|member| member.phrase != phrase) {
            mixed.push(format!("{label} {}", by_place(&group)));
        } else if let Some((_, labels)) = uniform.iter_mut().find(|(other, _)| *other == phrase) {
            labels.push(label);
        } else {
            uniform.push((phrase, vec![label]));
        }
    }
    let said = uniform.into_iter().map(|(phrase, labels)| format!("{} {}", and(&labels), plural(phrase, labels.len())));
    said.chain(mixed).collect::<Vec<_>>().join(", ")
}

/// The few verbs among the phrases agree with their subject; the rest are no verbs.
fn plural(phrase: &'static str, subjects: usize) -> &'static str {
    match phrase {
        "works" if subjects > 1 => "work",
        "fails" if subjects > 1 => "fail",
        phrase => phrase,
    }
}

/// Where one transport went one way, and where the other: by family if that tells them apart, else by address.
fn by_place(group: &[Member<'_>]) -> String {
    let family = |attempt: &Attempt| family_of(attempt).map(|family| format!("over {}", family_name(family)));
    let ip = |attempt: &Attempt| ip_of(attempt).map(|ip| format!("at {ip}"));
    let address = |attempt: &Attempt| Some(format!("at {}", quoted(attempt.remote.as_ref().unwrap_or(&attempt.address))));
    let places = told_apart(group, family).or_else(|| told_apart(group, ip)).or_else(|| told_apart(group, address));
    let places = places.unwrap_or_else(|| {
        let mut counts: Vec<(&'static str, Vec<String>)> = Vec::new();
        for member in group {
            add(&mut counts, member.phrase, quoted(&member.attempt.address));
        }
        counts
    });
    let said = places.into_iter().map(|(phrase, places)| match places.len() {
        0..=NAMED => format!("{phrase} {}", and(&places)),
        many => format!("{phrase} at {}", addresses(many)),
    });
    said.collect::<Vec<_>>().join(", ")
}

/// The places for each phrase, if no place has two.
fn told_apart(group: &[Member<'_>], place: impl Fn(&Attempt) -> Option<String>) -> Option<Vec<(&'static str, Vec<String>)>> {
    let mut seen: LiteMap<String, &str> = LiteMap::new();
    let mut places = Vec::new();
    for member in group {
        let place = place(member.attempt)?;
        if *seen.entry(place.clone()).or_insert(member.phrase) != member.phrase {
            return None;
        }
        add(&mut places, member.phrase, place);
    }
    Some(places)
}

fn add(places: &mut Vec<(&'static str, Vec<String>)>, phrase: &'static str, place: String) {
    match places.iter_mut().find(|(other, _)| *other == phrase) {
        Some((_, known)) if known.contains(&place) => {}
        Some((_, known)) => known.push(place),
        None => places.push((phrase, vec![place])),
    }
}
