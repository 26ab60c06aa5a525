//! Peers that open streams without end and send on them as much as they may: a report comes, the page stays alive, and what the
//! program holds is bounded.

use super::probes::{OVER_WS, attempt, open, pages, probe, works};
use super::{Browser, Kind, LAN, within};
use crate::certificate::Authority;
use crate::peer::Peer;
use crate::rules;
use serde_json::json;
use std::net::Ipv4Addr;

/// More than the program ever needs, in bytes. Its memory grows and never shrinks: what it has at the end is the most it had.
const MOST: u64 = 48 << 20;

/// What the program holds.
const HELD: &str = "
    const { default: load } = await import('/js/wasm/probe.js');
    return (await load()).memory.buffer.byteLength";

async fn outlives(kind: Kind, name: &str) {
    let authority = Authority::new();
    let peer = |transport: &str, floods: bool| {
        let script = json!({"kind": "libp2p", "transport": transport, "floods": floods, "ip": LAN});
        serde_json::from_value::<Peer>(script).expect("a script")
    };
    let (ws, webrtc) = (peer("ws", true).start(&authority).await, peer("webrtc-direct", true).start(&authority).await);
    let quiet = peer("ws", false).start(&authority).await;
    let certhash = webrtc.certhash.as_deref().expect("a certhash");
    let addresses = [
        format!("/ip4/127.0.0.1/tcp/{}/ws", ws.port),
        format!("/ip4/{LAN}/udp/{}/webrtc-direct/certhash/{certhash}", webrtc.port),
    ];
    let pages = pages(Ipv4Addr::LOCALHOST);
    Browser::run(kind, name, &[], async |browser| {
        open(browser, &pages).await;
        for address in &addresses {
            // Twice, so that nothing of the first is left in the way.
            for _ in 0..2 {
                let report = probe(browser, address, json!({"timeoutMs": 20_000})).await;
                assert_eq!(rules::faults(&report, 0), Vec::<String>::new(), "{report:#}");
                assert_eq!(attempt(&report)["outcome"], "passed", "{report:#}");
            }
        }
        let held = browser.run_in_page(HELD, &[]).await.expect("a size");
        assert!(held.as_u64().is_some_and(|held| held <= MOST), "{held} bytes are held");
        works(&probe(browser, &format!("/ip4/127.0.0.1/tcp/{}/ws", quiet.port), json!({})).await, &OVER_WS);
    })
    .await;
}

#[test]
fn chromium_outlives_a_flood() {
    within("browser::flood::chromium_outlives_a_flood", async || outlives(Kind::Chromium, "flood-chromium").await);
}

#[test]
fn firefox_outlives_a_flood() {
    within("browser::flood::firefox_outlives_a_flood", async || outlives(Kind::Firefox, "flood-firefox").await);
}
