//! What a peer or a system says, made harmless for a terminal.

use std::{borrow::Cow, fmt::Write as _};

/// The text with everything escaped that a terminal would act on or a reader would not see: control characters (C0, C1),
/// marks that turn the writing direction, invisible ones.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            // Writing to a string cannot fail.
            let _ = write!(cleaned, "{}", c.escape_unicode());
        } else {
            cleaned.push(c);
        }
    }
    Cow::Owned(cleaned)
}

/// Whether a terminal would act on a character, or a reader not see it.
pub(super) fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, Arabic letter mark, Mongolian vowel separator.
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            // Zero width, direction marks; line and paragraph separators, embeddings and overrides; joiners, isolates.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            // Byte order mark, interlinear annotations, tags.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn nothing_that_a_terminal_acts_on_is_left() {
        assert_eq!(clean("\u{1b}[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(clean("a\nb\r\tc"), "a\\u{a}b\\u{d}\\u{9}c");
        assert_eq!(clean("c1 \u{9b}2J del \u{7f}"), "c1 \\u{9b}2J del \\u{7f}");
        assert_eq!(clean("\u{202e}drow\u{2069}\u{200b}\u{feff}"), "\\u{202e}drow\\u{2069}\\u{200b}\\u{feff}");
    }

    #[test]
    fn what_people_write_stays() {
        for text in ["kubo/0.43.0", "Zürich · 東京 ✔", ""] {
            assert_eq!(clean(text), text);
        }
    }
}
