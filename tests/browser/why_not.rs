//! What a page says where webrtc-direct, WebTransport or a WebSocket reach nothing: the same in both browsers.

use super::probes::{OTHER_CERTHASH, OVER_WEBRTC, OVER_WS, fails, open, ours, pages, probe, works};
use super::{Browser, Kind, LAN, within};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// Chromium's announced change: it then refuses a description whose ICE credentials were rewritten.
const NO_MUNGING: &str = "--force-fieldtrials=WebRTC-NoSdpMangleUfrag/Enabled/";

/// A port where nothing listens, and that no browser takes for one of another protocol.
const NOBODY: u16 = 45_999;

/// An address with another part in the place of one of its own.
fn with(address: &str, name: &str, value: &str) -> String {
    let mut parts: Vec<_> = address.split('/').collect();
    let place = parts.iter().position(|part| *part == name).expect("a part of it");
    parts[place + 1] = value;
    parts.join("/")
}

/// Where nothing is to come: of the rest each comes to its end by itself, however long a busy browser takes to get there.
fn silence() -> Value {
    json!({"timeoutMs": 3000})
}

/// Of each address that cannot be reached: what it is, what else is asked for, where it ends, and why.
fn unreachable(ws: &str, webrtc: &str) -> Vec<(String, Value, Option<&'static str>, &'static str)> {
    let own = || json!({});
    let nobody = NOBODY.to_string();
    let stranger = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";
    let certhash = webrtc.split('/').skip_while(|part| *part != "certhash").nth(1).expect("a certhash");
    let without = webrtc.replace(&format!("/certhash/{certhash}"), "");
    vec![
        (with(ws, "tcp", &nobody), own(), Some("upgrade"), "opaque"),
        (with(ws, "p2p", stranger), own(), Some("secure"), "wrong-peer"),
        (with(webrtc, "p2p", stranger), own(), Some("secure"), "wrong-peer"),
        (with(webrtc, "udp", &nobody), silence(), Some("connect"), "udp-silent"),
        (with(webrtc, "certhash", OTHER_CERTHASH), own(), Some("dtls"), "opaque"),
        (without, own(), None, "certhash-missing"),
        (webrtc.replace(&format!("/ip4/{LAN}"), "/dns4/node.example.org"), own(), None, "not-in-this-runtime"),
        (format!("/ip4/{LAN}/udp/{nobody}/quic-v1/webtransport"), own(), None, "certhash-missing"),
        (format!("/ip4/{LAN}/udp/{nobody}/quic-v1"), own(), None, "not-in-this-runtime"),
        (format!("/ip4/{LAN}/tcp/{nobody}"), own(), None, "not-in-this-runtime"),
    ]
}

async fn tell_why_not(kind: Kind, name: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let (listener, ws, webrtc) = ours(home.path());
    let pages = pages(Ipv4Addr::LOCALHOST);
    Browser::run(kind, name, &[], async |browser| {
        open(browser, &pages).await;
        for (address, options, stage, code) in unreachable(&ws, &webrtc) {
            fails(&probe(browser, &address, options).await, stage, code);
        }
        // Of two certificates that an address promises, either may be the one shown.
        for both in ["/certhash/OTHER/certhash", "/certhash/OTHER"] {
            let (from, to) =
                if both.ends_with("OTHER") { ("/p2p/", format!("{both}/p2p/")) } else { ("/certhash", both.to_owned()) };
            let address = webrtc.replacen(from, &to.replace("OTHER", OTHER_CERTHASH), 1);
            works(&probe(browser, &address, json!({})).await, &OVER_WEBRTC);
        }
    })
    .await;
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

#[test]
fn chromium_tells_why_not() {
    within("browser::why_not::chromium_tells_why_not", async || tell_why_not(Kind::Chromium, "why-not-chromium-why").await);
}

#[test]
fn firefox_tells_why_not() {
    within("browser::why_not::firefox_tells_why_not", async || tell_why_not(Kind::Firefox, "why-not-firefox-why").await);
}

/// Once Chromium has made its change, version 2 is what is left.
#[test]
fn chromium_that_refuses_rewritten_credentials() {
    within("browser::why_not::chromium_that_refuses_rewritten_credentials", async || {
        let home = tempfile::tempdir().expect("a folder");
        let (listener, _, webrtc) = ours(home.path());
        let pages = pages(Ipv4Addr::LOCALHOST);
        Browser::run(Kind::Chromium, "why-not-chromium-without-munging", &[NO_MUNGING], async |browser| {
            open(browser, &pages).await;
            works(&probe(browser, &webrtc, json!({})).await, &OVER_WEBRTC);
            let refused = "ice-credentials-refused";
            fails(&probe(browser, &webrtc, json!({"webrtc": "v1"})).await, Some("connect"), refused);
            // Silence may come of a listener that speaks version 1 alone.
            let silent = with(&webrtc, "udp", &NOBODY.to_string());
            let report = probe(browser, &silent, silence()).await;
            fails(&report, Some("connect"), refused);
            let said = report["verdict"]["hints"][0]["text"].as_str().unwrap_or_default();
            assert!(said.contains("asked and not answered"), "{report:#}");
        })
        .await;
        listener.signal("TERM");
        assert_eq!(listener.finish().exit, 0);
    });
}

/// A page over plain HTTP from another machine has no WebTransport, and all the rest.
#[test]
fn a_page_that_is_not_secure() {
    within("browser::why_not::a_page_that_is_not_secure", async || {
        let home = tempfile::tempdir().expect("a folder");
        let (listener, ws, webrtc) = ours(home.path());
        let pages = pages(LAN.parse().expect("an address"));
        Browser::run(Kind::Chromium, "why-not-chromium-not-secure", &[], async |browser| {
            open(browser, &pages).await;
            let webtransport = format!("/ip4/{LAN}/udp/{NOBODY}/quic-v1/webtransport/certhash/{OTHER_CERTHASH}");
            fails(&probe(browser, &webtransport, json!({})).await, None, "needs-secure-context");
            works(&probe(browser, &ws, json!({})).await, &OVER_WS);
            works(&probe(browser, &webrtc, json!({})).await, &OVER_WEBRTC);
        })
        .await;
        listener.signal("TERM");
        assert_eq!(listener.finish().exit, 0);
    });
}
