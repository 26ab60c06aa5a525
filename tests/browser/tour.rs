//! All that the page offers beside its button, in one visit: what its address asks for, copies, links, what is pasted and dropped,
//! two reports beside each other, a run that is stopped or that something else takes the place of.

use super::devtools::Devtools;
use super::hand::{ends, serve};
use super::session::PATIENCE;
use super::{Browser, Kind, within};
use crate::program;
use fantoccini::Locator;
use serde_json::{Value, json};
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// A native report of a failure.
const EXAMPLE: &str = include_str!("../schema/example.json");

/// The listener's addresses are there, and so is the page.
const FILLED: &str = "document.documentElement.dataset.ready === 'yes' && !document.getElementById('mine').hidden";

/// The button says this.
const STOPS: &str = "document.getElementById('go').textContent === 'Stop'";
const PROBES: &str = "document.getElementById('go').textContent === 'Probe'";

/// A machine that accepts and never says a word. One for each run: Firefox lets one that broke off wait.
struct Silent {
    address: String,
    /// Something when a dialer has come, and again when it has left.
    dialers: Receiver<()>,
}

impl Silent {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("/ip4/127.0.0.1/tcp/{}/ws", listener.local_addr().expect("bound").port());
        let (told, dialers) = mpsc::channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = told.send(());
                while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
                let _ = told.send(());
            }
        });
        Self { address, dialers }
    }

    /// Waits until a dialer has come or left.
    #[track_caller]
    fn told(&self) {
        self.dialers.recv_timeout(PATIENCE).expect("a dialer");
    }
}

async fn words(browser: &Browser) -> String {
    browser.text("#report .verdict .words").await
}

async fn value(browser: &Browser, expression: &str) -> Value {
    browser.call(&format!("return {expression}"), vec![]).await.expect("a value")
}

/// What stands in the page's address is the target, and the listener's own does not take its place.
async fn is_asked_for(browser: &Browser, page: &str) {
    browser.open(&format!("{page}?target=%2Fip4%2F127.0.0.1%2Ftcp%2F1%2Fws")).await;
    browser.until(FILLED).await;
    assert_eq!(value(browser, "document.getElementById('target').value").await, "/ip4/127.0.0.1/tcp/1/ws");
    assert_eq!(
        value(browser, "[document.getElementById('context').hidden, document.getElementById('unstarted')]").await,
        json!([true, null])
    );
}

/// The listener by a name that it does not know itself by: its end of the dial is shown all the same.
async fn shows_both_ends(browser: &Browser, own: &str) {
    let port = own.split('/').nth(4).expect("a port");
    browser.ask(&format!("/dns4/localhost/tcp/{port}/ws")).await;
    browser.text(".other-end .word.good").await;
    assert!(!browser.text("#report").await.contains("own network"), "nothing was measured");
}

/// Text as the terminal writes it of the same report. Gives the report.
async fn copies(browser: &Browser, home: &Path) -> String {
    let json = browser.copied("copy-json").await;
    assert_eq!((json.says.as_str(), json.status.as_str()), ("Copied", "Copied"));
    let report: Value = serde_json::from_str(&json.text).expect("JSON");
    assert_eq!(report["tool"]["runtime"], "browser", "{report}");
    assert_eq!(report["listener"]["attempts"][0]["direction"], "inbound", "{report}");
    std::fs::write(home.join("own.json"), &json.text).expect("a file");
    let shown = program::run(program::command(home, ["show", home.join("own.json").to_str().expect("UTF-8")]));
    let text = browser.copied("copy-text").await;
    assert_eq!(text.text, shown.stdout);
    // Of the same words a screen reader says nothing, so they go away first.
    assert_eq!((text.says.as_str(), text.status.as_str()), ("Copied", ""));
    browser.until("document.getElementById('status').textContent === 'Copied'").await;
    browser.until("document.getElementById('copy-text').textContent === 'Copy as text'").await;
    json.text
}

/// A report in the address: of a page that is opened by it, and of one that is there already.
async fn opens_links(browser: &Browser, page: &str, own: &str) {
    let link = browser.copied("copy-link").await.text;
    assert!(link.starts_with(page) && link.contains("#r="), "{link}");
    browser.open("about:blank").await;
    browser.open(&link).await;
    browser.ended().await;
    assert!(words(browser).await.contains("reachable"));
    let same: [Value; 2] = [&browser.copied("copy-json").await.text, own].map(|text| serde_json::from_str(text).expect("JSON"));
    assert_eq!(same[0], same[1]);
    browser.call("location.hash = encodeURIComponent(arguments[0])", vec![EXAMPLE.into()]).await.expect("an address");
    browser.text("#report .verdict.bad").await;
    assert!(words(browser).await.contains("another peer answers"));
}

/// By the keyboard, as a visitor does: from a field to the page.
async fn paste(browser: &Browser, text: &str) {
    let select = "const field = document.getElementById('target');
        field.value = arguments[0]; field.focus(); field.select()";
    browser.call(select, vec![text.replace('\n', "").into()]).await.expect("a selection");
    browser.with_control('c').await;
    browser.call("document.activeElement.blur()", vec![]).await.expect("no focus");
    browser.with_control('v').await;
}

async fn pastes(browser: &Browser, own: &str) {
    paste(browser, "nothing of the kind").await;
    assert!(browser.text("#fault:not([hidden])").await.starts_with("What was pasted is "));
    paste(browser, own).await;
    browser.text("#report .verdict.good").await;
    assert_eq!(browser.text("#fault").await, "");
}

/// The page's report beside itself, and alone again. The chooser of files is the browser's own: here it stays closed.
async fn compares(browser: &Browser, home: &Path) {
    browser.call("document.getElementById('file').click = () => {}", vec![]).await.expect("no chooser");
    browser.press("#compare").await;
    let chooser = browser.client.find(Locator::Id("file")).await.expect("a chooser");
    chooser.send_keys(home.join("own.json").to_str().expect("UTF-8")).await.expect("a file can be chosen");
    browser.text("#other:not([hidden]) .verdict").await;
    assert_eq!(browser.text("#report .name").await, "A: What was pasted");
    assert_eq!(browser.text("#other .name").await, "B: own.json");
    assert!(browser.text("#comparison").await.contains("ws"));
    browser.keep("-compared").await;
    browser.press("#close").await;
    browser.until("document.getElementById('other').hidden && document.getElementById('comparison').innerHTML === ''").await;
    assert_eq!(value(browser, "document.activeElement.id").await, "compare");
    assert_eq!(value(browser, "document.querySelectorAll('.report').length").await, 1);
    assert!(words(browser).await.contains("reachable"));
}

/// Of three files two are compared, and the third is named.
async fn leaves_the_third_out(browser: &Browser) {
    browser.drop_files(&[("a.json", EXAMPLE), ("b.json", EXAMPLE), ("c.json", EXAMPLE)]).await;
    assert_eq!(browser.text("#fault:not([hidden])").await, "c.json was left out: two reports are compared at a time.");
    assert_eq!(browser.text("#other .name").await, "B: b.json");
    browser.press("#close").await;
}

/// Text that is dropped is left to the browser, which puts it into a field.
async fn leaves_text_alone(browser: &Browser) {
    let taken = "const data = new DataTransfer();
        data.setData('text/plain', '/ip4/127.0.0.1/tcp/1/ws');
        const drag = kind => new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
        return ['dragover', 'drop'].filter(kind => !document.getElementById('target').dispatchEvent(drag(kind)))";
    assert_eq!(browser.call(taken, vec![]).await.expect("a list"), json!([]));
}

/// A field in a fold that is wrong comes to light.
async fn shows_what_is_wrong(browser: &Browser) {
    let set = "document.getElementById('pings').value = arguments[0];
        document.getElementById('pings').closest('details').open = false";
    browser.call(set, vec![101.into()]).await.expect("a number");
    browser.press("#go").await;
    browser.until("document.getElementById('pings').checkVisibility() && document.activeElement.id === 'pings'").await;
    assert_eq!(value(browser, PROBES).await, true);
    browser.call(set, vec![3.into()]).await.expect("a number");
}

/// A run is drawn while nothing happens but time. One that is stopped is a report of what it has seen.
async fn stops(browser: &Browser) {
    let silent = Silent::start();
    browser.fill("#target", &silent.address).await;
    browser.press("#go").await;
    silent.told();
    browser.until(STOPS).await;
    browser.until("parseFloat(document.querySelector('#report .bar .running')?.getAttribute('width')) > 50").await;
    // What stands in the fields by now would start no run.
    browser.fill("#target", "").await;
    browser.press("#go").await;
    browser.ended().await;
    let report = browser.report().await;
    assert_eq!((&report["complete"], &report["verdict"]["code"]), (&json!(false), &json!("inconclusive")), "{report}");
    assert!(browser.text("#report .run").await.contains("not complete"));
}

/// A report that is opened while a run lasts takes its place, for good.
async fn gives_way(browser: &Browser, kind: Kind) {
    let silent = Silent::start();
    browser.fill("#target", &silent.address).await;
    browser.press("#go").await;
    silent.told();
    browser.until(STOPS).await;
    browser.drop_files(&[("native.json", EXAMPLE)]).await;
    browser.text("#report .verdict.bad").await;
    browser.until(PROBES).await;
    // The run has ended, and whatever it would draw is drawn. Firefox keeps the connection for a while.
    if kind == Kind::Chromium {
        silent.told();
    }
    let frames = "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))";
    browser.call(frames, vec![]).await.expect("two frames");
    assert!(words(browser).await.contains("another peer answers"));
    let opened: Value = serde_json::from_str(EXAMPLE).expect("JSON");
    assert_eq!(browser.report().await["started"], opened["started"]);
}

/// What is said is said once, and to a screen reader too.
async fn says_it_once(browser: &Browser) {
    browser.ask("/ip4/127.0.0.1/tcp/1/ws").await;
    let told = value(browser, "document.getElementById('status').textContent").await;
    assert!(told.as_str().is_some_and(|told| told.to_lowercase().matches("could not be told").count() == 1), "{told}");
    assert!(words(browser).await.contains("could not be told"));
}

/// A report for the public names nobody, and the listener is not asked about it.
async fn redacts(browser: &Browser, own: &str) {
    let watch = "window.asked = 0;
        window.EventSource = class extends EventSource { constructor (...all) { super(...all); window.asked += 1 } };
        document.getElementById('redact').checked = true";
    browser.call(watch, vec![]).await.expect("a switch");
    browser.ask(own).await;
    assert_eq!(value(browser, "window.asked").await, 0);
    let (report, shown) = (browser.report().await, browser.text("#report").await);
    assert_eq!((&report["options"]["redacted"], &report["listener"]), (&json!(true), &Value::Null), "{report}");
    assert!(words(browser).await.contains("reachable") && shown.contains("addresses replaced"), "{shown}");
    let (_, peer) = own.split_once("/p2p/").expect("a peer ID");
    assert!(!report.to_string().contains(peer) && !shown.contains(peer), "{report}");
    browser.call("document.getElementById('redact').checked = false", vec![]).await.expect("a switch");
    browser.ask(own).await;
    browser.text(".other-end").await;
    assert_ne!(value(browser, "window.asked").await, 0);
}

/// A report that is drawn anew leaves the focus where it was.
async fn keeps_the_focus(browser: &Browser) {
    let mut report: Value = serde_json::from_str(EXAMPLE).expect("JSON");
    let announced = |port| json!({"address": format!("/ip4/203.0.113.7/tcp/{port}"), "scope": "documentation", "attempt": 1});
    report["peers"] = json!([{"id": "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ", "expected": true, "attempts": [1],
        "agent": null, "protocol_version": null, "protocols": [], "announced": [announced(1), announced(2)], "announced_total": 2}]);
    browser.drop_files(&[("announced.json", &report.to_string())]).await;
    browser.text("#report .announced a").await;
    // What is found is not in the next drawing, so each is found anew.
    let redrawn = "const { show } = await import('/page/view.js');
        const report = document.getElementById('report');
        const found = () => [...report.querySelectorAll('a, summary')];
        const name = element => element.localName + ' ' + element.parentElement.id + element.id;
        const lost = [];
        for (const place of found().keys()) {
            const element = found()[place];
            const before = name(element);
            element.focus();
            show(report, report.innerHTML);
            const after = name(document.activeElement);
            if (after !== before) lost.push(before + ' to ' + after);
        }
        return { lost, kinds: [...new Set(found().map(({ localName }) => localName))].sort() }";
    let kept = browser.call(redrawn, vec![]).await.expect("a list");
    assert_eq!(kept, json!({"lost": [], "kinds": ["a", "summary"]}));
}

/// Keeps the program back until it is let go, and counts the connections that are made.
const KEEP_BACK: &str = "{
    const { fetch, WebSocket } = window;
    window.fetch = async (...all) => {
        if (String(all[0]).endsWith('.wasm')) await new Promise(resolve => { window.letGo = resolve });
        return fetch(...all);
    };
    window.dials = 0;
    window.WebSocket = class extends WebSocket { constructor (...all) { super(...all); window.dials += 1 } };
}";

/// While the program loads, the button stops what it has begun: however often it is pressed, there is one run.
async fn waits_for_the_program(browser: &Browser, page: &str, own: &str) {
    let script = json!({"source": KEEP_BACK});
    browser.client.issue_cmd(Devtools("Page.addScriptToEvaluateOnNewDocument", script)).await.expect("a script");
    browser.open("about:blank").await;
    browser.open(page).await;
    browser.until(&format!("{FILLED} && window.letGo !== undefined")).await;
    browser.fill("#target", own).await;
    for (condition, report, status) in [
        (STOPS, "The program is being loaded …", "Loading"),
        (PROBES, "", ""),
        (STOPS, "The program is being loaded …", "Loading"),
    ] {
        browser.press("#go").await;
        browser.until(condition).await;
        assert_eq!(value(browser, "document.getElementById('status').textContent").await, status);
        assert_eq!(browser.text("#report").await, report);
    }
    browser.call("window.letGo()", vec![]).await.expect("a program");
    browser.text(".other-end .word.good").await;
    assert!(words(browser).await.contains("reachable"));
    assert_eq!(value(browser, "window.dials").await, 1);
}

/// Where Firefox is sure to be the reason, it is named.
async fn names_firefox(browser: &Browser, webrtc: &str) {
    browser.ask(webrtc).await;
    let hints = browser.text("#report .hints").await;
    assert!(hints.contains("Firefox does no WebRTC over loopback"), "{hints}");
}

async fn tour(kind: Kind, name: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let places = ["/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/udp/0/webrtc-direct"];
    let (listener, addresses, page) = serve(home.path(), &places, &["--page-addr", "127.0.0.1:0"]);
    Browser::run(kind, name, &[], async |browser| {
        is_asked_for(browser, &page).await;
        shows_both_ends(browser, &addresses[0]).await;
        let own = copies(browser, home.path()).await;
        opens_links(browser, &page, &own).await;
        pastes(browser, &own).await;
        compares(browser, home.path()).await;
        leaves_the_third_out(browser).await;
        leaves_text_alone(browser).await;
        shows_what_is_wrong(browser).await;
        stops(browser).await;
        gives_way(browser, kind).await;
        says_it_once(browser).await;
        redacts(browser, &addresses[0]).await;
        keeps_the_focus(browser).await;
        match kind {
            Kind::Chromium => waits_for_the_program(browser, &page, &addresses[0]).await,
            Kind::Firefox => names_firefox(browser, &addresses[1]).await,
        }
    })
    .await;
    ends(listener);
}

#[test]
fn a_tour_in_chromium() {
    within("browser::tour::a_tour_in_chromium", async || tour(Kind::Chromium, "tour-chromium").await);
}

#[test]
fn a_tour_in_firefox() {
    within("browser::tour::a_tour_in_firefox", async || tour(Kind::Firefox, "tour-firefox").await);
}
