//! The page where it is not at home: its files on a static host, opened from a disk, over plain HTTP on a LAN, and over HTTPS.

use super::hand::{ends, serve};
use super::{Browser, Kind, LAN, Pages, within};
use crate::certificate::Authority;
use crate::program;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What `page --out` writes.
fn written(home: &Path) -> PathBuf {
    let site = home.join("site");
    let run = program::run(program::command(home, ["page", "--out", site.to_str().expect("UTF-8")]));
    assert_eq!(run.exit, 0, "{}", run.stderr);
    site
}

/// Nobody tells of a listener there, and probes are made all the same.
async fn on_a_static_host(browser: &Browser, site: &Path, address: &str) {
    let pages = Pages::serve(vec![("/", site.to_owned())]);
    browser.open(&format!("{}/index.html", pages.origin)).await;
    browser.until("document.documentElement.dataset.ready === 'yes'").await;
    browser.ask(address).await;
    let report = browser.report().await;
    assert_eq!((&report["verdict"]["code"], &report["listener"]), (&Value::from("reachable"), &Value::Null), "{report}");
    assert!(browser.text("#report .verdict .words").await.contains("reachable"));
    assert_eq!((browser.text("#fault").await, browser.text("#mine").await), (String::new(), String::new()));
}

/// From a file nothing starts, and the page says so.
async fn from_a_disk(browser: &Browser, site: &Path) {
    browser.open(&format!("file://{}", site.join("index.html").display())).await;
    browser.until("getComputedStyle(document.getElementById('unstarted')).visibility === 'visible'").await;
    assert!(browser.text("#unstarted").await.contains("From a file (file://) browsers start none"));
}

/// Without a secure context there is no WebTransport, which the page says.
async fn over_plain_http(browser: &Browser, port: &str) {
    browser.open(&format!("http://{LAN}:{port}/")).await;
    browser.until("!document.getElementById('mine').hidden").await;
    let banner = browser.text("#context:not([hidden])").await;
    assert!(banner.contains("the browser has no WebTransport here") && banner.contains("--tls-cert"), "{banner}");
}

/// A page that came by HTTPS may use WSS alone, which is known before anything is dialed.
async fn over_https(browser: &Browser, port: &str, ws: &str, wss: &str) {
    browser.open(&format!("https://{LAN}:{port}/")).await;
    browser.until("!document.getElementById('mine').hidden && document.getElementById('target').value !== ''").await;
    assert_eq!(browser.text("#context").await, "");
    browser.ask(ws).await;
    let report = browser.report().await;
    assert_eq!(report["attempts"][0]["cause"]["code"], "mixed-content", "{report}");
    assert_eq!(report["attempts"][0]["stages"], Value::Array(vec![]), "{report}");
    let shown = browser.text("#report").await;
    assert!(shown.contains("A page served over HTTPS may use /wss only"), "{shown}");
    browser.ask(wss).await;
    let report = browser.report().await;
    assert_eq!(report["verdict"]["code"], "reachable", "{report}");
}

async fn elsewhere(kind: Kind, name: &str) {
    let authority = Authority::new();
    let files = authority.files();
    let [certificate, key] = files.each_ref().map(|file| file.to_str().expect("a path in UTF-8"));
    let (ws, at) = (format!("/ip4/{LAN}/tcp/0/ws"), format!("{LAN}:0"));
    let options = ["--tls-cert", certificate, "--tls-key", key, "--page-addr", &at];
    let (listener, addresses, page) = serve(authority.folder(), &[&ws, "/ip4/127.0.0.1/tcp/0/wss"], &options);
    let port = page.trim_end_matches('/').rsplit(':').next().expect("a port");
    let site = written(authority.folder());
    let more = match kind {
        Kind::Chromium => json!({}),
        // As users have it; its driver makes files one origin.
        Kind::Firefox => json!({"prefs": {"security.fileuri.strict_origin_policy": true}}),
    };
    Browser::run_with(kind, name, &[], &more, async |browser| {
        on_a_static_host(browser, &site, &addresses[0]).await;
        from_a_disk(browser, &site).await;
        over_plain_http(browser, port).await;
        over_https(browser, port, &addresses[0], &addresses[1]).await;
    })
    .await;
    ends(listener);
}

#[test]
fn elsewhere_in_chromium() {
    within("browser::elsewhere::elsewhere_in_chromium", async || elsewhere(Kind::Chromium, "elsewhere-chromium").await);
}

#[test]
fn elsewhere_in_firefox() {
    within("browser::elsewhere::elsewhere_in_firefox", async || elsewhere(Kind::Firefox, "elsewhere-firefox").await);
}
