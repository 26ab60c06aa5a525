//! The page by keyboard and by ear: every control is reached in order and seen to be, has a name, and the verdict is told.

use super::hand::{ends, serve};
use super::{Browser, Kind, within};
use fantoccini::key::Key;

/// Puts the focus before all controls.
const TOP: &str = "
    const top = document.querySelector('h1');
    top.tabIndex = -1; top.focus(); top.removeAttribute('tabindex')";

/// What can be reached, in the order of the document, each by its `id` or what is written on it.
const CONTROLS: &str = "
    const name = element => element.id || element.textContent.trim();
    return [...document.querySelectorAll('a[href], button, input, summary, select, textarea')]
        .filter(element => element.tabIndex >= 0 && !element.disabled && element.checkVisibility()).map(name)";

/// What has the focus, and whether that is to be seen.
const FOCUSED: &str = "
    const element = document.activeElement;
    if (element === document.body || element === document.documentElement) return null;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return { name: element.id || element.textContent.trim(), seen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 }";

/// Controls without a name, pictures that are read out, and headings that leave a step out.
const UNNAMED: &str = "
    const label = element => [...(element.labels ?? [])].map(label => label.textContent.trim()).join(' ') ||
        element.getAttribute('aria-label') || element.textContent.trim();
    const controls = [...document.querySelectorAll('button, input:not([type=file]), summary, a')];
    const drawings = [...document.querySelectorAll('svg')].filter(svg => svg.getAttribute('aria-hidden') !== 'true');
    const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(({ localName }) => Number(localName[1]));
    const steps = levels.filter((level, place) => level > (levels[place - 1] ?? 0) + 1);
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    return {
        controls: controls.filter(element => label(element) === '').map(({ outerHTML }) => outerHTML),
        drawings: drawings.map(({ outerHTML }) => outerHTML),
        steps, twice: ids.filter((id, place) => ids.indexOf(id) !== place),
        tables: [...document.querySelectorAll('table')].filter(table => table.querySelector('th') === null).length
    }";

/// Presses Tab so many times from the top of the page, and tells what was reached. After the last of all controls the focus would
/// leave the page.
async fn tabbed(browser: &Browser, times: usize) -> Vec<String> {
    browser.call(TOP, vec![]).await.expect("a focus");
    let mut reached = Vec::new();
    for _ in 0..times {
        browser.key(Key::Tab).await;
        let focused = browser.call(FOCUSED, vec![]).await.expect("a focus");
        let name = focused["name"].as_str().unwrap_or_else(|| panic!("after {reached:?} nothing has the focus")).to_owned();
        assert_eq!(focused["seen"], true, "the focus on {name} is not seen");
        reached.push(name);
    }
    reached
}

async fn in_order(browser: &Browser) {
    let controls = browser.call(CONTROLS, vec![]).await.expect("controls");
    let controls: Vec<String> = serde_json::from_value(controls).expect("names");
    assert_eq!(tabbed(browser, controls.len()).await, controls);
    let unnamed = browser.call(UNNAMED, vec![]).await.expect("lists");
    let nothing = serde_json::json!({"controls": [], "drawings": [], "steps": [], "twice": [], "tables": 0});
    assert_eq!(unnamed, nothing);
}

async fn by_keyboard(kind: Kind, name: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let (listener, _, page) = serve(home.path(), &["/ip4/127.0.0.1/tcp/0/ws"], &["--page-addr", "127.0.0.1:0"]);
    Browser::run(kind, name, &[], async |browser| {
        browser.open(&page).await;
        browser.until("document.getElementById('target').value !== '' && !document.getElementById('mine').hidden").await;
        in_order(browser).await;
        // The field, and Enter.
        browser.call("document.getElementById('target').focus()", vec![]).await.expect("a focus");
        browser.key(Key::Enter).await;
        browser.ended().await;
        let told = browser.call("return document.getElementById('status').textContent", vec![]).await.expect("a text");
        assert!(told.as_str().is_some_and(|told| told.starts_with("reachable. ")), "{told}");
        let live =
            browser.call("const { role, ariaLive } = document.getElementById('status'); return [role, ariaLive]", vec![]).await;
        assert_eq!(live.expect("a region"), serde_json::json!(["status", "polite"]));
        assert!(browser.client.title().await.expect("a title").contains("reachable"));
        // With the report there is more to reach: a fold opens by the keyboard, and what is in it follows.
        in_order(browser).await;
        browser.call("document.querySelector('#report summary').focus()", vec![]).await.expect("a fold");
        browser.key(Key::Enter).await;
        browser.until("document.querySelector('#report details').open").await;
        let focus = browser.call("return document.activeElement.localName", vec![]).await.expect("a focus");
        assert_eq!(focus, "summary");
        in_order(browser).await;
    })
    .await;
    ends(listener);
}

#[test]
fn by_keyboard_in_chromium() {
    within("browser::keyboard::by_keyboard_in_chromium", async || by_keyboard(Kind::Chromium, "keyboard-chromium").await);
}

#[test]
fn by_keyboard_in_firefox() {
    within("browser::keyboard::by_keyboard_in_firefox", async || by_keyboard(Kind::Firefox, "keyboard-firefox").await);
}
