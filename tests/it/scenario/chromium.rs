//! Plays the scenarios that a page can reach in Chromium as well: see `parity`.

use super::parity::Table;
use super::values::{Values, fill};
use super::{Scenario, World};
use crate::browser::{Browser, Devtools, Kind, within};
use crate::browser::{open, pages};
use crate::program::Run;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Names lead to this machine: a page has no name server of its own.
const NAMES: &str = "--host-resolver-rules=MAP *.test 127.0.0.1";

/// Probes; gives what the program would have printed.
const PROBE: &str = "
    const [target, options, strict] = arguments;
    const { probe } = await import('/js/probe.js');
    try {
        const report = await probe(target, options);
        return { exit: report.exitCode(strict, false), stdout: report.json(), stderr: '' };
    } catch (error) {
        return { exit: 2, stdout: '', stderr: error.message };
    }";

/// Certificates that no browser accepts, whoever signed them.
const BAD: [&str; 5] = ["wss: expired", "wss: not yet valid", "wss: wrong name", "wss: self-signed", "wss: dialed by IP"];

/// Statistics come late, as on a machine that is busy.
const LATE: &str = "
    const own = RTCPeerConnection.prototype.getStats;
    RTCPeerConnection.prototype.getStats = async function (...all) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return own.apply(this, all);
    };";

#[test]
fn chromium_tells_what_the_terminal_tells() {
    within("scenario::chromium::chromium_tells_what_the_terminal_tells", async || {
        let failures = differing("parity-chromium", "", |_| true).await;
        assert!(failures.is_empty(), "{} scenarios differ:\n{}", failures.len(), super::table(&failures));
    });
}

/// DTLS stands for less time than the page waits for what it asked of the browser.
#[test]
fn a_state_that_lasts_for_a_moment_is_seen() {
    within("scenario::chromium::a_state_that_lasts_for_a_moment_is_seen", async || {
        let failures = differing("moment-chromium", LATE, |name| name == "webrtc-direct: closed instead of a data channel").await;
        assert!(failures.is_empty(), "{}", super::table(&failures));
    });
}

/// What Chromium tells otherwise than the terminal of the scenarios that are `wanted`, in a page that ran a script before.
async fn differing(name: &str, before: &str, wanted: fn(&str) -> bool) -> BTreeMap<String, Vec<String>> {
    let (allowed, world) = (Table::read("chromium.toml"), World::new());
    let pages = pages(Ipv4Addr::LOCALHOST);
    let secure = json!({"acceptInsecureCerts": false});
    Browser::run_with(Kind::Chromium, name, &[NAMES], &secure, async |browser| {
        open(browser, &pages).await;
        browser.run_in_page(before, &[]).await.expect("a script");
        let mut failures = BTreeMap::new();
        for scenario in allowed.scenarios().into_iter().filter(|scenario| wanted(&scenario.name)) {
            // The authority of these tests is not one that browsers know.
            let any = json!({"ignore": !BAD.contains(&scenario.name.as_str())});
            browser.client.issue_cmd(Devtools("Security.setIgnoreCertificateErrors", any)).await.expect("a setting");
            let (native, other) = scenario.play_both(&world, async |_, values| scenario.in_page(browser, values).await).await;
            let faults = scenario.compare_runs(&native, &other, &allowed, &world);
            if !faults.is_empty() {
                failures.insert(scenario.name.clone(), faults);
            }
        }
        failures
    })
    .await
}

impl Scenario {
    /// Runs it in the open page.
    async fn in_page(&self, browser: &Browser, values: &Values) -> Run {
        let mut words = self.args.iter().map(|argument| fill(argument, values));
        let target = words.next().unwrap_or_default();
        let (mut options, mut strict) = (Map::new(), false);
        while let Some(word) = words.next() {
            let mut text = || Value::from(words.next().unwrap_or_default());
            let (name, value) = match word.as_str() {
                "--strict" => {
                    strict = true;
                    continue;
                }
                "--no-announced" => ("announced", false.into()),
                "--private" => ("private", true.into()),
                "--redact" => ("redact", true.into()),
                "--learn-certhash" => ("learnCerthash", true.into()),
                "--timeout" => ("timeout", text()),
                "--deadline" => ("deadline", text()),
                "--webrtc" => ("webrtc", text()),
                "--family" => ("family", text()),
                "--ping" => ("pings", text().as_str().and_then(|count| count.parse::<u32>().ok()).into()),
                other => panic!("{}: the page has no {other}", self.name),
            };
            options.insert(name.into(), value);
        }
        let told = browser.run_in_page(PROBE, &[target.into(), options.into(), strict.into()]).await;
        let told = told.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        let exit = told["exit"].as_i64().and_then(|exit| i32::try_from(exit).ok()).expect("an exit code");
        Run { exit, stdout: text("stdout"), stderr: text("stderr") }
    }
}
