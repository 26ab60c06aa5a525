//! The transports of `js/` in a page, driven by libp2p-wasm-ext's own `ExtTransport`: what `tests/conformance` does in Node.

use super::{Browser, Kind, Pages, within};
use crate::certificate::Authority;
use crate::interop::cache;
use crate::listen;
use std::path::PathBuf;

/// Pings over one connection, 20 ms apart.
const PINGS: u32 = 20;

/// `createTransport()` is asked, as a page would.
const DIAL: &str = "
    const [address, pings] = arguments;
    const [driver, { createTransport }] = await Promise.all([import('/driver/driver.js'), import('/js/index.js')]);
    await driver.default();
    return await driver.dial(createTransport(), address, pings)";

/// What a page cannot do is told at once.
const DIAL_TCP: &str = "
    const { createTransport } = await import('/js/index.js');
    try { await createTransport().dial('/ip4/127.0.0.1/tcp/1', true) } catch (error) { return error.code }";

/// The program that `tests/conformance` builds.
pub(super) fn driver() -> PathBuf {
    let driver = cache().join("conformance/driver");
    assert!(driver.is_dir(), "{} is missing: run tests/conformance/run --build", driver.display());
    driver
}

async fn dials_us(kind: Kind, name: &str) {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let pages = Pages::serve(vec![("/driver/", driver()), ("/js/", here.join("js")), ("/", here.join("tests/browser/page"))]);
    let authority = Authority::new();
    let files = authority.files();
    let [certificate, key] = files.each_ref().map(|file| file.to_str().expect("a path in UTF-8"));
    let places = ["/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/tcp/0/wss"];
    let options = ["--ephemeral", "--tls-cert", certificate, "--tls-key", key];
    let (listener, addresses) = listen::start_on(authority.folder(), &places, &options);
    Browser::run(kind, name, &[], async |browser| {
        browser.open(&format!("{}/empty.html", pages.origin)).await;
        for address in &addresses {
            let peer = browser.run_in_page(DIAL, &[address.as_str().into(), PINGS.into()]).await;
            let peer = peer.unwrap_or_else(|error| panic!("{address}: {error}"));
            assert!(address.ends_with(peer.as_str().expect("a peer ID")), "{address}: {peer}");
        }
        let told = browser.run_in_page(DIAL_TCP, &[]).await.expect("an answer");
        assert_eq!(told, "not-in-this-runtime");
    })
    .await;
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

#[test]
fn its_own_crate_drives_the_js_transport_in_chromium() {
    within("browser::conformance::its_own_crate_drives_the_js_transport_in_chromium", async || {
        dials_us(Kind::Chromium, "conformance-chromium").await;
    });
}

#[test]
fn its_own_crate_drives_the_js_transport_in_firefox() {
    within("browser::conformance::its_own_crate_drives_the_js_transport_in_firefox", async || {
        dials_us(Kind::Firefox, "conformance-firefox").await;
    });
}
