//! What a page wrote to its console, where the driver can be asked for it.

use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::Value;

/// chromedriver's own command; geckodriver has none, but Firefox writes its console to its output.
#[derive(Debug)]
pub(super) struct TakeConsole;

impl WebDriverCompatibleCommand for TakeConsole {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(r#"{"type":"browser"}"#.to_owned()))
    }
}

/// Its entries, a line each.
pub(super) fn lines(entries: &Value) -> String {
    let text =
        |entry: &Value| format!("{} {}\n", entry["level"].as_str().unwrap_or("?"), entry["message"].as_str().unwrap_or("?"));
    entries.as_array().into_iter().flatten().map(text).collect()
}
