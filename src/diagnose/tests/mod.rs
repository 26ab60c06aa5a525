//! The tables of the diagnosis, by reports folded from events.

mod addresses;
mod cases;
mod rank;
mod tables;

use crate::model::{
    Announced, Cause, Certificate, Direction, Event, Fact, Family, Found, LocalAddress, Micros, Options, Outcome, Report, SCHEMA,
    Scope, Source, StageName, Stamp, Target, TargetKind, Tool, Transport, Verdict, WhyCode,
};

const NAMED: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";
const OTHER: &str = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X";

/// A run in the making.
struct Run {
    facts: Vec<Fact>,
    attempts: u32,
    complete: bool,
}

/// A dial in the making.
struct Dial {
    address: String,
    remote: Option<String>,
    source: Source,
    version: Option<String>,
    steps: Vec<(StageName, Outcome, Found)>,
    why: Option<WhyCode>,
    cause: Option<Cause>,
}

fn local(source: &str) -> LocalAddress {
    LocalAddress::new(source.parse().unwrap())
}

impl Dial {
    fn new(address: &str) -> Self {
        let remote = (!address.starts_with("/dns")).then(|| address.to_owned());
        Self { address: address.into(), remote, source: Source::Target, version: None, steps: Vec::new(), why: None, cause: None }
    }

    fn remote(mut self, remote: &str) -> Self {
        self.remote = Some(remote.into());
        self
    }

    fn version(mut self, version: &str) -> Self {
        self.version = Some(version.into());
        self
    }

    fn announced(mut self) -> Self {
        self.source = Source::Announced;
        self
    }

    fn step(mut self, step: StageName, outcome: Outcome, found: Found) -> Self {
        self.steps.push((step, outcome, found));
        self
    }

    /// Every step that makes the connection passes.
    fn works(mut self) -> Self {
        for step in path(self.transport()) {
            let peer = (*step == establishing(self.transport())).then(|| NAMED.to_owned());
            self = self.step(*step, Outcome::Passed, Found { peer, ..Found::default() });
        }
        self
    }

    /// Steps pass up to this one, which fails.
    fn fails(self, step: StageName, cause: Cause) -> Self {
        self.fails_with(step, cause, Found::default())
    }

    fn fails_with(mut self, step: StageName, cause: Cause, found: Found) -> Self {
        for passed in path(self.transport()).iter().take_while(|other| **other != step) {
            self = self.step(*passed, Outcome::Passed, Found::default());
        }
        self.step(step, Outcome::failed(cause), found)
    }

    /// Goes on after a failed step.
    fn goes_on(mut self) -> Self {
        let done = self.steps.len();
        for step in path(self.transport()).iter().skip(done) {
            self = self.step(*step, Outcome::Passed, Found::default());
        }
        self
    }

    fn skipped(mut self, why: WhyCode) -> Self {
        self.why = Some(why);
        self
    }

    fn unknown(self, why: WhyCode) -> Self {
        self.step(StageName::Connect, Outcome::unknown(why), Found::default())
    }

    /// Fails as it is planned.
    fn refused_by_plan(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    fn transport(&self) -> Option<Transport> {
        let has = |part: &str| self.address.split('/').any(|other| other == part);
        match () {
            () if has("webrtc-direct") => Some(Transport::WebrtcDirect),
            () if has("quic-v1") => Some(Transport::Quic),
            () if has("wss") || has("tls") => Some(Transport::Wss),
            () if has("ws") => Some(Transport::Ws),
            () if has("p2p-circuit") => Some(Transport::Relay),
            () if has("tcp") => Some(Transport::Tcp),
            () => None,
        }
    }
}

fn path(transport: Option<Transport>) -> &'static [StageName] {
    use StageName::{Channel, Connect, Dtls, Hop, Multiplex, Secure, Tls, Upgrade};
    match transport {
        None => &[],
        Some(Transport::Tcp) => &[Connect, Secure, Multiplex],
        Some(Transport::Quic) => &[Connect],
        Some(Transport::Ws) => &[Connect, Upgrade, Secure, Multiplex],
        Some(Transport::Wss) => &[Connect, Tls, Upgrade, Secure, Multiplex],
        Some(Transport::WebrtcDirect | Transport::Webtransport) => &[Connect, Dtls, Channel, Secure],
        Some(Transport::Relay) => &[Hop, Secure, Multiplex],
    }
}

fn establishing(transport: Option<Transport>) -> StageName {
    transport.map_or(StageName::Connect, Transport::establishing_stage)
}

impl Run {
    fn new() -> Self {
        Self::on(Target { kind: TargetKind::Peer, input: "/dns4/node.example.org/tcp/4001".into(), peer: Some(NAMED.into()) })
    }

    fn on(target: Target) -> Self {
        let started = Fact::RunStarted {
            schema: SCHEMA.into(),
            tool: Tool::default(),
            started: Stamp("2026-11-05T12:00:00.000Z".into()),
            target,
            options: Options::default(),
            capabilities: vec![Transport::Tcp, Transport::Quic, Transport::Ws, Transport::Wss],
        };
        Self { facts: vec![started], attempts: 0, complete: true }
    }

    fn network(mut self, sources: &[&str], udp_receive_buffer: Option<u64>) -> Self {
        let family = |source: &&str| if source.contains(':') { Family::Ipv6 } else { Family::Ipv4 };
        self.facts.push(Fact::LocalNetwork {
            families: sources.iter().map(family).collect(),
            sources: sources.iter().map(|source| local(source)).collect(),
            udp_receive_buffer,
        });
        self
    }

    fn dial(mut self, dial: Dial) -> Self {
        self.attempts += 1;
        let attempt = self.attempts;
        self.facts.push(Fact::AttemptPlanned {
            attempt,
            address: dial.address.clone(),
            remote: dial.remote.clone(),
            names: Vec::new(),
            transport: dial.transport(),
            source: dial.source,
            direction: Direction::Outbound,
            version: dial.version.clone(),
            why: dial.why.clone().map(Into::into),
            cause: dial.cause.clone(),
        });
        if dial.why.is_some() || dial.cause.is_some() {
            return self;
        }
        self.facts.push(Fact::AttemptStarted { attempt });
        for (stage, outcome, found) in dial.steps {
            self.facts.push(Fact::StageStarted { attempt, leg: None, stage });
            self.facts.push(Fact::StageEnded { attempt, leg: None, stage, outcome, found, message: None });
        }
        self.facts.push(Fact::AttemptEnded { attempt, why: None });
        self
    }

    /// What the peer of the first attempt announces.
    fn announces(mut self, addresses: &[&str], total: usize) -> Self {
        let announced = |address: &&str| Announced {
            address: (*address).to_owned(),
            scope: address.parse().map_or(Scope::Reserved, |parsed| Scope::of(&parsed)),
            attempt: None,
        };
        self.facts.push(Fact::PeerIdentified {
            attempt: 1,
            peer: NAMED.into(),
            agent: Some("kubo/0.43.0".into()),
            protocol_version: None,
            protocols: vec![],
            announced: addresses.iter().map(announced).collect(),
            announced_total: total.try_into().unwrap(),
        });
        self
    }

    fn interrupted(mut self) -> Self {
        self.complete = false;
        self
    }

    fn report(mut self) -> Report {
        self.facts.push(Fact::RunEnded { complete: self.complete });
        let events: Vec<Event> = self.facts.into_iter().map(|fact| Event { t_ms: Micros(1), run: 0, fact }).collect();
        Report::of(&events)
    }

    fn verdict(self) -> Verdict {
        let verdict = self.report().verdict.expect("a run that ended has a verdict");
        assert!(verdict.summary.ends_with('.') && !verdict.summary.contains("  "), "{}", verdict.summary);
        assert!(verdict.hints.len() <= 4, "{:?}", verdict.hints);
        for text in verdict.hints.iter().map(|hint| &hint.text).chain(verdict.warnings.iter().map(|warning| &warning.text)) {
            assert!(text.ends_with('.') && !text.contains("  ") && !text.contains(" ."), "{text}");
        }
        verdict
    }
}

fn hints(verdict: &Verdict) -> Vec<&str> {
    verdict.hints.iter().map(|hint| hint.code.code()).collect()
}

fn warnings(verdict: &Verdict) -> Vec<&str> {
    verdict.warnings.iter().map(|warning| warning.code.code()).collect()
}

fn certificate(names: &[&str], not_after: &str) -> Found {
    let certificate = Certificate {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        issuer: "E7".into(),
        not_before: Stamp("2026-08-04T00:00:00.000Z".into()),
        not_after: Stamp(not_after.into()),
        fingerprint: "sha256:00".into(),
    };
    Found { certificate: Some(certificate), ..Found::default() }
}
