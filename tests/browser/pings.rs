//! Twenty pings, one a second, from the page of `listen` over its own webrtc-direct: none stalls.

use super::hand::{ends, serve};
use super::{Browser, Kind, LAN, within};
use serde_json::Value;

/// Chosen as a visitor would, by the fields of the page.
const CHOOSE: &str = "
    const field = (id, value) => { document.getElementById(id).value = value };
    field('pings', 20); field('pause', 1);";

async fn pings(kind: Kind, name: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let place = format!("/ip4/{LAN}/udp/0/webrtc-direct");
    let (listener, addresses, page) = serve(home.path(), &[&place], &["--page-addr", "127.0.0.1:0"]);
    Browser::run(kind, name, &[], async |browser| {
        browser.open(&page).await;
        browser.until("document.getElementById('target').value !== ''").await;
        browser.call(CHOOSE, vec![]).await.expect("fields");
        browser.ask(&addresses[0]).await;
        browser.press("#download").await;
        let report: Value = serde_json::from_str(&browser.downloaded().await).expect("JSON");
        let stages = report["attempts"][0]["stages"].as_array().expect("stages");
        let ping = stages.iter().find(|stage| stage["stage"] == "ping").unwrap_or_else(|| panic!("{report:#}"));
        let found = &ping["found"];
        assert_eq!((&found["sent"], &found["received"]), (&20.into(), &20.into()), "{ping}");
        // Each was answered before the next was due, on one stream.
        let samples: Vec<f64> = found["samples_ms"].as_array().expect("times").iter().filter_map(Value::as_f64).collect();
        assert!(samples.len() == 20 && samples.iter().all(|sample| *sample < 1000.0), "{ping}");
        assert_eq!(found["responder_stall_ms"], Value::Null, "{ping}");
        assert!(ping["elapsed_ms"].as_f64().is_some_and(|elapsed| elapsed >= 19_000.0), "{ping}");
    })
    .await;
    ends(listener);
}

#[test]
fn a_page_in_chromium_pings_once_a_second() {
    within("browser::pings::a_page_in_chromium_pings_once_a_second", async || pings(Kind::Chromium, "pings-chromium").await);
}

#[test]
fn a_page_in_firefox_pings_once_a_second() {
    within("browser::pings::a_page_in_firefox_pings_once_a_second", async || pings(Kind::Firefox, "pings-firefox").await);
}
