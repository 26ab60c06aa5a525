//! The engine in a page: the same as `p2p-probe dial`, as WebAssembly over the transports of `js/`.

use super::conformance::driver;
use super::{Browser, Kind, Pages, within};
use crate::certificate::Authority;
use crate::interop::go;
use crate::listen;
use crate::program::Live;
use crate::rules;
use serde_json::Value;
use std::path::PathBuf;

/// Probes, and tells the report and what a program would end with.
const PROBE: &str = "
    const [address, upstream] = arguments;
    const { probe } = await import('/js/probe.js');
    const options = { announced: false };
    if (upstream) {
        const driver = await import('/driver/driver.js');
        await driver.default();
        options.transport = driver.upstream_websockets();
    }
    const report = await probe(address, options);
    return { report: JSON.parse(report.json()), exit: report.exitCode(false, false) }";

/// The program, and libp2p-wasm-ext's own WebSocket transport.
fn pages() -> Pages {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    assert!(here.join("js/wasm/probe.js").is_file(), "js/wasm is missing: cargo build makes it");
    Pages::serve(vec![("/driver/", driver()), ("/js/", here.join("js")), ("/", here.join("tests/browser/page"))])
}

/// A report that keeps the rules of all reports.
async fn probe(browser: &Browser, address: &str, upstream: bool, exit: i32) -> Value {
    let told = browser.run_in_page(PROBE, &[address.into(), upstream.into()]).await;
    let told = told.unwrap_or_else(|error| panic!("{address}: {error}"));
    let report = told["report"].clone();
    assert_eq!(told["exit"], exit, "{address}: {report}");
    assert_eq!(rules::faults(&report, exit), Vec::<String>::new(), "{address}: {report}");
    assert_eq!(report["tool"]["runtime"], "browser", "{report}");
    report
}

/// The peer is reached, without a flaw.
async fn reaches(browser: &Browser, address: &str, upstream: bool) {
    let report = probe(browser, address, upstream, 0).await;
    let stages = report["attempts"][0]["stages"].as_array().cloned().unwrap_or_default();
    assert!(stages.len() > 2 && stages.iter().all(|stage| stage["outcome"] == "passed"), "{address}: {report}");
    let peer = report["peers"][0]["id"].as_str().unwrap_or_else(|| panic!("{address}: no peer: {report}"));
    assert!(address.ends_with(peer), "{address}: {report}");
}

/// What a page cannot do or see, it says.
async fn says_what_it_cannot(browser: &Browser) {
    let hidden = probe(browser, "/ip4/127.0.0.1/tcp/1/ws", false, 1).await;
    assert_eq!(hidden["attempts"][0]["cause"]["code"], "opaque", "{hidden}");
    for address in ["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/udp/1/quic-v1"] {
        let left_out = probe(browser, address, false, 1).await;
        assert_eq!(left_out["attempts"][0]["why"]["code"], "not-in-this-runtime", "{left_out}");
    }
}

async fn probes(kind: Kind, name: &str) {
    let pages = pages();
    let authority = Authority::new();
    let files = authority.files();
    let tls = files.each_ref().map(|file| file.to_str().expect("a path in UTF-8"));
    let tls = ["--tls-cert", tls[0], "--tls-key", tls[1]];
    let ours = ["/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/tcp/0/wss"];
    let (listener, mut addresses) = listen::start_on(authority.folder(), &ours, &[&["--ephemeral"], &tls[..]].concat());
    let mut peer = go();
    peer.arg("serve").args(tls).args(["--listen", "/ip4/127.0.0.1/tcp/0/ws", "--listen", "/ip4/127.0.0.1/tcp/0/tls/ws"]);
    let mut peer = Live::start(peer);
    let ready = peer.next_json();
    addresses.extend(ready["addrs"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    assert_eq!(addresses.len(), 4, "{addresses:?}");
    Browser::run(kind, name, &[], async |browser| {
        browser.open(&format!("{}/empty.html", pages.origin)).await;
        for address in &addresses {
            reaches(browser, address, false).await;
        }
        // And over the transport that the interface comes with: the engine's side speaks it as published.
        reaches(browser, &addresses[0], true).await;
        says_what_it_cannot(browser).await;
    })
    .await;
    peer.finish();
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

#[test]
fn the_engine_probes_in_chromium() {
    within("browser::engine::the_engine_probes_in_chromium", async || probes(Kind::Chromium, "engine-chromium").await);
}

#[test]
fn the_engine_probes_in_firefox() {
    within("browser::engine::the_engine_probes_in_firefox", async || probes(Kind::Firefox, "engine-firefox").await);
}
