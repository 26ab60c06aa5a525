//! The page on a phone and on a desk, by day and by night: nothing is cut off, and nothing is wider than the screen.

use super::devtools::Devtools;
use super::hand::{ends, serve};
use super::{Browser, Kind, LAN, within};
use serde_json::{Value, json};

/// A phone's width, in CSS pixels.
const PHONE: u32 = 375;

/// A screen's.
const DESK: u32 = 1280;

/// Firefox makes no window narrower than this.
const NARROWEST: u32 = 500;

/// Firefox by day or by night.
fn scheme(dark: bool) -> Value {
    // 0 is dark, 1 is light.
    json!({"prefs": {"layout.css.prefers-color-scheme.content-override": i32::from(!dark)}})
}

/// How much wider the page is than its window, and what sticks out, though nothing scrolls there by itself.
const WIDE: &str = "
    const width = document.documentElement.clientWidth;
    const out = [...document.querySelectorAll('body *')].filter(element => {
        const { left, right, width: own } = element.getBoundingClientRect();
        return own > 1 && (right > width + 1 || left < -1) && element.closest('svg, .hidden') === null;
    });
    return { width, wide: document.documentElement.scrollWidth - width, out: out.map(({ outerHTML }) => outerHTML.slice(0, 120)) }";

async fn narrow(browser: &Browser, kind: Kind, dark: bool) {
    if kind == Kind::Firefox {
        return browser.client.set_window_size(NARROWEST, 2400).await.expect("a narrow window");
    }
    let screen = json!({"width": PHONE, "height": 2400, "deviceScaleFactor": 2, "mobile": true});
    let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" }}]});
    browser.client.issue_cmd(Devtools("Emulation.setDeviceMetricsOverride", screen)).await.expect("a phone");
    browser.client.issue_cmd(Devtools("Emulation.setEmulatedMedia", scheme)).await.expect("a scheme");
}

async fn wide(browser: &Browser) {
    browser.client.issue_cmd(Devtools("Emulation.clearDeviceMetricsOverride", json!({}))).await.expect("a desk");
}

async fn fits(browser: &Browser, what: &str, most: u32) {
    let told = browser.call(WIDE, vec![]).await.expect("a width");
    assert!(told["wide"].as_i64() <= Some(0) && told["out"] == json!([]), "{what}: {told:#}");
    assert!(told["width"].as_u64() <= Some(most.into()), "{what}: the window is no phone's: {told:#}");
    browser.keep(&format!("-{what}")).await;
}

/// A report with much in it.
async fn saved(browser: &Browser, name: &str, text: &str) {
    browser.call("document.getElementById('status').textContent = ''", vec![]).await.expect("a status");
    browser.drop_files(&[(name, text)]).await;
    browser.ended().await;
}

async fn looks(kind: Kind, name: &str, dark: bool) {
    let home = tempfile::tempdir().expect("a folder");
    let places =
        ["/ip4/127.0.0.1/tcp/0/ws".to_owned(), format!("/ip4/{LAN}/udp/0/webrtc-direct"), "/ip4/127.0.0.1/tcp/0".to_owned()];
    let places = places.each_ref().map(String::as_str);
    let (listener, addresses, page) = serve(home.path(), &places, &["--page-addr", "127.0.0.1:0"]);
    let with = |part| addresses.iter().find(|address| address.contains(part)).expect("an address");
    let (phone, more) = match kind {
        Kind::Chromium => (PHONE, json!({})),
        Kind::Firefox => (NARROWEST, scheme(dark)),
    };
    Browser::run_with(kind, name, &[], &more, async |browser| {
        narrow(browser, kind, dark).await;
        browser.open(&page).await;
        browser.until("!document.getElementById('mine').hidden").await;
        fits(browser, "empty", phone).await;
        browser
            .call("for (const details of document.querySelectorAll('details')) details.open = true", vec![])
            .await
            .expect("open");
        fits(browser, "choices", phone).await;
        browser.ask(with("/webrtc-direct")).await;
        browser
            .call("for (const details of document.querySelectorAll('#report details')) details.open = true", vec![])
            .await
            .expect("open");
        fits(browser, "report", phone).await;
        saved(browser, "failed.json", include_str!("../schema/example.json")).await;
        fits(browser, "failed", phone).await;
        saved(browser, "network.json", include_str!("network.json")).await;
        fits(browser, "network", phone).await;
        if kind == Kind::Chromium {
            wide(browser).await;
            fits(browser, "network-desk", DESK).await;
            browser.ask(with("/ws")).await;
            fits(browser, "desk", DESK).await;
        }
    })
    .await;
    ends(listener);
}

#[test]
fn on_a_phone_in_chromium_by_day() {
    within("browser::look::on_a_phone_in_chromium_by_day", async || looks(Kind::Chromium, "look-chromium-day", false).await);
}

#[test]
fn on_a_phone_in_chromium_by_night() {
    within("browser::look::on_a_phone_in_chromium_by_night", async || looks(Kind::Chromium, "look-chromium-night", true).await);
}

#[test]
fn on_a_phone_in_firefox_by_day() {
    within("browser::look::on_a_phone_in_firefox_by_day", async || looks(Kind::Firefox, "look-firefox-day", false).await);
}

#[test]
fn on_a_phone_in_firefox_by_night() {
    within("browser::look::on_a_phone_in_firefox_by_night", async || looks(Kind::Firefox, "look-firefox-night", true).await);
}
