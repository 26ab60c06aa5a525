//! A panic in the WebAssembly is told, not passed over.

use super::hand::{ends, serve};
use super::{Browser, Kind, within};

/// What the program cannot do without: it panics where there is no randomness.
const POISON: &str = "Crypto.prototype.getRandomValues = () => { throw new Error('poisoned') }";

async fn tells(kind: Kind, name: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let (listener, addresses, page) = serve(home.path(), &["/ip4/127.0.0.1/tcp/0/ws"], &["--page-addr", "127.0.0.1:0"]);
    Browser::run(kind, name, &[], async |browser| {
        browser.open(&page).await;
        browser.until("document.getElementById('target').value !== ''").await;
        browser.call(POISON, vec![]).await.expect("a script");
        // The next one is refused at once: memory may be in any state.
        for _ in 0..2 {
            browser.press("#go").await;
            let told = browser.text("#fault:not([hidden])").await;
            assert!(told.starts_with("P2p-probe has a defect and stopped: "), "{told}");
            assert!(told.contains("panicked at") && told.ends_with("Load it anew to go on."), "{told}");
            browser.until("document.getElementById('go').textContent === 'Probe'").await;
            assert_eq!(browser.text("#status").await, "");
        }
        browser.open(&page).await;
        browser.until("document.getElementById('target').value !== ''").await;
        browser.ask(&addresses[0]).await;
        assert!(browser.text("#report .verdict .words").await.contains("reachable"));
    })
    .await;
    ends(listener);
}

#[test]
fn a_panic_is_told_in_chromium() {
    within("browser::defect::a_panic_is_told_in_chromium", async || tells(Kind::Chromium, "defect-chromium").await);
}

#[test]
fn a_panic_is_told_in_firefox() {
    within("browser::defect::a_panic_is_told_in_firefox", async || tells(Kind::Firefox, "defect-firefox").await);
}
