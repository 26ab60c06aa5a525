//! A browser with one page.

use super::artefacts;
use super::console::{TakeConsole, lines};
use super::driver::{DOWNLOADS, Driver, Kind};
use fantoccini::wd::TimeoutConfiguration;
use fantoccini::{Client, ClientBuilder};
use futures::FutureExt;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;
use tempfile::TempDir;

/// A script or a page that is not done by then hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A headless browser in which a test runs.
#[derive(Debug)]
pub struct Browser {
    /// The `WebDriver` session: elements, clicks, windows.
    pub client: Client,
    kind: Kind,
    name: String,
    driver: Driver,
    pub(super) folder: TempDir,
}

impl Browser {
    /// Starts a browser with an empty profile, runs the test in it, and ends it. A screenshot (`NAME.png`) and the console
    /// (`NAME.log`) are kept, however the test ends.
    pub async fn run<T>(kind: Kind, name: &str, flags: &[&str], test: impl AsyncFnOnce(&Self) -> T) -> T {
        Self::run_with(kind, name, flags, &json!({}), test).await
    }

    /// The same, with further options of Firefox, or capabilities of Chromium.
    pub async fn run_with<T>(kind: Kind, name: &str, flags: &[&str], more: &Value, test: impl AsyncFnOnce(&Self) -> T) -> T {
        let browser = Self::start(kind, name, flags, more).await;
        let outcome = AssertUnwindSafe(test(&browser)).catch_unwind().await;
        browser.keep("").await;
        if outcome.is_err() {
            eprintln!("{name}, the console:\n{}", browser.console().await);
        }
        let Self { client, driver, folder, .. } = browser;
        let _ = client.close().await;
        drop(driver);
        let _ = folder.close();
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }

    async fn start(kind: Kind, name: &str, flags: &[&str], more: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(DOWNLOADS)).expect("a folder");
        let driver = Driver::start(kind, folder.path());
        let capabilities = kind.capabilities(folder.path(), flags, more);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connected = builder.capabilities(capabilities).connect(&driver.url()).await;
        let client = connected.unwrap_or_else(|error| panic!("no browser: {error}: {}", driver.log()));
        let timeouts = TimeoutConfiguration::new(Some(PATIENCE), Some(PATIENCE), Some(Duration::ZERO));
        client.update_timeouts(timeouts).await.expect("timeouts can be set");
        Self { client, kind, name: name.to_owned(), driver, folder }
    }

    /// Loads a page, with its scripts.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Runs the body of an async function beside the page, whose window and document it sees; gives what it returns, or what it
    /// threw as text.
    pub async fn call(&self, body: &str, arguments: Vec<Value>) -> Result<Value, String> {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             (async function () {{ {body} }}).apply(null, Array.from(arguments).slice(0, -1))
               .then(value => done({{ value }}), error => done({{ error: String(error) }}));"
        );
        let told = self.client.execute_async(&script, arguments).await.map_err(|error| error.to_string())?;
        match told["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(told["value"].clone()),
        }
    }

    /// Runs the body of an async function in the page itself, which `page/empty.html` lets the tests do.
    pub async fn run_in_page(&self, body: &str, arguments: &[Value]) -> Result<Value, String> {
        let given = serde_json::to_string(arguments).expect("JSON");
        let told = self.call("return await window.run(...arguments)", vec![body.into(), given.into()]).await?;
        // Nothing is what a function without a result tells.
        Ok(told.as_str().map_or(Value::Null, |told| serde_json::from_str(told).expect("JSON")))
    }

    /// What the page wrote to its console since this was last asked. In Firefox: all that the browser wrote.
    pub async fn console(&self) -> String {
        match self.kind {
            Kind::Chromium => self.client.issue_cmd(TakeConsole).await.map(|entries| lines(&entries)).unwrap_or_default(),
            Kind::Firefox => self.driver.log(),
        }
    }

    /// Keeps a screenshot under the name of the test with this after it.
    pub async fn keep(&self, after: &str) {
        let folder = artefacts();
        if let Ok(picture) = self.client.screenshot().await {
            std::fs::write(folder.join(format!("{}{after}.png", self.name)), picture).expect("a screenshot can be kept");
        }
        std::fs::write(folder.join(format!("{}{after}.log", self.name)), self.driver.log()).expect("a log can be kept");
    }
}
