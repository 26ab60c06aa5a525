//! Reports that can be shown: IP addresses and peer IDs are replaced, the same one always by the same other.
//!
//! Every string of an event is searched, whatever its member: an agent version or a certificate's name may hold an address
//! as well. A replacement keeps the family and, as far as the ranges for examples allow, the scope. Names stay, but for
//! the addresses and peer IDs that they embed (`1-2-3-4.k51….libp2p.direct`).

mod names;
mod pool;

use serde_json::Value;

use crate::{model::Event, render::json};
use pool::Pool;

/// Replaces IP addresses and peer IDs in the events of a run.
#[derive(Debug, Default)]
pub struct Redactor {
    pool: Pool,
}

impl Redactor {
    /// The event without the real addresses. The error is an event that does not read back from its own JSON.
    pub fn apply(&mut self, event: &Event) -> Result<Event, serde_json::Error> {
        // By way of its text: turning events into values and back by serde would be all of that code once more, which a page
        // has to fetch.
        let mut value = serde_json::from_slice(&json::line(event)?)?;
        self.walk(&mut value);
        serde_json::from_str(&serde_json::to_string(&value)?)
    }

    fn walk(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let redacted = self.text(text);
                if redacted != *text {
                    *text = redacted;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.walk(value)),
            Value::Object(members) => members.values_mut().for_each(|value| self.walk(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Any text without the real addresses.
    #[must_use]
    pub fn text(&mut self, text: &str) -> String {
        let mut redacted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            redacted.push_str(&rest[..start]);
            let end = rest[start..].find(|c| !is_part(c)).map_or(rest.len(), |length| start + length);
            redacted.push_str(&self.token(&rest[start..end]));
            rest = &rest[end..];
        }
        redacted.push_str(rest);
        redacted
    }

    /// A run of the characters that addresses and names are made of.
    fn token(&mut self, token: &str) -> String {
        if let Some(replaced) = self.whole(token) {
            return replaced;
        }
        // The full stop, colon or dash of the sentence around it.
        let around = |c: char| matches!(c, '.' | ':' | '-' | '_');
        let trimmed = token.trim_end_matches(around);
        if let Some(replaced) = self.whole(trimmed) {
            return format!("{replaced}{}", &token[trimmed.len()..]);
        }
        let inner = trimmed.trim_start_matches(around);
        if let Some(replaced) = self.whole(inner) {
            let start = trimmed.len() - inner.len();
            return format!("{}{replaced}{}", &token[..start], &token[trimmed.len()..]);
        }
        token.split(':').map(|piece| names::redact(&mut self.pool, piece)).collect::<Vec<_>>().join(":")
    }

    fn whole(&mut self, token: &str) -> Option<String> {
        if let Ok(ip) = token.parse() {
            return Some(self.pool.ip(ip).to_string());
        }
        let (host, port) = token.rsplit_once(':')?;
        let ip = host.parse().ok()?;
        port.parse::<u16>().ok()?;
        Some(format!("{}:{port}", self.pool.ip(ip)))
    }
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Announced, Cause, Direction, Fact, Micros, Outcome, Report, Scope, Source, StageName, Target, TargetKind, Tool, Transport,
    };

    const PEER: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";

    #[test]
    fn addresses_are_replaced_wherever_they_stand() {
        let table = [
            ("/ip4/1.2.3.4/tcp/4001", "/ip4/203.0.113.1/tcp/4001"),
            ("/ip6/2606:4700::1/udp/1/quic-v1", "/ip6/2001:db8::1/udp/1/quic-v1"),
            ("/ip4/192.168.1.5/tcp/1", "/ip4/10.0.0.1/tcp/1"),
            ("/ip6/fd12::9/tcp/1", "/ip6/fd00::1/tcp/1"),
            ("/ip4/100.64.3.2/tcp/1", "/ip4/100.64.0.1/tcp/1"),
            ("/ip4/169.254.7.7/tcp/1", "/ip4/169.254.0.1/tcp/1"),
            ("/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1"),
            ("/ip6/::/tcp/1", "/ip6/::/tcp/1"),
            ("/ip6/::ffff:1.2.3.4/tcp/1", "/ip6/::ffff:203.0.113.1/tcp/1"),
            ("dial 1.2.3.4:4001: refused", "dial 203.0.113.1:4001: refused"),
            ("no route to 1.2.3.4.", "no route to 203.0.113.1."),
            ("[2606:4700::1]:4001 says", "[2001:db8::1]:4001 says"),
            ("1-2-3-4.example.libp2p.direct", "203-0-113-1.example.libp2p.direct"),
            ("2606-4700--1.example.libp2p.direct", "2001-db8--1.example.libp2p.direct"),
            ("ec2-1-2-3-4.compute.example", "ec2-203-0-113-1.compute.example"),
            ("app.1.2.3.4.nip.example", "app.203.0.113.1.nip.example"),
            (
                "kubo/0.43.0/x at 2026-01-02T03:04:05.678Z, /yamux/1.0.0",
                "kubo/0.43.0/x at 2026-01-02T03:04:05.678Z, /yamux/1.0.0",
            ),
            ("node-1.example.org", "node-1.example.org"),
        ];
        for (text, expected) in table {
            assert_eq!(Redactor::default().text(text), expected);
        }
    }

    #[test]
    fn a_peer_is_the_same_in_all_its_forms() {
        let mut redactor = Redactor::default();
        let base58 = redactor.text(PEER);
        assert!(base58.starts_with("Qm"), "{base58}");
        assert_eq!(redactor.text(&format!("/ip4/127.0.0.1/tcp/1/p2p/{PEER}.")), format!("/ip4/127.0.0.1/tcp/1/p2p/{base58}."));
        let (id, _) = crate::peer_id::parse(PEER).unwrap();
        let cid = crate::peer_id::Form::Cid(multibase::Base::Base36Lower).write(&id);
        let name = redactor.text(&format!("*.{cid}.libp2p.direct"));
        let label = name.strip_prefix("*.").and_then(|name| name.strip_suffix(".libp2p.direct")).unwrap();
        assert_eq!(crate::peer_id::parse(label).unwrap().0.to_base58(), base58);
    }

    #[test]
    fn one_input_has_one_replacement_and_no_two_share_it() {
        let mut redactor = Redactor::default();
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..2000_u32 {
            let ip = std::net::Ipv4Addr::from(0x0808_0000 + n).to_string();
            let replaced = redactor.text(&ip);
            assert_eq!(redactor.text(&ip), replaced);
            assert!(seen.insert(replaced), "{ip}");
        }
    }

    fn run() -> Vec<Event> {
        let address = format!("/ip4/8.8.4.4/tcp/4001/p2p/{PEER}");
        let facts = [
            Fact::RunStarted {
                schema: crate::model::SCHEMA.into(),
                tool: Tool::default(),
                started: crate::model::Stamp("2026-01-02T03:04:05.678Z".into()),
                target: Target { kind: TargetKind::Peer, input: address.clone(), peer: Some(PEER.into()) },
                options: crate::model::Options::default(),
                capabilities: vec![Transport::Tcp],
            },
            Fact::AttemptPlanned {
                attempt: 1,
                address,
                remote: Some("/ip4/8.8.4.4/tcp/4001".into()),
                names: vec![],
                transport: Some(Transport::Tcp),
                source: Source::Target,
                direction: Direction::Outbound,
                version: None,
                why: None,
                cause: None,
            },
            Fact::AttemptStarted { attempt: 1 },
            Fact::StageStarted { attempt: 1, leg: None, stage: StageName::Secure },
            Fact::StageEnded {
                attempt: 1,
                leg: None,
                stage: StageName::Secure,
                outcome: Outcome::failed(Cause::WrongPeer { actual: PEER.into() }),
                found: crate::model::Found {
                    peer: Some(PEER.into()),
                    observed: Some("/ip4/9.9.9.9/tcp/5".into()),
                    ..Default::default()
                },
                message: Some("8.8.4.4:4001 is somebody else".into()),
            },
            Fact::PeerIdentified {
                attempt: 1,
                peer: PEER.into(),
                agent: Some("node at 8.8.4.4".into()),
                protocol_version: None,
                protocols: vec![],
                announced: vec![
                    Announced { address: "/ip4/8.8.4.4/tcp/4001".into(), scope: Scope::Public, attempt: None },
                    Announced { address: "/ip4/10.9.8.7/tcp/4001".into(), scope: Scope::Private, attempt: None },
                ],
                announced_total: 2,
            },
            Fact::AttemptEnded { attempt: 1, why: None },
            Fact::RunEnded { complete: true },
        ];
        (0..).zip(facts).map(|(t, fact)| Event { t_ms: Micros(t), run: 0, fact }).collect()
    }

    #[test]
    fn a_redacted_run_folds_to_a_report_of_the_same_shape_without_the_real_addresses() {
        let events = run();
        let mut redactor = Redactor::default();
        let redacted: Vec<Event> = events.iter().map(|event| redactor.apply(event).unwrap()).collect();
        let (plain, shown) = (Report::of(&events), Report::of(&redacted));
        let json = serde_json::to_string(&(&redacted, &shown)).unwrap();
        for real in ["8.8.4.4", "9.9.9.9", "10.9.8.7", PEER] {
            assert!(!json.contains(real), "{real} is left in {json}");
        }
        assert_eq!(shown.peers[0].expected, plain.peers[0].expected);
        assert_eq!(shown.target.peer.as_ref(), Some(&shown.peers[0].id));
        let scopes = |report: &Report| report.peers[0].announced.iter().map(|a| (a.scope, a.attempt)).collect::<Vec<_>>();
        assert_eq!(scopes(&shown), scopes(&plain));
        let times = |report: &Report| report.attempts[0].stages.iter().map(|s| (s.stage, s.elapsed_ms)).collect::<Vec<_>>();
        assert_eq!(times(&shown), times(&plain));
    }
}
