//! What a visitor does with a page, and what they see of it.

use super::Browser;
use super::session::PATIENCE;
use crate::listen;
use crate::program::Live;
use fantoccini::Locator;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use serde_json::{Value, json};
use std::path::Path;

/// Drops files on the page.
const DROP: &str = "
    const [files] = arguments;
    const data = new DataTransfer();
    for (const [name, text] of files) data.items.add(new File([text], name));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))";

/// Presses a button that copies: what it gives to the clipboard, what it says then, and what a screen reader is told.
const COPY: &str = "
    const button = document.getElementById(arguments[0]);
    let copied;
    navigator.clipboard ? navigator.clipboard.writeText = async text => { copied = text }
      : document.execCommand = () => { copied = document.activeElement.value; return true };
    button.click();
    while (copied === undefined) await new Promise(resolve => setTimeout(resolve, 0));
    await new Promise(resolve => setTimeout(resolve, 0));
    return { text: copied, says: button.textContent, status: document.getElementById('status').textContent }";

/// What a button copied.
#[derive(serde::Deserialize)]
pub struct Copied {
    pub text: String,
    /// What stands on the button then.
    pub says: String,
    /// What a screen reader is told.
    pub status: String,
}

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
        loop {
            let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
            match found.unwrap_or_else(|error| panic!("{css}: {error}")).text().await {
                Ok(text) => return text,
                // The report was drawn anew meanwhile.
                Err(error) if error.is_stale_element_reference() => {}
                Err(error) => panic!("{css}: {error}"),
            }
        }
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
        self.ended().await;
    }

    /// Waits for the end of a run, or for what was opened: its verdict is a sentence.
    pub async fn ended(&self) {
        self.until("document.getElementById('status').textContent.endsWith('.')").await;
        self.until("!document.getElementById('tools').hidden && document.getElementById('go').textContent === 'Probe'").await;
    }

    /// Presses a letter together with Control.
    pub async fn with_control(&self, letter: char) {
        let (control, letter) = (char::from(Key::Control), letter);
        let pressed = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value: control })
            .then(KeyAction::Down { value: letter })
            .then(KeyAction::Up { value: letter })
            .then(KeyAction::Up { value: control });
        self.client.perform_actions(pressed).await.expect("keys can be pressed");
    }

    /// Drops files on the page: their names and what is in them.
    pub async fn drop_files(&self, files: &[(&str, &str)]) {
        self.call(DROP, vec![json!(files)]).await.expect("dropped");
    }

    /// Presses a button that copies.
    pub async fn copied(&self, button: &str) -> Copied {
        let copied = self.call(COPY, vec![button.into()]).await.unwrap_or_else(|error| panic!("{button}: {error}"));
        serde_json::from_value(copied).expect("what was copied")
    }

    /// The report that the page has.
    pub async fn report(&self) -> Value {
        serde_json::from_str(&self.copied("copy-json").await.text).expect("JSON")
    }
}
