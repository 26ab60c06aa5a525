//! The page of `listen` as its users meet it.

use super::hand::{ends, serve};
use super::session::PATIENCE;
use super::{Browser, Kind, LAN, within};
use crate::rules;
use fantoccini::Locator;
use serde_json::{Value, json};

/// Waits for the end of a run, and gives the words of its verdict.
async fn verdict(browser: &Browser) -> String {
    let shown = Locator::Css("#tools:not([hidden])");
    browser.client.wait().at_most(PATIENCE).for_element(shown).await.expect("the run ends");
    browser.text("#report .verdict .words").await
}

/// Nothing was refused by the page's own policy, and nothing was thrown.
async fn is_quiet(browser: &Browser, kind: Kind) {
    let console = browser.console().await;
    for word in ["Content Security Policy", "Content-Security-Policy", "Uncaught"] {
        // Firefox's log has more than this page's.
        assert!(kind == Kind::Firefox || !console.contains(word), "{console}");
    }
}

/// One press, and the page shows what the terminal would, with both ends of the dial.
async fn shows_the_listener(browser: &Browser, kind: Kind, url: &str) {
    browser.open(url).await;
    let filled = Locator::Css("#mine:not([hidden])");
    browser.client.wait().at_most(PATIENCE).for_element(filled).await.expect("the listener's addresses");
    browser.press("#go").await;
    assert!(verdict(browser).await.contains("reachable"), "{}", browser.text("#report").await);
    browser.text(".other-end").await;
    let report = browser.report().await;
    assert_eq!(rules::faults(&report, 0), Vec::<String>::new(), "{report}");
    assert_eq!((&report["tool"]["runtime"], &report["transports"]["ws"]), (&json!("browser"), &json!("passed")), "{report}");
    assert_eq!(report["listener"]["attempts"][0]["direction"], "inbound", "{report}");
    is_quiet(browser, kind).await;
}

/// A native report is shown as it is, and compared with the page's own.
async fn opens_saved_reports(browser: &Browser) {
    let example = include_str!("../schema/example.json");
    browser.drop_files(&[("native.json", example)]).await;
    browser.client.wait().at_most(PATIENCE).for_element(Locator::Css("#report .verdict.bad")).await.expect("another report");
    assert!(browser.text("#report .verdict .words").await.contains("another peer answers"));
    let opened: Value = serde_json::from_str(example).expect("JSON");
    let shown = browser.report().await;
    assert_eq!((&shown["verdict"], &shown["started"]), (&opened["verdict"], &opened["started"]));
    for bad in ["hello", "{}"] {
        browser.drop_files(&[("bad.json", bad)]).await;
        let fault = browser.text("#fault:not([hidden])").await;
        assert!(fault.starts_with("bad.json is "), "{fault}");
    }
}

/// What is no address is said, and the next one is tried all the same.
async fn says_what_is_no_target(browser: &Browser) {
    browser.fill("#target", "nonsense").await;
    browser.press("#go").await;
    assert!(browser.text("#fault:not([hidden])").await.contains("nonsense"));
    browser.fill("#target", "/ip4/127.0.0.1/tcp/1/ws").await;
    browser.press("#go").await;
    browser.client.wait().at_most(PATIENCE).for_element(Locator::Css("#fault[hidden]")).await.expect("no fault any more");
    let words = verdict(browser).await;
    assert!(!words.contains('✔'), "{words}");
}

async fn visits(kind: Kind, name: &str, ip: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let places = ["tcp/0/ws", "udp/0/webrtc-direct", "tcp/0"].map(|place| format!("/ip4/{ip}/{place}"));
    let at = format!("{ip}:0");
    let (listener, _, url) = serve(home.path(), &places.each_ref().map(String::as_str), &["--page-addr", &at]);
    Browser::run(kind, name, &[], async |browser| {
        shows_the_listener(browser, kind, &url).await;
        browser.keep("-desktop").await;
        // A phone.
        browser.client.set_window_size(500, 900).await.expect("a narrow window");
        let wide =
            browser.call("return document.documentElement.scrollWidth - window.innerWidth", vec![]).await.expect("a number");
        assert!(wide.as_f64().expect("a number") <= 0.0, "the page is {wide} pixels too wide");
        browser.keep("-phone").await;
        browser.client.set_window_size(1280, 900).await.expect("a wide window");
        says_what_is_no_target(browser).await;
        opens_saved_reports(browser).await;
    })
    .await;
    ends(listener);
}

#[test]
fn a_visit_in_chromium() {
    within("browser::visit::a_visit_in_chromium", async || visits(Kind::Chromium, "visit-chromium", "127.0.0.1").await);
}

#[test]
fn a_visit_in_firefox() {
    // Over plain HTTP on a LAN: without WebTransport, which the page says.
    within("browser::visit::a_visit_in_firefox", async || visits(Kind::Firefox, "visit-firefox", LAN).await);
}
