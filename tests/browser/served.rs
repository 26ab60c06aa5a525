//! The page that `p2p-probe listen` serves, as a visitor uses it.

use super::hand::{ends, serve};
use super::{Browser, Kind, LAN, within};
use crate::certificate::Authority;
use crate::interop::{go, js};
use crate::program::{self, Live};
use crate::rules::{self, Schema};
use fantoccini::Locator;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Over what our listener is probed from its page.
const OURS: [&str; 2] = ["/ip4/127.0.0.1/tcp/0/ws", "/ip4/10.87.0.1/udp/0/webrtc-direct"];

/// Over what go-libp2p is.
const GO: [&str; 4] = [
    "/ip4/127.0.0.1/tcp/0/ws",
    "/ip4/127.0.0.1/tcp/0/tls/ws",
    "/ip4/10.87.0.1/udp/0/webrtc-direct",
    "/ip4/10.87.0.1/udp/0/quic-v1/webtransport",
];

/// And js-libp2p.
const JS: [&str; 2] = ["/ip4/127.0.0.1/tcp/0/ws", "/ip4/10.87.0.1/udp/0/webrtc-direct"];

/// Enters an address, presses the button, waits for the verdict, and downloads the report.
async fn probe(browser: &Browser, address: &str, both_ends: bool, schema: &Schema) -> Value {
    browser.ask(address).await;
    if both_ends {
        browser.text(".other-end .word.good").await;
    }
    browser.press("#download").await;
    let report: Value = serde_json::from_str(&browser.downloaded().await).expect("JSON");
    assert_eq!(schema.faults(&report), Vec::<String>::new(), "{address}: {report}");
    assert_eq!(rules::faults(&report, 0), Vec::<String>::new(), "{address}: {report}");
    assert_eq!(report["tool"]["runtime"], "browser", "{report}");
    report
}

/// The peer is reached without a flaw, and the page says so in words.
async fn reaches(browser: &Browser, address: &str, both_ends: bool, schema: &Schema) -> Value {
    let report = probe(browser, address, both_ends, schema).await;
    let stages = report["attempts"][0]["stages"].as_array().cloned().unwrap_or_default();
    // Whether Firefox hears over WebTransport who go-libp2p is, is a matter of chance: probes.rs.
    let sure = |stage: &&Value| !address.contains("/webtransport/") || stage["stage"] != "identify";
    assert!(stages.len() > 2 && stages.iter().filter(sure).all(|stage| stage["outcome"] == "passed"), "{address}: {report}");
    let peer = report["peers"][0]["id"].as_str().unwrap_or_else(|| panic!("{address}: no peer: {report}"));
    assert!(address.ends_with(peer), "{address}: {report}");
    let summary = report["verdict"]["summary"].as_str().expect("a summary").to_owned();
    assert!(browser.text("#report").await.contains(&summary), "{summary}");
    report
}

/// The page may do what it does under its own policy, and asks nobody else for anything.
async fn kept_the_policy(browser: &Browser) {
    let console = browser.console().await;
    assert!(!console.contains("Content Security Policy") && !console.contains("Content-Security-Policy"), "{console}");
    let foreign = "return performance.getEntriesByType('resource').map(({ name }) => name).filter(name => !name.startsWith(location.origin))";
    assert_eq!(browser.call(foreign, vec![]).await.expect("a list"), Value::from(Vec::<Value>::new()));
}

/// A report that was made in the terminal is shown like the page's own, and two of them are compared.
async fn opens(browser: &Browser, home: &Path, address: &str) {
    let run = program::run(program::command(home, ["dial", address, "--no-announced", "--format", "json"]));
    assert_eq!(run.exit, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).expect("a report");
    let file = home.join("saved.json");
    std::fs::write(&file, &run.stdout).expect("a file");
    let file = file.to_str().expect("a path in UTF-8");
    let chooser = browser.client.find(Locator::Id("file")).await.expect("a chooser");
    chooser.send_keys(file).await.expect("a file can be chosen");
    browser.until("document.querySelector('#report .run')?.textContent.includes('terminal')").await;
    let summary = report["verdict"]["summary"].as_str().expect("a summary");
    assert!(browser.text("#report").await.contains(summary), "{summary}");
    browser.keep("-saved").await;
    // The driver would add to what is chosen already, which the page's own button takes back.
    browser.call("document.getElementById('file').value = ''", vec![]).await.expect("nothing chosen");
    let chooser = browser.client.find(Locator::Id("file")).await.expect("a chooser");
    chooser.send_keys(&format!("{file}\n{file}")).await.expect("two files can be chosen");
    browser.until("!document.getElementById('other').hidden").await;
    assert_ne!(browser.text("#comparison").await, "");
    browser.keep("-compared").await;
}

/// A peer of another implementation on these addresses, and what it makes of them.
fn serves(mut peer: Command, places: &[&str], more: &[&OsStr]) -> (Live, Vec<String>) {
    peer.arg("serve").args(places.iter().flat_map(|place| ["--listen", place])).args(more);
    let mut peer = Live::start(peer);
    let ready = peer.next_json();
    let addresses: Vec<String> = serde_json::from_value(ready["addrs"].clone()).expect("addresses");
    assert_eq!(addresses.len(), places.len(), "{ready}");
    (peer, addresses)
}

async fn visit(kind: Kind, name: &str) {
    assert!(OURS[1].contains(LAN) && GO[2].contains(LAN));
    let authority = Authority::new();
    let home = authority.folder();
    let schema = Schema::of_reports();
    let (listener, ours, page) = serve(home, &OURS, &["--page-addr", "127.0.0.1:0"]);
    let [certificate, key] = authority.files();
    let tls = [OsStr::new("--tls-cert"), certificate.as_os_str(), OsStr::new("--tls-key"), key.as_os_str()];
    let (go, mut theirs) = serves(go(), &GO, &tls);
    let (js, addresses) = serves(js(), &JS, &[]);
    theirs.extend(addresses);
    Browser::run(kind, name, &[], async |browser| {
        browser.open(&page).await;
        browser.until("document.documentElement.dataset.ready === 'yes' && document.getElementById('target').value !== ''").await;
        let offered = browser.call("return document.getElementById('target').value", vec![]).await.expect("a value");
        assert!(ours.iter().any(|address| offered == address.as_str()), "{offered}");
        for (place, address) in ours.iter().enumerate() {
            let report = reaches(browser, address, true, &schema).await;
            // Both ends of the same dial.
            assert_eq!(report["listener"]["attempts"][0]["direction"], "inbound", "{report}");
            browser.keep(&format!("-ours-{place}")).await;
        }
        for (place, address) in theirs.iter().enumerate() {
            reaches(browser, address, false, &schema).await;
            browser.keep(&format!("-{place}")).await;
        }
        opens(browser, home, &ours[0]).await;
        kept_the_policy(browser).await;
        assert_eq!(browser.text("#fault").await, "");
    })
    .await;
    go.finish();
    js.finish();
    ends(listener);
}

#[test]
fn a_visitor_with_chromium_sees_the_report() {
    within("browser::served::a_visitor_with_chromium_sees_the_report", async || {
        visit(Kind::Chromium, "page-chromium").await;
    });
}

#[test]
fn a_visitor_with_firefox_sees_the_report() {
    within("browser::served::a_visitor_with_firefox_sees_the_report", async || {
        visit(Kind::Firefox, "page-firefox").await;
    });
}
