//! The page of `listen` as its users meet it.

use super::{Browser, Kind, LAN, within};
use crate::program::{self, Live};
use crate::rules;
use fantoccini::Locator;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What is not shown by then will not be.
const PATIENCE: Duration = Duration::from_secs(30);

/// A listener on an address, and where its page is.
fn listen(home: &Path, ip: &str) -> (Live, String) {
    let mut command = Command::new(program::binary());
    program::settle(&mut command, home);
    let addresses = [format!("/ip4/{ip}/tcp/0/ws"), format!("/ip4/{ip}/udp/0/webrtc-direct"), format!("/ip4/{ip}/tcp/0")];
    command.args(["listen", "--ephemeral", "--format", "ndjson", "--page-addr", &format!("{ip}:0")]);
    for address in &addresses {
        command.args(["--listen", address]);
    }
    let mut live = Live::start(command);
    let page = live.until(|line| line["event"] == "page");
    (live, page["url"].as_str().expect("a URL").to_owned())
}

/// Waits for the end of a run, and gives the words of its verdict.
async fn verdict(browser: &Browser) -> String {
    let shown = Locator::Css("#tools:not([hidden])");
    browser.client.wait().at_most(PATIENCE).for_element(shown).await.expect("the run ends");
    text(browser, "#report .verdict .words").await
}

async fn text(browser: &Browser, css: &str) -> String {
    let found = browser.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
    found.unwrap_or_else(|error| panic!("{css}: {error}")).text().await.expect("its text")
}

async fn press(browser: &Browser, id: &str) {
    let button = browser.client.find(Locator::Id(id)).await.expect("a button");
    button.click().await.expect("it can be pressed");
}

/// The report that the page would hand out: what its link holds.
async fn report(browser: &Browser) -> Value {
    let script = "const { fromHash } = await import('/page/saved.js');
        let copied;
        navigator.clipboard ? navigator.clipboard.writeText = async text => { copied = text }
          : document.execCommand = () => { copied = document.activeElement.value; return true };
        document.getElementById('copy-link').click();
        while (copied === undefined) await new Promise(resolve => setTimeout(resolve, 10));
        return await fromHash(new URL(copied).hash)";
    let json = browser.call(script, vec![]).await.expect("the report");
    serde_json::from_str(json.as_str().expect("text")).expect("JSON")
}

/// Drops a file on the page.
async fn drop_file(browser: &Browser, name: &str, text: &str) {
    let script = "const [name, text] = arguments; const data = new DataTransfer();
        data.items.add(new File([text], name));
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))";
    browser.call(script, vec![name.into(), text.into()]).await.expect("dropped");
}

/// Nothing was refused by the page's own policy, and nothing was thrown.
async fn is_quiet(browser: &Browser, kind: Kind) {
    let console = browser.console().await;
    for word in ["Content Security Policy", "Content-Security-Policy", "Uncaught"] {
        // Firefox's log has more than this page's.
        assert!(kind == Kind::Firefox || !console.contains(word), "{console}");
    }
}

/// One press, and the page shows what the terminal would, with both ends of the dial.
async fn shows_the_listener(browser: &Browser, kind: Kind, url: &str) {
    browser.open(url).await;
    let filled = Locator::Css("#mine:not([hidden])");
    browser.client.wait().at_most(PATIENCE).for_element(filled).await.expect("the listener's addresses");
    press(browser, "go").await;
    assert!(verdict(browser).await.contains("reachable"), "{}", text(browser, "#report").await);
    text(browser, ".other-end").await;
    let report = report(browser).await;
    assert_eq!(rules::faults(&report, 0), Vec::<String>::new(), "{report}");
    assert_eq!((&report["tool"]["runtime"], &report["transports"]["ws"]), (&json!("browser"), &json!("passed")), "{report}");
    assert_eq!(report["listener"]["attempts"][0]["direction"], "inbound", "{report}");
    is_quiet(browser, kind).await;
}

/// A native report is shown as it is, and compared with the page's own.
async fn opens_saved_reports(browser: &Browser) {
    let example = include_str!("../schema/example.json");
    drop_file(browser, "native.json", example).await;
    browser.client.wait().at_most(PATIENCE).for_element(Locator::Css("#report .verdict.bad")).await.expect("another report");
    assert!(text(browser, "#report .verdict .words").await.contains("another peer answers"));
    let opened: Value = serde_json::from_str(example).expect("JSON");
    let shown = report(browser).await;
    assert_eq!((&shown["verdict"], &shown["started"]), (&opened["verdict"], &opened["started"]));
    for bad in ["hello", "{}"] {
        drop_file(browser, "bad.json", bad).await;
        let fault = text(browser, "#fault:not([hidden])").await;
        assert!(fault.starts_with("bad.json is "), "{fault}");
    }
}

/// What is no address is said, and the next one is tried all the same.
async fn says_what_is_no_target(browser: &Browser) {
    let field = browser.client.find(Locator::Id("target")).await.expect("the field");
    field.clear().await.expect("cleared");
    field.send_keys("nonsense").await.expect("typed");
    press(browser, "go").await;
    assert!(text(browser, "#fault:not([hidden])").await.contains("nonsense"));
    field.clear().await.expect("cleared");
    field.send_keys("/ip4/127.0.0.1/tcp/1/ws").await.expect("typed");
    press(browser, "go").await;
    browser.client.wait().at_most(PATIENCE).for_element(Locator::Css("#fault[hidden]")).await.expect("no fault any more");
    let words = verdict(browser).await;
    assert!(!words.contains('✔'), "{words}");
}

async fn visits(kind: Kind, name: &str, ip: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let (listener, url) = listen(home.path(), ip);
    Browser::run(kind, name, &[], async |browser| {
        shows_the_listener(browser, kind, &url).await;
        browser.keep("-desktop").await;
        // A phone.
        browser.client.set_window_size(500, 900).await.expect("a narrow window");
        let wide =
            browser.call("return document.documentElement.scrollWidth - window.innerWidth", vec![]).await.expect("a number");
        assert!(wide.as_f64().expect("a number") <= 0.0, "the page is {wide} pixels too wide");
        browser.keep("-phone").await;
        browser.client.set_window_size(1280, 900).await.expect("a wide window");
        says_what_is_no_target(browser).await;
        opens_saved_reports(browser).await;
    })
    .await;
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

#[test]
fn a_visit_in_chromium() {
    within("browser::visit::a_visit_in_chromium", async || visits(Kind::Chromium, "visit-chromium", "127.0.0.1").await);
}

#[test]
fn a_visit_in_firefox() {
    // Over plain HTTP on a LAN: without WebTransport, which the page says.
    within("browser::visit::a_visit_in_firefox", async || visits(Kind::Firefox, "visit-firefox", LAN).await);
}
