//! JSON: report-format 1.

mod layout;

use std::fmt::Write as _;

use serde::Serialize;

use super::clean::acts;
use layout::Layout;

/// A report for people who read JSON: indented, with a line end.
pub fn pretty(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    written(value, Layout::indented())
}

/// One line: an event of `--format ndjson`, and the report at its end.
pub fn line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    written(value, Layout::line())
}

fn written(value: &impl Serialize, layout: Layout) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, layout))?;
    Ok(harmless(&String::from_utf8_lossy(&bytes)))
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
