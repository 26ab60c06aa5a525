//! JSON: report-format 1.

use std::fmt::Write as _;

use serde::Serialize;

use super::clean::acts;

/// A report for people who read JSON: indented, with a line end.
pub fn pretty(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    serde_json::to_string_pretty(value).map(|json| harmless(&json))
}

/// One line: an event of `--format ndjson`, and the report at its end.
pub fn line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    serde_json::to_string(value).map(|json| harmless(&json))
}

/// Escapes what a terminal would act on: JSON itself only asks for that below U+0020. What is read back is the same, since
/// such characters stand in strings alone.
fn harmless(json: &str) -> Vec<u8> {
    let dangerous = |c: char| acts(c) && c != '\n';
    if !json.contains(dangerous) {
        return [json.as_bytes(), b"\n"].concat();
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if dangerous(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped.push('\n');
    escaped.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_escaped_and_reads_back_the_same() {
        let text = "a\u{9b}31m\u{7f}\u{202e}\u{e0041}\u{1b}]0;é✔";
        for bytes in [line(&text).unwrap(), pretty(&text).unwrap()] {
            let written = String::from_utf8(bytes).unwrap();
            assert!(!written.trim_end().contains(acts), "{written:?}");
            assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
