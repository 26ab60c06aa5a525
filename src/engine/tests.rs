//! What is in time.

#[expect(dead_code, reason = "its other users play more")]
#[path = "../../tests/engine/fake.rs"]
mod fake;

use crate::model::{Cause, Micros, Options, Outcome, Report, StageName, WhyCode};
use fake::{Act, Fake, Script, events, job};

const FIRST: &str = "/ip4/203.0.113.1/tcp/4001";

/// A run of at most so many milliseconds to so many addresses of hosts that all do the same, one after the other.
fn run(ms: u64, hosts: u16, acts: &[Act]) -> Report {
    let key = |host| -> &'static str { format!("203.0.113.1:{}", 4000 + host).leak() };
    let script = Script { peers: (1..=hosts).map(|host| (key(host), acts.to_vec())).collect(), ..Script::default() };
    let options = Options { deadline_ms: Micros(ms * 1000), concurrency: 1, ..Options::default() };
    let mut job = job(FIRST, None, options);
    let others = (2..=hosts).map(|host| format!("/ip4/203.0.113.1/tcp/{}", 4000 + host).parse().unwrap());
    job.addresses.extend(others);
    Report::of(&events(&Fake::new(script), job, std::future::pending()))
}

fn outcomes(report: &Report) -> Vec<&Outcome> {
    report.attempts.iter().map(|attempt| &attempt.outcome).collect()
}

#[test]
fn what_is_ready_when_the_time_is_up_counts() {
    let refused = Outcome::failed(Cause::Refused);
    let acts = [Act::Stage(StageName::Connect, 30), Act::Fail(Cause::Refused)];
    let in_time = run(30, 1, &acts);
    assert_eq!((in_time.complete, outcomes(&in_time)), (true, vec![&refused]));
    let late = run(29, 1, &acts);
    assert_eq!((late.complete, outcomes(&late)), (false, vec![&Outcome::unknown(WhyCode::Deadline)]));
    // What waits for its turn does not get it any more.
    let one_of_two = run(30, 2, &acts);
    assert_eq!((one_of_two.complete, outcomes(&one_of_two)), (false, vec![&refused, &Outcome::unknown(WhyCode::Deadline)]));
    assert!(one_of_two.attempts[1].stages.is_empty());
}

#[test]
fn tasks_that_are_always_ready_do_not_keep_a_run() {
    let report = run(100, 40, &[Act::Stage(StageName::Connect, 0), Act::Work(10), Act::Fail(Cause::Refused)]);
    assert!(!report.complete);
    let refused = report.attempts.iter().filter(|attempt| attempt.outcome.cause() == Some(&Cause::Refused)).count();
    // One had begun when the time was up.
    assert!((10..=11).contains(&refused), "{refused} of {}", report.attempts.len());
}
