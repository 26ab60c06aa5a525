//! webrtc-direct from a page that uses the browser's own `RTCPeerConnection` and nothing of libp2p's libraries.

use super::{Browser, Kind, LAN, Pages, within};
use crate::interop::prepared;
use crate::listen;
use crate::program::Live;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Chromium's announced change: it then refuses a description whose ICE credentials were rewritten.
const NO_MUNGING: &str = "--force-fieldtrials=WebRTC-NoSdpMangleUfrag/Enabled/";

/// The page of these tests.
fn page() -> Pages {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/browser/page");
    Pages::serve(vec![("/npm/", prepared("browser/node_modules")), ("/", here)])
}

/// Dials on the open page.
async fn dial(browser: &Browser, address: &str, version: u8, pings: u32) -> Value {
    let options = json!({"version": version, "pings": pings, "interval": 1000});
    browser.call("return await window.dial(...arguments)", vec![address.into(), options]).await.expect("the page answers")
}

/// What our listener tells of the next dialer: the version it spoke, and that it proved who it is.
fn seen(listener: &mut Live, version: u8) {
    let ended = |stage: &'static str| move |line: &Value| line["event"] == "stage-ended" && line["stage"] == stage;
    let connected = listener.until(ended("connect"));
    assert_eq!(connected["found"]["versions"][format!("v{version}")], true, "{connected}");
    let secured = listener.until(ended("secure"));
    assert_eq!(secured["outcome"], "passed", "{secured}");
}

/// Our listener, dialed in both versions, and 20 pings on one stream, one a second, in both at once.
async fn dials_us(kind: Kind, name: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let place = format!("/ip4/{LAN}/udp/0/webrtc-direct");
    let (mut listener, addresses) = listen::start_on(home.path(), &[&place], &["--ephemeral"]);
    let pages = page();
    let address = addresses[0].as_str();
    Browser::run(kind, name, &[], async |browser| {
        browser.open(&format!("{}/index.html", pages.origin)).await;
        for version in [1, 2] {
            let told = dial(browser, address, version, 1).await;
            assert_eq!(told["ok"], true, "version {version}: {told}");
            assert!(address.ends_with(told["peer"].as_str().expect("a peer")), "{told}");
            seen(&mut listener, version);
        }
        let both = "const [address, options] = arguments;
            return await Promise.all([1, 2].map(version => window.dial(address, { ...options, version })))";
        let options = json!({"pings": 20, "interval": 1000});
        for told in browser.call(both, vec![address.into(), options]).await.expect("the page answers").as_array().expect("two") {
            let pings: Vec<f64> = told["pings"].as_array().expect("pings").iter().filter_map(Value::as_f64).collect();
            assert_eq!(pings.len(), 20, "{told}");
            assert!(pings.iter().all(|ping| *ping < 1000.0), "{told}");
        }
    })
    .await;
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

#[test]
fn chromium_dials_us_over_webrtc_in_both_versions() {
    within("browser::plain::chromium_dials_us_over_webrtc_in_both_versions", async || {
        dials_us(Kind::Chromium, "plain-chromium").await;
    });
}

#[test]
fn firefox_dials_us_over_webrtc_in_both_versions() {
    within("browser::plain::firefox_dials_us_over_webrtc_in_both_versions", async || {
        dials_us(Kind::Firefox, "plain-firefox").await;
    });
}

/// Once Chromium has made its change, version 2 is what is left.
#[test]
fn chromium_that_refuses_rewritten_credentials_reaches_us_in_version_2() {
    within("browser::plain::chromium_that_refuses_rewritten_credentials_reaches_us_in_version_2", async || {
        let home = tempfile::tempdir().expect("a folder");
        let place = format!("/ip4/{LAN}/udp/0/webrtc-direct");
        let (listener, addresses) = listen::start_on(home.path(), &[&place], &["--ephemeral"]);
        let pages = page();
        Browser::run(Kind::Chromium, "plain-chromium-without-munging", &[NO_MUNGING], async |browser| {
            browser.open(&format!("{}/index.html", pages.origin)).await;
            let refused = dial(browser, &addresses[0], 1, 1).await;
            assert!(refused["error"].as_str().is_some_and(|error| error.starts_with("InvalidModificationError")), "{refused}");
            let told = dial(browser, &addresses[0], 2, 1).await;
            assert_eq!(told["ok"], true, "{told}");
        })
        .await;
        listener.signal("TERM");
        assert_eq!(listener.finish().exit, 0);
    });
}
