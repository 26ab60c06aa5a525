//! Chromium's own protocol, for what `WebDriver` has no word for.

use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::Value;

/// A command of Chromium's `DevTools` protocol, with its parameters.
#[derive(Debug)]
pub struct Devtools(pub &'static str, pub Value);

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(serde_json::json!({"cmd": self.0, "params": self.1}).to_string()))
    }
}
