//! A plan with fake probes from its first event to its verdict. Runs as a program of the system and, without an import, as
//! WebAssembly: no clock, timer or task of an operating system slips into the engine.

#![expect(clippy::expect_used, reason = "a script that cannot be read is a defect of this test")]

mod fake;

use std::process::ExitCode;

use fake::{Act, Fake, Script, events, job};
use p2p_probe::model::{Cause, Event, Options, Report, StageName};

const PEER: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";

fn script() -> Script {
    use StageName::{Connect, Identify, Multiplex, Ping, Secure, Upgrade};
    let healthy = vec![
        Act::Stage(Connect, 30),
        Act::Stage(Secure, 60),
        Act::Peer(PEER),
        Act::Stage(Multiplex, 30),
        Act::Stage(Identify, 30),
        Act::Announce(&["/ip4/203.0.113.7/tcp/4001", "/ip4/203.0.113.7/tcp/4003/ws", "/ip4/10.0.0.4/tcp/4001"]),
        Act::Stage(Ping, 30),
    ];
    let shy = vec![
        Act::Stage(Connect, 30),
        Act::Stage(Upgrade, 30),
        Act::Stage(Secure, 60),
        Act::Peer(PEER),
        Act::Stage(Multiplex, 30),
        Act::Stage(Identify, 30),
        Act::Mar(Cause::ProtocolNotSupported),
        Act::Stage(Ping, 30),
    ];
    let hanging = vec![Act::Stage(Connect, 30), Act::Stage(Secure, 5), Act::Hang];
    Script {
        names: [
            ("/dnsaddr/boot.example.org", vec!["/dns4/node.example.org/tcp/4001", "/ip4/203.0.113.8/tcp/4001"]),
            ("/dns4/node.example.org", vec!["203.0.113.7", "203.0.113.9"]),
        ]
        .into(),
        peers: [
            ("203.0.113.7:4001", healthy),
            ("203.0.113.7:4003", shy),
            ("203.0.113.8:4001", hanging),
            ("203.0.113.9:4001", vec![Act::Stage(Connect, 2), Act::Work(1), Act::Fail(Cause::Refused)]),
        ]
        .into(),
    }
}

/// What the run has to come to: code and outcome of each attempt.
const EXPECTED: &str = "partly-reachable true \
    [1 failed timed-out] [2 passed] [3 failed refused] [4 passed] [5 skipped] announces-private identify-failed";

fn main() -> ExitCode {
    let events = events(&Fake::new(script()), job("/dnsaddr/boot.example.org", None, Options::default()), std::future::pending());
    let report = Report::of(&events);
    let told = summary(&report);
    let holds = [told == EXPECTED, events.iter().all(survives_json), report.complete, report.attempts.iter().all(sums_up)];
    tell(&told, &report);
    if holds.into_iter().all(|holds| holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn summary(report: &Report) -> String {
    let attempts = report.attempts.iter().map(|attempt| {
        let json = serde_json::to_value(&attempt.outcome).unwrap_or_default();
        let outcome = json["outcome"].as_str().unwrap_or_default();
        let cause = attempt.outcome.cause().map(|cause| format!(" {}", cause.code())).unwrap_or_default();
        format!(" [{} {outcome}{cause}]", attempt.id)
    });
    let Some(verdict) = &report.verdict else { return String::new() };
    let warnings = verdict.warnings.iter().map(|warning| format!(" {}", warning.code.code()));
    format!("{} {}", verdict.code.code(), verdict.ok == Some(true)) + &attempts.chain(warnings).collect::<String>()
}

fn survives_json(event: &Event) -> bool {
    let text = serde_json::to_string(event).unwrap_or_default();
    serde_json::from_str::<Event>(&text).is_ok_and(|read| read == *event)
}

fn sums_up(attempt: &p2p_probe::model::Attempt) -> bool {
    let own = attempt.stages.iter().filter(|stage| !stage.shared);
    let sum = own.filter_map(|stage| stage.elapsed_ms).sum();
    attempt.elapsed_ms.is_none_or(|elapsed| elapsed == sum)
}

#[cfg(not(target_family = "wasm"))]
fn tell(told: &str, report: &Report) {
    #[expect(clippy::print_stdout, reason = "for who runs it by hand")]
    {
        println!("{told}\n{}", serde_json::to_string_pretty(report).unwrap_or_default());
    }
}

#[cfg(target_family = "wasm")]
fn tell(_: &str, _: &Report) {}
