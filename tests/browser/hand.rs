//! What a visitor does with a page, and what they see of it.

use super::Browser;
use super::session::PATIENCE;
use crate::listen;
use crate::program::Live;
use fantoccini::Locator;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use std::path::Path;

/// A listener, its addresses, and where its page is.
pub fn serve(home: &Path, listen: &[&str], options: &[&str]) -> (Live, Vec<String>, String) {
    let (mut listener, addresses) = listen::start_on(home, listen, &[&["--ephemeral"], options].concat());
    let page = listener.until(|line| line["event"] == "page")["url"].as_str().expect("a URL").to_owned();
    (listener, addresses, page)
}

/// The listener ends in order.
pub fn ends(listener: Live) {
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

impl Browser {
    /// Waits until a condition over the document holds.
    pub async fn until(&self, condition: &str) {
        let look = format!("const look = () => ({condition}) ? done() : setTimeout(look, 10); look()");
        if let Err(error) = self.call(&format!("await new Promise(done => {{ {look} }})"), vec![]).await {
            panic!("{condition}: {error}: {}", self.text("body").await);
        }
    }

    /// What a reader sees of an element, once it is there.
    pub async fn text(&self, css: &str) -> String {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}")).text().await.expect("its text")
    }

    pub async fn press(&self, css: &str) {
        let button = self.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"));
        button.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Types into a field what is to stand there.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"));
        field.clear().await.expect("it can be emptied");
        field.send_keys(text).await.expect("it can be filled");
    }

    /// Presses a key, which goes to whatever has the focus, as from a keyboard.
    pub async fn key(&self, key: Key) {
        let value = char::from(key);
        let pressed = KeyActions::new("keyboard".into()).then(KeyAction::Down { value }).then(KeyAction::Up { value });
        self.client.perform_actions(pressed).await.expect("a key can be pressed");
    }

    /// Enters an address in the page of `listen`, presses the button, and waits for the end of the run.
    pub async fn ask(&self, address: &str) {
        self.fill("#target", address).await;
        // What is told to a screen reader is emptied, so that the end of the run before is not taken for that of this one.
        self.call("document.getElementById('status').textContent = ''", vec![]).await.expect("a status");
        self.press("#go").await;
        self.until("document.getElementById('status').textContent.includes('. ')").await;
        self.until("!document.getElementById('tools').hidden && document.getElementById('go').textContent === 'Probe'").await;
    }
}
