//! Local Network Access: a page from further away that a browser keeps from what is nearer says which permission it lacks.

use super::devtools::Devtools;
use super::hand::{ends, serve};
use super::probes::{OVER_WEBRTC, OVER_WEBTRANSPORT, OVER_WS, fails, open, pages, probe, works};
use super::{Browser, Kind, LAN, PUBLIC, within};
use crate::certificate::Authority;
use crate::interop::go;
use crate::listen;
use crate::program::Live;
use serde_json::{Value, json};

/// Probes from the page of `listen`.
const PROBE: &str = "
    const [address, options] = arguments;
    const { probe } = await import('/probe.js');
    return JSON.parse((await probe(address, { announced: false, ...options })).json())";

/// What the visitor has decided about a page, or has not.
async fn decide(browser: &Browser, origin: &str, setting: &str) {
    let permission = json!({"permission": {"name": "loopback-network"}, "setting": setting, "origin": origin});
    browser.client.issue_cmd(Devtools("Browser.setPermission", permission)).await.expect("a permission");
}

async fn from_the_page(browser: &Browser, address: &str) -> Value {
    browser.call(PROBE, vec![address.into(), json!({})]).await.unwrap_or_else(|error| panic!("{address}: {error}"))
}

/// The address with this part.
fn with<'a>(addresses: &'a [String], part: &str) -> &'a str {
    addresses.iter().find(|address| address.contains(part)).unwrap_or_else(|| panic!("{part}: {addresses:?}"))
}

/// Nobody listens there.
fn nobody(ip: &str) -> String {
    format!("/ip4/{ip}/tcp/45999/ws")
}

/// Over plain HTTP nobody is asked, and the answer is no.
#[test]
fn an_insecure_page_of_the_internet_reaches_nothing_nearer() {
    within("browser::permission::an_insecure_page_of_the_internet_reaches_nothing_nearer", async || {
        let home = tempfile::tempdir().expect("a folder");
        let places = ["127.0.0.1", LAN, PUBLIC].map(|ip| format!("/ip4/{ip}/tcp/0/ws"));
        let (listener, addresses) = listen::start_on(home.path(), &places.each_ref().map(String::as_str), &["--ephemeral"]);
        let pages = pages(PUBLIC.parse().expect("an address"));
        Browser::run(Kind::Chromium, "permission-insecure", &[], async |browser| {
            open(browser, &pages).await;
            for nearer in ["127.0.0.1", LAN] {
                let report = probe(browser, with(&addresses, nearer), json!({})).await;
                fails(&report, Some("upgrade"), "permission-needed");
                assert_eq!(report["verdict"]["code"], "inconclusive", "{report:#}");
                assert_eq!(report["verdict"]["hints"][0]["code"], "use-terminal", "{report:#}");
            }
            // As far away as the page itself: no permission is needed, and none is blamed.
            works(&probe(browser, with(&addresses, PUBLIC), json!({})).await, &OVER_WS);
            fails(&probe(browser, &nobody(PUBLIC), json!({})).await, Some("upgrade"), "opaque");
        })
        .await;
        ends(listener);
    });
}

/// Chromium lets a page of the local network reach the machine itself: there the permission is not to blame.
#[test]
fn a_page_of_the_lan_is_not_kept_from_loopback() {
    within("browser::permission::a_page_of_the_lan_is_not_kept_from_loopback", async || {
        let home = tempfile::tempdir().expect("a folder");
        let (listener, addresses) = listen::start_on(home.path(), &["/ip4/127.0.0.1/tcp/0/ws"], &["--ephemeral"]);
        let pages = pages(LAN.parse().expect("an address"));
        Browser::run(Kind::Chromium, "permission-lan", &[], async |browser| {
            open(browser, &pages).await;
            works(&probe(browser, &addresses[0], json!({})).await, &OVER_WS);
            fails(&probe(browser, &nobody("127.0.0.1"), json!({})).await, Some("upgrade"), "opaque");
            fails(&probe(browser, &nobody(LAN), json!({})).await, Some("upgrade"), "opaque");
        })
        .await;
        ends(listener);
    });
}

/// Over HTTPS the visitor decides, over WebSocket and WebTransport alike. WebRTC is not guarded.
#[test]
fn a_secure_page_of_the_internet_reaches_loopback_by_permission() {
    within("browser::permission::a_secure_page_of_the_internet_reaches_loopback_by_permission", async || {
        let authority = Authority::new();
        let files = authority.files();
        let [certificate, key] = files.each_ref().map(|file| file.to_str().expect("a path in UTF-8"));
        let at = format!("{PUBLIC}:0");
        let options = ["--tls-cert", certificate, "--tls-key", key, "--page-addr", &at];
        let places = ["/ip4/127.0.0.1/tcp/0/ws".to_owned(), format!("/ip4/{LAN}/udp/0/webrtc-direct")];
        let places = places.each_ref().map(String::as_str);
        let (listener, addresses, page) = serve(authority.folder(), &places, &options);
        let mut serve_go = go();
        serve_go.args(["serve", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1/webtransport"]);
        let mut go = Live::start(serve_go);
        let ready = go.next_json();
        let webtransport = ready["addrs"][0].as_str().expect("an address").to_owned();
        let port = page.trim_end_matches('/').rsplit(':').next().expect("a port").to_owned();
        let origin = format!("https://{PUBLIC}:{port}");
        Browser::run(Kind::Chromium, "permission-secure", &[], async |browser| {
            browser.open(&format!("{origin}/")).await;
            // One who is not there to answer has said no.
            for (setting, reached) in [("denied", false), ("granted", true), ("prompt", false)] {
                decide(browser, &origin, setting).await;
                let report = from_the_page(browser, with(&addresses, "/ws")).await;
                if reached {
                    works(&report, &OVER_WS);
                    fails(&from_the_page(browser, &nobody("127.0.0.1")).await, Some("upgrade"), "opaque");
                } else {
                    fails(&report, Some("upgrade"), "permission-needed");
                }
                let report = from_the_page(browser, &webtransport).await;
                if reached {
                    works(&report, &OVER_WEBTRANSPORT);
                } else {
                    fails(&report, Some("upgrade"), "permission-needed");
                }
                works(&from_the_page(browser, with(&addresses, "/webrtc-direct")).await, &OVER_WEBRTC);
            }
        })
        .await;
        go.finish();
        ends(listener);
    });
}
